"""Nuke's `.chan`: `frame tx ty tz rx ry rz [vfov]` a line; angles and the vertical field of view in degrees."""

from __future__ import annotations

import math
from pathlib import Path

from shared import axes
from shared.errors import FootageUnreadable
from shared.shot import SourceFacts

from .imported_camera import ImportedCamera, ImportedFrame, ImportOptions, to_pose

ORDER = "zxy"


def read_chan(path: Path, plate: SourceFacts, options: ImportOptions) -> ImportedCamera:
    """Raises `FootageUnreadable` for a line that is none."""
    order = ORDER if options.order == "auto" else options.order
    convention = options.convention(axes.NUKE)
    frames = {}
    for at, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        cells = line.split()
        if not cells or cells[0].startswith("#"):
            continue
        frame, values = _numbers(path, at, cells)
        turn = axes.euler_to_rotation((values[3], values[4], values[5]), order)
        pose = to_pose(turn, (values[0], values[1], values[2]), convention, options.scale)
        fy = plate.height / 2.0 / math.tan(math.radians(values[6]) / 2.0)
        frames[frame + options.frame_offset] = ImportedFrame(
            pose, fy / plate.pixel_aspect, fy, plate.width / 2.0, plate.height / 2.0
        )
    if not frames:
        raise FootageUnreadable(f"{path.name} holds no camera.", "Export the camera again.")
    return ImportedCamera(path, frames, "metres")


def _numbers(path: Path, at: int, cells: list[str]) -> tuple[int, list[float]]:
    remedy = "Export it again as frame tx ty tz rx ry rz vfov, one line a frame."
    try:
        values = [float(cell) for cell in cells]
    except ValueError as bad:
        raise FootageUnreadable(f"Line {at} of {path.name} is not a line of numbers.", remedy) from bad
    if len(values) < 8:
        raise FootageUnreadable(f"Line {at} of {path.name} lacks the field of view.", remedy)
    if not all(map(math.isfinite, values)) or not 0.0 < values[7] < 180.0:
        raise FootageUnreadable(f"Line {at} of {path.name} is not a camera.", remedy)
    return round(values[0]), values[1:8]
