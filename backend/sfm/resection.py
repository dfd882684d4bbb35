"""The pose of one frame from points that are known already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pycolmap

from .frames import Floats
from .scene import Lens, Scene
from .tracks import Tracks

_LEAST_INLIERS = 12


@dataclass(frozen=True)
class Resection:
    """camera_from_world and how many of `points` agree with it."""

    rotation: Floats
    translation: Floats
    inliers: int
    points: int


def colmap_camera(lens: Lens, width: int, height: int, number: int = 1) -> pycolmap.Camera:
    """The lens as COLMAP has it, as camera `number`. pycolmap, like Backlot, has pixel edges at integers."""
    params = [lens.focal, lens.focal * lens.aspect, lens.cx, lens.cy, lens.k1, lens.k2, 0.0, 0.0]
    return pycolmap.Camera(model="OPENCV", width=width, height=height, params=params, camera_id=number)


def resect(scene: Scene, tracks: Tracks, frame: int, most_error_px: float, seed: int) -> Resection | None:
    """LO-RANSAC over P3P, then non-linear refinement (pycolmap). None when too few points agree."""
    seen = tracks.rows_of(frame)
    seen = seen[scene.known[tracks.track[seen]]]
    xy, points = tracks.xy[seen], scene.points[tracks.track[seen]]
    if len(xy) < _LEAST_INLIERS:
        return None
    lens = scene.lens_of(frame)
    size = round(2 * lens.cx), round(2 * lens.cy)
    options = pycolmap.AbsolutePoseEstimationOptions()
    options.ransac.max_error = most_error_px
    options.ransac.random_seed = seed
    options.ransac.max_num_trials = 2000
    found = pycolmap.estimate_and_refine_absolute_pose(xy, points, colmap_camera(lens, *size), options)
    if found is None or found["num_inliers"] < max(_LEAST_INLIERS, 0.25 * len(xy)):
        return None
    matrix = np.asarray(found["cam_from_world"].matrix())
    return Resection(matrix[:, :3], matrix[:, 3], int(found["num_inliers"]), len(xy))
