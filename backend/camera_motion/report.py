"""`camera/analysis.json` and `camera/analysis.png`."""

from __future__ import annotations

from pathlib import Path

from backend.export.camera_track import CameraTrack, PointCloud
from backend.media.png import encode_png
from backend.pipeline.atomic import atomic_path, write_text
from shared.shot import document_text

from .analysis import analyse_motion
from .plot import draw


def write_report(folder: Path, track: CameraTrack, cloud: PointCloud) -> tuple[Path, Path]:
    """The two files, in this order."""
    analysis = analyse_motion(track, cloud)
    numbers, plot = folder / "analysis.json", folder / "analysis.png"
    write_text(numbers, document_text(analysis))
    with atomic_path(plot) as beside:
        beside.write_bytes(encode_png(draw(analysis)))
    return numbers, plot
