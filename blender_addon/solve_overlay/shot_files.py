"""The marks of the shots that are shown: read on a thread, at first and when their files have changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ..session import Session
from ..shared.errors import BacklotError
from .marks import SolveMarks, Stamp, read_marks, stamp_of

_LOOK_AGAIN_S = 0.5
"""Files are looked at no oftener: a viewport that plays draws many times a second."""


class ShotMarks:
    """hurry: called when the pump should look soon. error: why the files of the shot that was wanted last cannot be
    read; None when they can."""

    def __init__(self, session: Session, hurry: Callable[[], None]) -> None:
        self._session, self._hurry = session, hurry
        self._stamps: dict[Path, Stamp] = {}
        self._looked: dict[Path, float] = {}
        self._known: dict[Path, SolveMarks] = {}
        self.error: BacklotError | None = None

    def find(self, folder: Path) -> SolveMarks | None:
        """None until they are read, and without a solved camera."""
        now = time.monotonic()
        if now - self._looked.get(folder, -_LOOK_AGAIN_S) >= _LOOK_AGAIN_S:
            self._looked[folder] = now
            self._look(folder, stamp_of(folder))
        return self._known.get(folder)

    @property
    def known(self) -> int:
        """How many shots' marks are there to be drawn."""
        return len(self._known)

    def _look(self, folder: Path, stamp: Stamp) -> None:
        if stamp == self._stamps.get(folder, ()):
            return
        self._stamps[folder] = stamp
        if not stamp:
            self._known.pop(folder, None)
            return
        self._session.background(lambda: read_marks(folder), lambda marks: self._read(folder, marks), self._failed)
        self._hurry()

    def _read(self, folder: Path, marks: SolveMarks) -> None:
        self._known[folder] = marks
        self.error = None
        self._session.changed = True

    def _failed(self, error: BacklotError) -> None:
        """Files that are being rewritten: they are read again when they have changed once more."""
        self.error = error
        self._session.changed = True
