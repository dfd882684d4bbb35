"""How much room a stage that met a full disk would have needed, by what it wrote before."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from shared.errors import DiskFull

_LEAST_SHARE = 0.02
"""A stage that has done less says nothing about the rest."""
_MARGIN = 1.2


def explained(full: DiskFull, shot: Path, began: float, shares: tuple[float, float]) -> DiskFull:
    """The error with how much more is needed, and where. began: when this run of the stage did, in seconds since 1970.
    shares: of the stage that were done, 0..1, when this run first said so (one that continues has some behind it) and
    when the disk was full."""
    written = _written_since(shot, began)
    share = shares[1] - shares[0]
    if share < _LEAST_SHARE or not written:
        return full
    need = _MARGIN * written * (1.0 - shares[1]) / share
    try:
        free = shutil.disk_usage(shot).free
    except OSError:
        free = 0
    return DiskFull(
        f"{full.message} About {readable(need)} more is needed in {shot}, and {readable(free)} is left.",
        f"Free about {readable(max(need - free, 1e6))} on that disk and run the job again: it continues where it "
        f"stopped.",
        **{**full.details, "needed_bytes": int(need)},
    )


def readable(count: float) -> str:
    """1.2e9 -> "1.2 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 0):.0f} MB"


def _written_since(folder: Path, began: float) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                facts = Path(place, name).stat()
            except OSError:
                continue
            total += facts.st_size if facts.st_mtime >= began else 0
    return total
