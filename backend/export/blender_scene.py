"""Alembic and FBX: the job for `blender_addon/headless/write_scene.py`.

The script sets Blender's scene up from matrices in Blender's axes. FBX files name their axes, so the exporter
is told which; Alembic files do not, and Blender always writes its z-up world as y-up: the scene is turned
beforehand so that the file ends up in the axes that were asked for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from backend.frame_ranges import frame_ranges
from backend.pipeline.atomic import atomic_path
from shared import axes

from .blender_process import Blender, run_script
from .camera_track import CameraSample, CameraTrack, PointCloud
from .usd import point_size

MOST_POINTS = 50_000
"""Of a cloud: each becomes a small pyramid, and other programs grow slow with millions of faces."""

_FBX_AXES = {axes.BLENDER.world: ("Y", "Z"), axes.MAYA.world: ("-Z", "Y"), axes.OPENCV.world: ("Z", "-Y")}
"""World -> (forward, up) as Blender's FBX exporter names them: where our +y and our +z go."""


def write_with_blender(
    path: Path,
    track: CameraTrack,
    cloud: PointCloud,
    convention: axes.Convention,
    blender: Blender,
    check_cancelled: Callable[[], None],
) -> str:
    """Writes `path`, whose suffix chooses Alembic or FBX; returns Blender's version."""
    kind = path.suffix.lstrip(".")
    stand = _stand_in(convention) if kind == "abc" else axes.BLENDER
    with atomic_path(path) as beside, tempfile.TemporaryDirectory(prefix="backlot-points-") as folder:
        points = Path(folder) / "points.npz"
        chosen = cloud.best(MOST_POINTS)
        if len(chosen.xyz):
            np.savez(points, xyz=chosen.turned(stand), rgb=chosen.rgb)
        job = _job(track, stand, cloud)
        forward, up = _FBX_AXES[convention.world]
        job |= {
            "format": kind,
            "output": str(beside),
            "points": str(points) if len(chosen.xyz) else "",
            "axis_forward": forward,
            "axis_up": up,
        }
        return str(run_script(blender, "write_scene.py", job, check_cancelled)["done"])


def _stand_in(convention: axes.Convention) -> axes.Convention:
    """The world to give Blender so that, after its turn from z-up to y-up, the file has `convention`'s."""
    world = axes.multiply(axes.transpose(axes.MAYA.world), convention.world)
    return axes.with_scene_camera(axes.Convention(f"{convention.name} by way of Blender", world, axes.BLENDER.camera))


def _job(track: CameraTrack, stand: axes.Convention, cloud: PointCloud) -> dict[str, Any]:
    reach = [abs(value) for sample in track.solved if sample.pose for value in axes.position_of(sample.pose)]
    return {
        "name": track.name,
        "fps": [track.fps.numerator, track.fps.denominator],
        "width": track.width,
        "height": track.height,
        "pixel_aspect": track.pixel_aspect,
        "film_width_mm": track.film_width_mm,
        "film_height_mm": track.film_height_mm(track.samples[0]),
        "frames": _frames(track, stand),
        "failed": frame_ranges(track.gaps),
        "point_size": point_size(cloud),
        "extent": max([*reach, float(np.abs(cloud.xyz).max(initial=0.0))], default=0.0),
    }


def _frames(track: CameraTrack, stand: axes.Convention) -> list[dict[str, Any]]:
    """Every number from the first to the last. One that the plate lacks has no pose and the lens before it."""
    by_number = {sample.frame: sample for sample in track.samples}
    rows: list[dict[str, Any]] = []
    for number in range(track.first, track.last + 1):
        known = by_number.get(number)
        rows.append({**rows[-1], "frame": number, "matrix": None} if known is None else _frame(track, known, stand))
    return rows


def _frame(track: CameraTrack, sample: CameraSample, stand: axes.Convention) -> dict[str, Any]:
    right, up = track.film_offset(sample)
    return {
        "frame": sample.frame,
        "matrix": None if sample.pose is None else axes.pose_to(stand, sample.pose),
        "lens": sample.focal_mm,
        # Blender measures both shifts in the picture's width.
        "shift_x": right,
        "shift_y": up * track.height / (track.width * track.pixel_aspect),
    }
