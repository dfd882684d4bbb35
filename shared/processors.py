"""How many processors a process may use. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path


def usable_processors() -> int:
    """Processors that this process may use: affinity and a container's quota count."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        return count
    return count if quota == "max" else max(1, min(count, round(int(quota) / int(period))))
