"""Opening a video and indexing its frames, through libav (PyAV)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from shared.errors import FootageEmpty, FootageNotFound, FootageUnreadable

from .clip import VideoIndex
from .timing import FALLBACK_RATE, Timing, analyse

Check = Callable[[], None]
"""Called now and then during long work; may raise to stop it."""

_CHECK_EVERY = 256
_NOT_FOOTAGE = frozenset({"tty", "bin", "xbin", "adf", "idf", "srt", "ass", "webvtt", "ffmetadata"})
"""Demuxers that accept almost any text."""


def never() -> None:
    """The check of callers that never stop."""


@contextlib.contextmanager
def open_video(path: Path, *, threads: bool = True) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its picture stream, decoding with several `threads` or one. Raises `FootageUnreadable` and its
    siblings; no libav error escapes from opening."""
    with _open(path) as container:
        streams = [s for s in container.streams.video if not _is_cover(s)]
        if not streams or container.format.name in _NOT_FOOTAGE:
            raise FootageUnreadable(
                f"{path.name} has no moving picture in it.", "Pick a video file or a sequence of images."
            )
        stream = max(streams, key=lambda s: (s.width or 0) * (s.height or 0))
        if stream.codec_context is None or not stream.width:
            raise FootageUnreadable(f"{path.name} uses a video codec that this version cannot decode.")
        for other in container.streams:
            if other.index != stream.index:
                other.discard = av.stream.Discard.all
        stream.thread_type = "AUTO" if threads else "NONE"
        yield container, stream


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


@contextlib.contextmanager
def _open(path: Path) -> Iterator[InputContainer]:
    try:
        container = av.open(str(path), metadata_errors="replace")
    except FileNotFoundError as gone:
        raise FootageNotFound(f"There is no clip at {path}.") from gone
    except PermissionError as denied:
        raise FootageUnreadable(f"{path} may not be read.", "Change its permissions, or copy it elsewhere.") from denied
    except (av.FFmpegError, OSError, ValueError) as bad:
        raise _cannot_open(path, bad) from bad
    with container:
        yield container


def _cannot_open(path: Path, error: Exception) -> FootageUnreadable | FootageEmpty:
    with contextlib.suppress(OSError):
        if path.stat().st_size == 0:
            return FootageEmpty(f"{path} is empty (0 bytes).", "Copy or export the clip again.")
        if _lacks_movie_index(path):
            return FootageUnreadable(
                f"{path.name} is cut off: its index (the moov atom) is missing, so no frame can be found.",
                "Copy the clip again from the camera or card; a recording that was interrupted needs a repair tool.",
            )
    return FootageUnreadable(f"{path.name} cannot be read as a video: {getattr(error, 'strerror', None) or error}.")


