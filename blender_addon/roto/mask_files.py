"""The stage's masks in memory, read on the session's thread and kept for a while. No bpy here."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..session import Session
from ..shared.artifacts import MATTE, ROTO, frame_name
from ..shared.errors import BacklotError

if TYPE_CHECKING:
    import numpy as np

_KEPT = 48
_AT_ONCE = 3


@dataclass(frozen=True)
class Shown:
    """A mask to draw. grey: uint8 [H,W]. serial: tells it from every other one, for the graphics card's copies."""

    grey: np.ndarray
    serial: int


class MaskFiles:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: OrderedDict[Path, Shown | None] = OrderedDict()
        self._awaited: set[Path] = set()
        self._era = 0
        self._serial = 0
        self.error: BacklotError | None = None

    @property
    def waiting(self) -> bool:
        return bool(self._awaited)

    def forget(self) -> None:
        """After the files have changed."""
        self._era += 1
        self._kept.clear()
        self._awaited.clear()
        self.error = None

    def find(self, folder: Path, label: str, number: int, *, is_matte: bool = False) -> Shown | None:
        """The mask of a label at a plate frame; None while it is read, and where there is none."""
        path = folder / (MATTE if is_matte else ROTO) / label / frame_name(number)
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        if path not in self._awaited and len(self._awaited) < _AT_ONCE:
            self._read(path)
        return None

    def _read(self, path: Path) -> None:
        era = self._era
        self._awaited.add(path)

        def arrived(grey: np.ndarray | None) -> None:
            if era != self._era:
                return
            self._awaited.discard(path)
            self._serial += 1
            self._kept[path] = None if grey is None else Shown(grey, self._serial)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

        def failed(error: BacklotError) -> None:
            if era == self._era:
                self.error = error
                arrived(None)

        self._session.background(lambda: _read_if_there(path), arrived, failed)


def _read_if_there(path: Path) -> np.ndarray | None:
    from .png import read_grey

    try:
        return read_grey(path)
    except FileNotFoundError:
        return None
