"""An operating system's lock on an open file, which ends with its process."""

from __future__ import annotations

import sys
from typing import IO


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