def _lacks_movie_index(path: Path) -> bool:
    """Whether an ISO/QuickTime file has no moov atom among its whole top-level atoms."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at, first = 0, True
        while at + 8 <= size:
            file.seek(at)
            head = file.read(16)
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if first and kind not in (b"ftyp", b"mdat", b"wide", b"free", b"skip"):
                return False
            first = False
            if kind == b"moov":
                return at + length > size
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if length < 8:
                return True
            at += length
    return not first


@dataclass
class _Packets:
    """What the packets of a stream say: presentation ticks in coded order."""

    ticks: list[int]
    keys: list[int]
    untimed: int = 0
    seen: int = 0
    broken: bool = False


def index_video(path: Path, check: Check) -> VideoIndex:
    """The times of all frames, from the packets alone (nothing is decoded unless the file has no times)."""
    with open_video(path) as (container, stream):
        declared = stream.guessed_rate or stream.average_rate
        found = _from_index(stream, path) or _scan(container, stream, check)
        expected = _expected_frames(container, stream, found, path.stat().st_size)
        promised, tick = _promised_seconds(container, stream), stream.time_base or Fraction(1, 1000)
    # A few packets without a time are second fields, or damage; frames without any time are counted.
    if found.untimed > len(found.ticks) or not found.ticks:
        return _count_frames(path, declared or FALLBACK_RATE, check)
    ticks = np.unique(np.array(found.ticks, np.int64))
    if expected is not None:
        ticks = _until_gap(ticks)
    timing = analyse(ticks, tick, declared)
    if expected is None:
        expected = _expected_by_duration(promised, timing)
    return VideoIndex(timing, np.unique(np.array(found.keys, np.int64)), expected=expected)


def _from_index(stream: VideoStream, path: Path) -> _Packets | None:
    """From the container's own index when the codec has only key frames (ProRes, DNxHD, MJPEG, ...): then
    coded order is shown order, and reading gigabytes of pixels for their times is spared."""
    entries = stream.index_entries
    if not stream.codec.intra_only or not stream.frames or len(entries) != stream.frames:
        return None
    found, size = _Packets([], []), path.stat().st_size
    for entry in entries:
        if not entry.is_keyframe or entry.is_discard:
            return None
        found.seen += 1
        if entry.pos + entry.size > size:
            found.broken = True
            found.seen -= 1
            break
        found.ticks.append(entry.timestamp)
    found.keys = found.ticks
    return found


def _scan(container: InputContainer, stream: VideoStream, check: Check) -> _Packets:
    found = _Packets([], [])
    ticks: list[int] = []
    damaged = False
    try:
        for packet in container.demux(stream):
            if not packet.size:
                continue
            found.seen += 1
            if found.seen % _CHECK_EVERY == 0:
                check()
            damaged = packet.is_corrupt
            if packet.pts is None:
                found.untimed += 1
                continue
            if packet.is_keyframe:
                found.keys.append(packet.pts)
            # An edit list marks what is decoded for the sake of later frames but not shown.
            if found.keys and not packet.is_discard:
                ticks.append(packet.pts)
    except (av.FFmpegError, OSError):
        found.broken = True
    if damaged and ticks:  # a last packet that is not whole: the file was cut in it
        ticks.pop()
        found.seen -= 1
        found.broken = True
    # Frames shown before the first key frame lean on pictures that are not in the file.
    found.ticks = [tick for tick in ticks if tick >= found.keys[0]] if found.keys else []
    return found


def _expected_frames(container: InputContainer, stream: VideoStream, found: _Packets, size: int) -> int | None:
    """How many frames a file that breaks off should have, None when it is whole."""
    if found.broken:
        return max(int(stream.frames), found.seen + 1)
    if "mov" in container.format.name:
        # Its count of frames ignores edit lists, but its index says where in the file each frame ends.
        cut = any(entry.pos + entry.size > size for entry in stream.index_entries)
        return max(int(stream.frames), found.seen + 1) if cut else None
    return int(stream.frames) if stream.frames > found.seen else None


def _until_gap(ticks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where coding order was cut, some frames near the end were never stored: stop before the first hole."""
    if len(ticks) < 3:
        return ticks
    step = float(np.median(np.diff(ticks)))
    tail = max(0, len(ticks) - 33)
    holes = np.flatnonzero(np.diff(ticks[tail:]) > 1.5 * step)
    return ticks if len(holes) == 0 else ticks[: tail + int(holes[0]) + 1]


def _expected_by_duration(promised: float | None, timing: Timing) -> int | None:
    """From the length that the header promises, when the frames end clearly before it."""
    if promised is None or timing.variable:
        return None
    frames = len(timing.ticks)
    expected = round(promised * float(timing.rate))
    return expected if expected > frames + max(2, frames // 50) else None


def _promised_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """Matroska's length of the stream (a tag such as 00:00:01.902000000), as far as the file's own header
    agrees: tools that cut a file without recoding it may leave old tags behind."""
    parts = stream.metadata.get("DURATION", "").split(":")
    if len(parts) == 3 and container.duration:
        with contextlib.suppress(ValueError):
            tagged = int(parts[0]) * 3600 + int(parts[1]) * 60 + float(parts[2])
            return min(tagged, container.duration / 1e6)
    return None


def _count_frames(path: Path, rate: Fraction, check: Check) -> VideoIndex:
    """For raw streams without times: decodes everything once to count."""
    count = 0
    with open_video(path) as (container, stream):
        try:
            for _ in container.decode(stream):
                count += 1
                if count % 16 == 0:
                    check()
        except (av.FFmpegError, OSError):
            pass  # the frames before it are what there is; reading says so again if they are asked for
    if count == 0:
        raise FootageUnreadable(f"{path.name} holds no frame that can be decoded.")
    ticks = np.arange(count, dtype=np.int64)
    return VideoIndex(Timing(ticks, 1 / rate, rate, False), ticks[:1], counted=True)


def first_frame(path: Path) -> tuple[VideoFrame, dict[str, Any]]:
    """The first frame that decodes, and what the stream says besides: codec, pixel format, metadata."""
    with open_video(path) as (container, stream):
        said: dict[str, Any] = {
            "codec": stream.codec_context.name,
            "pixel_format": stream.codec_context.pix_fmt or "",
            "pixel_aspect": stream.sample_aspect_ratio,
            "metadata": {**_plain(container.metadata), **_plain(stream.metadata)},
        }
        try:
            for frame in container.decode(stream):
                return frame, said
        except (av.FFmpegError, OSError) as bad:
            raise FootageUnreadable(f"The first frame of {path.name} cannot be decoded: {bad}.") from bad
    raise FootageUnreadable(f"{path.name} holds no frame that can be decoded.")


def _plain(metadata: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in dict(metadata).items()}
