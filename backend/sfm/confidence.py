"""How far each frame's camera can be trusted, from what the frame itself shows.

confidence = precision * agreement * spread * number, each within 0..1:

precision = 1 / (1 + (swim / s)^2). swim: standard deviation, px, with which something that is put into the shot at the
    points' median depth would move against them in this frame alone: the frame's own 6 x 6 information (its pose
    against the points, as in resection), carried to nine places spread over the picture. s = 0.5 px for each 1000 px
    of the picture's width. Blur, few tracks and points that leave a part of the picture empty all show here.
agreement = min(1, 3 E / e). e: the frame's mean reprojection error; E: the clip's median of it.
spread = min(1, coverage / 0.1). coverage: share of the cells of a grid of 8 columns with a point in them.
number = min(1, points / 24): fewer cannot check each other.

Below 0.5 a frame is weak. A frame without a pose has 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frames import Floats
from .lens_jacobians import FreeLens, lens_jacobians
from .outliers import errors_px
from .rotations import skew
from .scene import Lens, Scene
from .tracks import Tracks

WEAK = 0.5
_COLUMNS = 8
_SWIM_PER_WIDTH = 0.0005
_AGREEMENT = 3.0
_COVERAGE = 0.1
_POINTS = 24


@dataclass(frozen=True)
class FrameQuality:
    """All [F]. points: that the frame sees. error_px: their mean reprojection error. coverage, swim_px, confidence: see
    above; swim_px is inf without a pose. rotation_sd_deg, position_sd (world units): of the pose against the points as
    they are, inf without one."""

    points: Floats
    error_px: Floats
    coverage: Floats
    swim_px: Floats
    rotation_sd_deg: Floats
    position_sd: Floats
    confidence: Floats


def frame_quality(scene: Scene, tracks: Tracks, width: int, height: int) -> FrameQuality:
    """Of a refined scene and the observations that it was refined with, their sigma calibrated."""
    seen = tracks.select(scene.known[tracks.track] & scene.posed[tracks.frame])
    points = seen.per_frame().astype(np.float64)
    error = np.bincount(seen.frame, errors_px(scene, seen), minlength=seen.frames) / np.maximum(points, 1.0)
    coverage = grid_coverage(seen, width, height)
    own = _own_covariances(scene, seen)
    swim = _swim(scene, own, width, height)
    precision = 1.0 / (1.0 + (swim / (_SWIM_PER_WIDTH * width)) ** 2)
    usual = float(np.median(error[points > 0])) if (points > 0).any() else 0.0
    agreement = np.minimum(1.0, _AGREEMENT * max(usual, 1e-6) / np.maximum(error, 1e-6))
    spread = np.minimum(1.0, coverage / _COVERAGE)
    number = np.minimum(1.0, points / _POINTS)
    confidence = np.where(scene.posed & (points > 0), precision * agreement * spread * number, 0.0)
    variance = np.diagonal(own.pose, axis1=1, axis2=2)
    rotation_sd = np.degrees(np.sqrt(variance[:, :3].sum(1)))
    return FrameQuality(points, error, coverage, swim, rotation_sd, np.sqrt(variance[:, 3:].sum(1)), confidence)


def grid_coverage(seen: Tracks, width: int, height: int) -> Floats:
    """Share [F] of the cells of a grid over the picture in which a frame has an observation."""
    rows = max(1, round(_COLUMNS * height / width))
    column = np.clip((seen.xy[:, 0] / width * _COLUMNS).astype(int), 0, _COLUMNS - 1)
    row = np.clip((seen.xy[:, 1] / height * rows).astype(int), 0, rows - 1)
    filled = np.zeros((seen.frames, rows, _COLUMNS), bool)
    filled[seen.frame, row, column] = True
    share: Floats = filled.mean(axis=(1, 2))
    return share


@dataclass(frozen=True)
class _Own:
    """pose [F, 6, 6]: covariance of (rotation, shift) of each camera's axes against its points; inf without a pose.
    depth [F]: median depth of its points."""

    pose: Floats
    depth: Floats


def _own_covariances(scene: Scene, seen: Tracks) -> _Own:
    camera = scene.camera_points(seen.track, seen.frame)
    focal = None if scene.zoom is None else scene.zoom[seen.frame]
    to_camera, _ = lens_jacobians(scene.lens, camera, FreeLens(focal=False), focal)
    rows = _to_motion(to_camera, camera) / seen.sigma[:, None, None]
    own = _Own(np.full((seen.frames, 6, 6), np.inf), np.ones(seen.frames))
    for frame in np.nonzero(scene.posed)[0].tolist():
        mine = seen.rows_of(frame)
        if not len(mine):
            continue
        stacked = rows[mine].reshape(-1, 6)
        depth = max(float(np.median(camera[mine, 2])), 1e-9)
        # Too few points leave a direction open: it is known to a radian and to ten times the depth.
        ignorance = np.diag([1.0, 1.0, 1.0, *3 * [1e-2 / depth**2]])
        own.pose[frame], own.depth[frame] = np.linalg.inv(stacked.T @ stacked + ignorance), depth
    return own


def _swim(scene: Scene, own: _Own, width: int, height: int) -> Floats:
    columns, rows = np.meshgrid(width * np.array([0.1, 0.5, 0.9]), height * np.array([0.1, 0.5, 0.9]))
    grid = np.stack([columns.ravel(), rows.ravel()], 1)
    swim = np.full(len(own.depth), np.inf)
    for frame in np.nonzero(np.isfinite(own.pose).all((1, 2)))[0].tolist():
        swim[frame] = _seen_motion(scene.lens_of(frame), grid, float(own.depth[frame]), own.pose[frame])
    return swim


def _seen_motion(lens: Lens, pixels: Floats, depth: float, covariance: Floats) -> float:
    """Root mean square motion, px and axis, at pixels [N, 2] of that depth under a covariance [6, 6] of the pose."""
    flat = lens.normalised(pixels)
    camera = depth * np.concatenate([flat, np.ones((len(flat), 1))], 1)
    rows = _to_motion(lens_jacobians(lens, camera, FreeLens(focal=False))[0], camera)
    variance = np.einsum("nij,jk,nik->n", rows, covariance, rows) / 2.0
    return float(np.sqrt(variance.mean()))


def _to_motion(to_camera: Floats, camera: Floats) -> Floats:
    """d pixel / d (rotation, shift) of the camera's axes [N, 2, 6]."""
    return np.concatenate([-to_camera @ skew(camera), to_camera], 2)
