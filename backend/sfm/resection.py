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
    """camera_from_world and how many of `points` agree with it. focal: of this frame, px."""

    rotation: Floats
    translation: Floats
    focal: float
    inliers: int
    points: int


def colmap_camera(lens: Lens, width: int, height: int, number: int = 1) -> pycolmap.Camera:
    """The lens as COLMAP has it, as camera `number`. pycolmap, like Backlot, has pixel edges at integers."""
    params = [lens.focal, lens.focal * lens.aspect, lens.cx, lens.cy, lens.k1, lens.k2, lens.p1, lens.p2]
    return pycolmap.Camera(model="OPENCV", width=width, height=height, params=params, camera_id=number)


def resect(scene: Scene, tracks: Tracks, frame: int, most_error_px: float, seed: int) -> Resection | None:
    """LO-RANSAC over P3P, then non-linear refinement (pycolmap). None when too few points agree.

    When the lens zooms the focal length is found with the pose: RANSAC over P4Pf (Larsson, Kukelova & Zheng, "Making
    minimal solvers for absolute pose estimation compact and robust", ICCV 2017), refined together.
    """
    seen = tracks.rows_of(frame)
    seen = seen[scene.known[tracks.track[seen]] & ~scene.far[tracks.track[seen]]]
    xy, points = tracks.xy[seen], scene.points[tracks.track[seen]]
    if len(xy) < _LEAST_INLIERS:
        return None
    lens, zooms = scene.lens_of(frame), scene.zoom is not None
    options = pycolmap.AbsolutePoseEstimationOptions()
    options.ransac.max_error = most_error_px
    options.ransac.random_seed = seed
    options.ransac.max_num_trials = 2000
    options.estimate_focal_length = zooms
    finer = pycolmap.AbsolutePoseRefinementOptions()
    finer.refine_focal_length = zooms
    camera = _radial_camera(lens) if zooms else colmap_camera(lens, *_size(lens))
    found = pycolmap.estimate_and_refine_absolute_pose(
        _squared(xy, lens) if zooms else xy, points, camera, options, finer
    )
    if found is None or found["num_inliers"] < max(_LEAST_INLIERS, 0.25 * len(xy)):
        return None
    matrix = np.asarray(found["cam_from_world"].matrix())
    return Resection(matrix[:, :3], matrix[:, 3], float(camera.params[0]), int(found["num_inliers"]), len(xy))


def _size(lens: Lens) -> tuple[int, int]:
    return round(2 * lens.cx), round(2 * lens.cy)


def _radial_camera(lens: Lens) -> pycolmap.Camera:
    """A lens of one focal length, which can be refined: for pixels made square."""
    params = [lens.focal, lens.cx, lens.cy, lens.k1, lens.k2]
    return pycolmap.Camera(model="RADIAL", width=_size(lens)[0], height=_size(lens)[1], params=params, camera_id=1)


def _squared(xy: Floats, lens: Lens) -> Floats:
    """Pixels [N, 2] as a lens of aspect 1 with the same middle sees them."""
    square: Floats = (xy - [0.0, lens.cy]) / [1.0, lens.aspect] + [0.0, lens.cy]
    return square
