"""Half-written files of a worker that was killed.

A worker that ends by itself removes what it has not finished; one that is killed cannot. Unfinished files
carry the number of their process in their name (`backend/pipeline/atomic.py`).
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

from backend.pipeline.atomic import PARTIAL

LOG = logging.getLogger("backlot.server.leftovers")


def remove_leftovers(shot: Path, pid: int) -> int:
    """Removes the unfinished files and folders that process `pid` left anywhere in a shot; how many."""
    removed = 0
    for folder, subfolders, files in os.walk(shot):
        for name in [name for name in subfolders if _is_of(name, pid)]:
            subfolders.remove(name)
            shutil.rmtree(Path(folder, name), ignore_errors=True)
            removed += 1
        for name in files:
            if _is_of(name, pid):
                removed += _remove(Path(folder, name))
    return removed


def _is_of(name: str, pid: int) -> bool:
    return PARTIAL in name and f".{pid}." in name


def _remove(path: Path) -> int:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        LOG.warning("%s could not be removed: %s", path, error)
        return 0
    return 1
