"""Alembic, FBX and USD cameras, read by Blender's importers in a process of its own.

Blender's Alembic importer reads a camera's lens at one time only; the lens of every frame is read from the
file here (`alembic_lens.py`), so that a zoom is not lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.export.blender_process import require_blender, run_script
from shared import axes
from shared.errors import FootageUnreadable, InternalError
from shared.shot import SourceFacts

from .alembic_lens import read_focal_lengths
from .imported_camera import ImportedCamera, ImportedFrame, ImportOptions


def read_scene_file(
    path: Path, plate: SourceFacts, options: ImportOptions, check_cancelled: Callable[[], None] = lambda: None
) -> ImportedCamera:
    """Raises `EngineUnavailable` without Blender, `FootageUnreadable` for a file without a camera."""
    rate = plate.rate
    job = {"input": str(path), "fps": [rate.numerator, rate.denominator], "camera": options.camera}
    try:
        got = run_script(require_blender(options.blender), "read_camera.py", job, check_cancelled)
    except InternalError as failed:
        raise FootageUnreadable(
            f"{path.name} cannot be imported. {failed.message}", "Export the camera again."
        ) from failed
    samples: list[dict[str, Any]] = got["frames"]
    if path.suffix.lower() == ".abc":
        samples = _with_zoom(path, samples)
    notices = []
    if len(got["cameras"]) > 1:
        notices.append(f"{path.name} holds {len(got['cameras'])} cameras: {got['camera']!r} was taken.")
    frames = {sample["frame"] + options.frame_offset: _frame(sample, plate, options) for sample in samples}
    return ImportedCamera(path, frames, "metres", notices=tuple(notices))


def _with_zoom(path: Path, samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The samples with the lens of each frame. A constant lens is stored once."""
    focals = read_focal_lengths(path)
    if len(focals) <= 1:
        return samples
    if len(focals) != len(samples):
        raise FootageUnreadable(
            f"{path.name} has {len(focals)} focal lengths for {len(samples)} frames.",
            "Export the camera with a key on every frame and alone in the file, or as FBX or USD.",
        )
    return [{**sample, "lens": focal} for sample, focal in zip(samples, focals, strict=True)]


def _frame(sample: dict[str, Any], plate: SourceFacts, options: ImportOptions) -> ImportedFrame:
    """Blender's camera with a horizontal film back; its shifts are in the picture's width."""
    rows = [[float(value) for value in row] for row in sample["matrix"]]
    # The importers may leave a scale on the camera (100 in files in centimetres): it moves no camera.
    lengths = [math.hypot(*(row[i] for row in rows[:3])) for i in range(3)]
    turn = [tuple(row[i] / lengths[i] for i in range(3)) for row in rows[:3]]
    x, y, z = (row[3] * options.scale for row in rows[:3])
    pose = axes.pose_from(_blender_world(options), axes.make_pose((turn[0], turn[1], turn[2]), (x, y, z)))  # type: ignore[arg-type]
    fx = sample["lens"] / sample["sensor_width"] * plate.width
    across, tall = plate.width, plate.width * plate.pixel_aspect
    centre = (0.5 - sample["shift_x"]) * across, plate.height / 2.0 + sample["shift_y"] * tall
    return ImportedFrame(pose, fx, fx * plate.pixel_aspect, *centre)


def _blender_world(options: ImportOptions) -> axes.Convention:
    """What Blender shows after importing. An Alembic file in other axes than y-up comes out turned."""
    if options.world_axes == "auto":
        return axes.BLENDER
    world = axes.multiply(axes.transpose(axes.MAYA.world), axes.by_name(options.world_axes).world)
    return axes.with_scene_camera(axes.Convention(options.world_axes, world, axes.BLENDER.camera))
