"""What clients say and hear while an artist clicks: a mask of the current frame, at once.

| method | params | result |
|---|---|---|
| roto.preview | PreviewRequest | PreviewReply: what one frame's hints make of it; changes nothing in the shot |

Answered by a process that keeps the last frames' features warm; it may be asked while jobs run. A client shows one
preview at a time, so that of the requests of one `session` only the newest counts: when it arrives, an older one that
waits or runs ends with `Superseded`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import InvalidRequest, MalformedMessage
from .roto_prompts import FramePrompt

LONGEST_SESSION = 100


@dataclass(frozen=True)
class PreviewRequest:
    """shot: absolute path. frame: plate number. label: the object's name; where it has no boxes and no painted mask in
    `prompts`, its mask of this frame in the shot is what the hints correct. prompts: what is said of it on this frame.
    session: of the client's own making, such as a UUID for each window in which somebody clicks."""

    shot: str
    frame: int
    label: str
    prompts: FramePrompt
    session: str


@dataclass(frozen=True)
class PreviewReply:
    """width, height: of the plate. mask: see `packed_rows`. seconds: that the answer took, without its way."""

    frame: int
    width: int
    height: int
    mask: bytes
    seconds: float


def pack_rows(rows: Iterable[bytes]) -> bytes:
    """A reply's mask from its rows, each of whole bytes."""
    return zlib.compress(b"".join(rows), 1)


def packed_rows(reply: PreviewReply) -> bytes:
    """The mask as `height` rows of (width + 7) // 8 bytes, from the top; the most significant bit is the leftmost
    pixel, set where the object is. With NumPy:

        rows = np.frombuffer(packed_rows(reply), np.uint8).reshape(reply.height, -1)
        mask = np.unpackbits(rows, axis=1, count=reply.width).astype(bool)

    Raises `MalformedMessage`.
    """
    wanted = reply.height * ((reply.width + 7) // 8)
    inflate = zlib.decompressobj()
    try:
        rows = inflate.decompress(reply.mask, wanted + 1)
    except zlib.error as bad:
        raise MalformedMessage(f"The preview of frame {reply.frame} cannot be unpacked: {bad}.") from bad
    if len(rows) != wanted:
        raise MalformedMessage(f"The preview of frame {reply.frame} is not {reply.width} x {reply.height} pixels.")
    return rows


def require_preview(request: PreviewRequest) -> None:
    """What can be said without the shot. Raises `InvalidRequest`."""
    if request.frame < 0:
        raise InvalidRequest(f"There is no frame {request.frame}.", "Frames count from 0 or more.")
    if not 0 < len(request.session) <= LONGEST_SESSION:
        raise InvalidRequest("A preview needs a session.", f"Send a name of 1 to {LONGEST_SESSION} characters.")
