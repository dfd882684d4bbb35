"""How much memory a process may still take. Imports nothing heavy: the server asks too."""

from __future__ import annotations

import math
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def free_bytes() -> float:
    """Memory that a process may still take: of the computer, or of the container it runs in when that has less."""
    import psutil

    return min(float(psutil.virtual_memory().available), container_free_bytes(CGROUP))


def container_free_bytes(cgroup: Path) -> float:
    """What is left of a Linux control group's limit (version 2), counting its file cache as free; inf without a
    limit."""
    try:
        most = (cgroup / "memory.max").read_text(encoding="ascii").strip()
        if most == "max":
            return math.inf
        used = float((cgroup / "memory.current").read_text(encoding="ascii"))
        stat = dict(line.split() for line in (cgroup / "memory.stat").read_text(encoding="ascii").splitlines())
        return max(0.0, float(most) - used + float(stat.get("inactive_file", 0)))
    except (OSError, ValueError):
        return math.inf


def most_bytes() -> float:
    """All memory of the computer, or the limit of the container it runs in when that is less."""
    import psutil

    return min(float(psutil.virtual_memory().total), container_most_bytes(CGROUP))


def container_most_bytes(cgroup: Path) -> float:
    """A Linux control group's limit (version 2); inf without one."""
    try:
        most = (cgroup / "memory.max").read_text(encoding="ascii").strip()
        return math.inf if most == "max" else float(most)
    except (OSError, ValueError):
        return math.inf
