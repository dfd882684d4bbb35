"""One writer a shot: an operating-system lock that dies with its process."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import IO

from shared.errors import ShotBusy
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


def try_lock(file: IO[str]) -> bool:
    """Takes the exclusive lock of an open file without waiting; it is released when the file closes."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
