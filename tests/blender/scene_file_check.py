"""Scene files against the truth: written by the export stage's writers, imported by Blender, compared.

What Blender shows is worked out here by hand: its Alembic importer takes every file for y-up, its USD and
FBX importers read the file's own axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from backend.export.blender_process import Blender, run_script
from backend.export.blender_scene import write_with_blender
from backend.export.camera_track import CameraTrack, PointCloud, make_track
from backend.export.undistorted_picture import undistorted_picture
from shared import axes
from shared.camera_files import read_camera
from shared.shot import ShotFolder

from .synthetic_shot import ShotPlan, Truth, write_shot

WORLDS = {
    "blender": np.eye(3), "usd": np.eye(3), "opencv": np.array(((1.0, 0, 0), (0, 0, -1), (0, 1, 0))),
    **dict.fromkeys(("maya", "houdini", "nuke"), np.array(((1.0, 0, 0), (0, 0, 1), (0, -1, 0)))),
}  # fmt: skip
Z_UP_FROM_Y_UP = np.array(((1.0, 0, 0), (0, 0, -1), (0, 1, 0)))
GL = np.diag((1.0, -1.0, -1.0))

POSITION, ANGLE_DEG, FOCAL_MM = 1e-4, 1e-3, 1e-3
"""The largest errors allowed: metres, degrees, millimetres."""


@dataclass(frozen=True)
class Worst:
    """The largest errors over all frames. points: None when the file's cloud has another count."""

    position: float
    angle_deg: float
    focal_mm: float
    film_mm: float
    shift: float
    frames: tuple[int, ...]
    points: float | None


def make(root: Path, plan: ShotPlan) -> tuple[Truth, CameraTrack, PointCloud]:
    truth = write_shot(root, plan)
    camera = read_camera(root)
    picture = undistorted_picture(camera.intrinsics, overscan=True)
    rate = Fraction(camera.intrinsics.fps)
    with np.load(ShotFolder(root).cloud) as stored:
        cloud = PointCloud(stored["xyz"].astype(np.float64), stored["rgb"], stored["track_length"])
    return truth, make_track(camera, picture, name="camera", fps=rate, film_back_mm=36.0), cloud


def write_scene(path: Path, track: CameraTrack, cloud: PointCloud, wanted: str, blender: Blender) -> None:
    write_with_blender(path, track, cloud, axes.by_name(wanted), blender, lambda: None)


def read_back(path: Path, blender: Blender) -> tuple[dict[str, Any], np.ndarray | None]:
    """What Blender imports, with the vertices of the cloud."""
    points = path.with_suffix(".points.npz")
    got = run_script(
        blender, "read_camera.py", {"input": str(path), "fps": [24000, 1001], "points_to": str(points)}, lambda: None
    )
    with np.load(points) as stored:
        clouds = [stored[name] for name in stored.files]
    return got, clouds[0] if clouds else None


def turn_in_blender(kind: str, wanted: str) -> np.ndarray:
    """From our world to the one that Blender shows after importing a file of that kind and axes."""
    world = WORLDS[wanted]
    if kind == "fbx" or (kind.startswith("usd") and wanted in ("blender", "usd")):
        return np.eye(3)
    return Z_UP_FROM_Y_UP @ world


def compare(path: Path, truth: Truth, wanted: str, got: dict[str, Any], cloud: np.ndarray | None) -> Worst:
    """Over the frames that the truth has a pose for; focal lengths are those of a 36 mm film back."""
    kind, plan = path.suffix.lstrip("."), truth.plan
    turn = turn_in_blender(kind, wanted)
    frames = {sample["frame"]: sample for sample in got["frames"]}
    errors = []
    for index, number in enumerate(truth.frames.tolist()):
        if number in plan.failed:
            continue
        at, pose = frames[number], truth.poses[index]
        matrix = np.array(at["matrix"])
        basis = turn @ pose[:3, :3] @ GL
        fx, _, cx, cy = truth.k[index]
        errors.append(
            (
                np.abs(matrix[:3, 3] - turn @ pose[:3, 3]).max(),
                np.degrees(np.linalg.norm(matrix[:3, :3] - basis)),
                abs(at["lens"] - fx / plan.width * 36.0),
                abs(at["sensor_width"] - 36.0),
                max(
                    abs(at["shift_x"] - (0.5 - cx / plan.width)),
                    abs(at["shift_y"] - (cy / plan.height - 0.5) * plan.height / (plan.width * plan.pixel_aspect)),
                ),
            )
        )
    worst = np.max(errors, axis=0)
    tips = None if cloud is None else cloud[::4] if kind in ("abc", "fbx") else cloud
    same = tips is not None and len(tips) == len(truth.xyz)
    points = float(np.abs(tips - truth.xyz @ turn.T).max()) if same else None
    return Worst(*map(float, worst), tuple(sorted(frames)), points)


def assert_same(worst: Worst, truth: Truth, *, zoom_is_lost: bool = False) -> None:
    assert worst.frames == tuple(truth.frames.tolist())
    assert worst.position < POSITION and worst.angle_deg < ANGLE_DEG
    assert zoom_is_lost or worst.focal_mm < FOCAL_MM
    assert worst.film_mm < FOCAL_MM and worst.shift < 1e-5
    assert worst.points is not None and worst.points < POSITION
