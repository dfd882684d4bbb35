"""Masks of the frame that the artist works on, asked from the backend after every click. No bpy here.

Nothing waits: a newer question supersedes an older one, whose answer is dropped. An answer belongs to exactly what was
said when it was asked, so that undo shows the earlier one again, and never a wrong one.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..session import Session
from ..shared.errors import BacklotError, JobCancelled
from ..shared.roto_messages import PreviewReply, PreviewRequest, packed_rows
from ..shared.roto_prompts import FramePrompt
from ..shared.wire import pack, unpack
from .mask_files import Shown

if TYPE_CHECKING:
    import numpy as np

METHOD = "roto.preview"
_KEPT = 24
_FIRST_SERIAL = 1 << 40
"""Beyond those of the files' masks."""


@dataclass(frozen=True)
class Asked:
    """What a preview is of."""

    folder: Path
    label: str
    number: int
    prompt: FramePrompt


class Previews:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: OrderedDict[Asked, Shown] = OrderedDict()
        self._latest: Asked | None = None
        self._serial = _FIRST_SERIAL
        self.name = f"blender-{os.getpid()}"
        self.waiting = False
        self.error: BacklotError | None = None
        self.seconds = 0.0

    def forget(self) -> None:
        """After the masks have changed that corrections start from."""
        self._kept.clear()
        self._latest, self.waiting, self.error = None, False, None

    def ask(self, wanted: Asked) -> None:
        """Asks for a mask, unless it is known."""
        self.error = None
        self._latest = wanted
        if wanted.prompt.is_empty or wanted.prompt.absent or wanted in self._kept:
            self.waiting = False
            return
        self.waiting = True
        request = PreviewRequest(str(wanted.folder), wanted.number, wanted.label, wanted.prompt, self.name)
        self._session.ask(
            METHOD,
            pack(request),
            lambda answer: self._answered(wanted, answer),
            lambda error: self._refused(wanted, error),
        )

    def find(self, wanted: Asked) -> Shown | None:
        """The mask that came for exactly this, or None."""
        return self._kept.get(wanted)

    def _answered(self, asked: Asked, answer: Any) -> None:
        try:
            reply = unpack(PreviewReply, answer)
            mask = pixels(reply)
        except BacklotError as error:
            self._refused(asked, error)
            return
        self._serial += 1
        self._kept[asked] = Shown(mask, self._serial)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        if asked == self._latest:
            self.waiting, self.seconds = False, reply.seconds

    def _refused(self, asked: Asked, error: BacklotError) -> None:
        """`Superseded` among them: nothing is wrong then."""
        if asked != self._latest:
            return
        self.waiting = False
        if not isinstance(error, JobCancelled):
            self.error = error


def pixels(reply: PreviewReply) -> np.ndarray:
    """uint8 [H,W] 0 or 255. Raises `MalformedMessage`."""
    import numpy as np

    rows = np.frombuffer(packed_rows(reply), np.uint8).reshape(reply.height, -1)
    return np.unpackbits(rows, axis=1, count=reply.width) * np.uint8(255)
