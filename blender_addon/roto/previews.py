"""Masks of the frame that the artist works on, asked from the backend after every click. No bpy here.

Nothing waits: a newer question supersedes an older one, whose answer is dropped. An answer belongs to exactly what was
said when it was asked, so that undo shows the earlier one again, and never a wrong one.
"""

from __future__ import annotations

import os
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..session import Session
from ..shared.errors import BacklotError, InternalError, JobCancelled
from ..shared.roto_prompts import FramePrompt
from ..shared.wire import pack
from .mask_files import Shown

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
        self._session.ask(
            METHOD,
            {
                "shot": str(wanted.folder), "frame": wanted.number, "label": wanted.label,
                "prompts": pack(wanted.prompt), "session": self.name,
            },
            lambda answer: self._answered(wanted, answer),
            lambda error: self._refused(wanted, error),
        )  # fmt: skip

    def find(self, wanted: Asked) -> Shown | None:
        """The mask that came for exactly this, or None."""
        return self._kept.get(wanted)

    def _answered(self, asked: Asked, answer: Any) -> None:
        try:
            mask = unpacked(answer)
        except (KeyError, TypeError, ValueError, zlib.error) as bad:
            self._refused(asked, InternalError(f"The preview of frame {asked.number} cannot be read: {bad}."))
            return
        self._serial += 1
        self._kept[asked] = Shown(mask, self._serial)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        if asked == self._latest:
            self.waiting, self.seconds = False, float(answer.get("seconds") or 0.0)

    def _refused(self, asked: Asked, error: BacklotError) -> None:
        if asked != self._latest:
            return
        self.waiting = False
        if not isinstance(error, JobCancelled) and error.code != "superseded":
            self.error = error


def unpacked(answer: Any) -> np.ndarray:
    """uint8 [H,W] 0 or 255 of an answer: rows padded to bytes, first pixel in the highest bit, deflated. Raises
    `KeyError`, `TypeError`, `ValueError`, `zlib.error`."""
    width, height = int(answer["width"]), int(answer["height"])
    packed = np.frombuffer(zlib.decompress(answer["mask"]), np.uint8).reshape(height, (width + 7) // 8)
    return np.unpackbits(packed, axis=1)[:, :width] * np.uint8(255)
