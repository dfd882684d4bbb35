"""The solved points that frames see, with how well the solve knows their depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backend.depth.poses import Floats, Pose
from shared.array_files import read_arrays
from shared.camera_files import SolvedCamera
from shared.shot import ShotFolder

Indices = NDArray[np.int64]

_LEAST_ERROR_PX = 0.2
"""Tracks are no better than that, however well they fit."""

_UNKNOWN_SD = 0.02
"""Of a point's log depth when nobody says in which frames it was seen."""

_USELESS_SD = 0.2
"""Points whose log depth is less certain tell a network nothing."""


@dataclass(frozen=True)
class SparsePoints:
    """xyz float64 [N, 3] world. log_sd [N]: standard deviation of the logarithm of their depth. seen: rows of the
    points that each frame saw, by plate number; None when nobody says: frames then see what falls into them."""

    xyz: Floats
    log_sd: Floats
    seen: Mapping[int, Indices] | None = field(default=None)

    def __len__(self) -> int:
        return len(self.xyz)


@dataclass(frozen=True)
class Samples:
    """The points of a frame. xy [K, 2] px, edges at integers; depth [K] planar, world units; log_sd [K]."""

    xy: Floats
    depth: Floats
    log_sd: Floats


NO_POINTS = SparsePoints(np.zeros((0, 3)), np.zeros(0))


def samples_of(pose: Pose, points: SparsePoints) -> Samples:
    """The points that the frame sees, in its undistorted pixels. Those that it did not see itself are left out:
    something may be before them."""
    rows = np.arange(len(points)) if points.seen is None else points.seen.get(pose.number, np.zeros(0, np.int64))
    camera = (points.xyz[rows] - pose.world_from_camera[:3, 3]) @ pose.world_from_camera[:3, :3]
    ahead = camera[:, 2] > 1e-9
    rows, camera = rows[ahead], camera[ahead]
    xy = (camera @ pose.K.T)[:, :2] / camera[:, 2:]
    height, width = pose.size
    inside = (xy >= 0.0).all(1) & (xy < [width, height]).all(1)
    return Samples(xy[inside], camera[inside, 2], points.log_sd[rows][inside])


def read_sparse(shot: ShotFolder, camera: SolvedCamera) -> SparsePoints:
    """The points of a shot that have a depth; none without `camera/points.npz`. Raises `ShotCorrupt`."""
    if not shot.cloud.is_file():
        return NO_POINTS
    stored = read_arrays(shot.cloud)
    xyz, error = stored["xyz"].astype(np.float64), stored["error"].astype(np.float64)
    real = ~stored["at_infinity"].astype(bool) if "at_infinity" in stored else np.ones(len(xyz), bool)
    if not shot.tracks.is_file():
        return SparsePoints(xyz[real], np.full(int(real.sum()), _UNKNOWN_SD))
    row, frame = _observations(read_arrays(shot.tracks), real)
    sd = log_depth_sd(xyz, error, row, frame, _centres(camera), _focal(camera))
    good = real & (sd < _USELESS_SD)
    place = np.cumsum(good) - 1
    kept = good[row]
    row, frame = place[row[kept]], frame[kept]
    order = np.argsort(frame, kind="stable")
    numbers, first = np.unique(frame[order], return_index=True)
    groups = np.split(row[order], first[1:]) if len(numbers) else []
    seen = {int(number): np.unique(group) for number, group in zip(numbers, groups, strict=True)}
    return SparsePoints(xyz[good], sd[good], seen)


def _observations(tracks: Mapping[str, NDArray[np.generic]], real: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """Rows of points.npz and plate numbers of every observation that the final adjustment took."""
    point = np.asarray(tracks["point"], np.int64)[np.asarray(tracks["row"], np.int64)]
    use = np.asarray(tracks["used"], bool) & (point >= 0) & (point < len(real))
    use[use] = real[point[use]]
    return point[use], np.asarray(tracks["frame"], np.int64)[use]


def _centres(camera: SolvedCamera) -> dict[int, Floats]:
    posed = (pose for pose in camera.extrinsics.frames if pose.world_from_camera is not None)
    return {pose.frame: np.array(pose.world_from_camera, np.float64)[:3, 3] for pose in posed}


def _focal(camera: SolvedCamera) -> float:
    return float(np.median([frame.fx for frame in camera.intrinsics.frames]))


def log_depth_sd(
    xyz: Floats, error_px: Floats, row: Indices, frame: Indices, centres: Mapping[int, Floats], focal: float
) -> Floats:
    """Standard deviation [N] of the log depth of points that were seen (row, frame): noise of the direction over the
    spread of the directions and the root of their number. Infinite where no two rays differ."""
    known = np.isin(frame, list(centres))
    row, frame = row[known], frame[known]
    numbers, which = np.unique(frame, return_inverse=True)
    places = np.array([centres[int(number)] for number in numbers]).reshape(-1, 3)
    away = xyz[row] - places[which]
    rays = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
    count = np.bincount(row, minlength=len(xyz)).astype(np.float64)
    mean = np.stack([np.bincount(row, rays[:, axis], len(xyz)) for axis in range(3)], 1) / np.maximum(count, 1)[:, None]
    spread = np.sqrt(np.maximum(1.0 - (mean**2).sum(1), 0.0))
    angle = np.maximum(error_px, _LEAST_ERROR_PX) / focal
    with np.errstate(divide="ignore"):
        return np.where(count > 1, angle / (spread * np.sqrt(np.maximum(count, 1.0))), np.inf)
