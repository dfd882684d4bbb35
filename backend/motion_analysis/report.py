"""`analysis.json` and `analysis.svg` of a motion."""

from __future__ import annotations

from pathlib import Path

from backend.pipeline.atomic import write_text
from shared.motion_arrays import Motion
from shared.shot import document_text

from .analysis import MotionAnalysis, analyse
from .plot import draw

NUMBERS_FILE, PLOT_FILE = "analysis.json", "analysis.svg"


def write_report(folder: Path, motion: Motion, *, metres_per_unit: float = 1.0) -> MotionAnalysis:
    """Writes both files. Raises `ArtifactMissing` for a motion without a pose, `DiskFull`, `ShotReadOnly`."""
    analysis = analyse(motion, metres_per_unit=metres_per_unit)
    write_text(folder / NUMBERS_FILE, document_text(analysis))
    write_text(folder / PLOT_FILE, draw(analysis))
    return analysis
