"""One writer a shot: an operating-system lock that dies with its process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from shared.errors import ShotBusy
from shared.file_lock import try_lock
from shared.shot import ShotFolder

from .atomic import disk_errors
from .journal import recover


@contextlib.contextmanager
def shot_lock(shot: ShotFolder) -> Iterator[None]:
    """Holds the shot for writing, and first finishes a change of several files that was interrupted. Raises
    `ShotBusy` when another process holds it, `ShotReadOnly`."""
    with disk_errors(shot.lock_file):
        shot.lock_file.parent.mkdir(parents=True, exist_ok=True)
        file = shot.lock_file.open("a+")
    with file:
        if not try_lock(file):
            raise ShotBusy(f"Another job is working on {shot.root}.")
        recover(shot)
        yield
