"""How many processors this process may use."""

from __future__ import annotations

import os
import sys


def cpu_count() -> int:
    """Processors that this process may use: a container or `taskset` often grants fewer than there are."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
