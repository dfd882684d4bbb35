"""How likely it is that a track lies on something that moves, given a solved camera.

A still point explains all of a track with one place in the world, over all frames and not frame by frame: whoever
walks along an epipolar line agrees with any one pair of frames and disagrees with a third that is further away. The
residual of that one place, in units of the tracks' own noise, gives the odds; neighbours that move alike share them,
because a mover is a blob (trajectory affinities: Shi & Malik, "Motion Segmentation and Tracking using Normalized
Cuts", ICCV 1998; Brox & Malik, "Object Segmentation by Long Term Analysis of Point Trajectories", ECCV 2010). One
probability per track, from the residuals of a robust bundle adjustment, is MegaSaM's idea (Li et al., CVPR 2025)
without its network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from .frames import Flags, Floats, Indices
from .scene import Scene
from .tracks import Tracks

AGREES = 2.0
"""Expected noises within which the one place that explains a track best makes it agree with a camera."""

_LEAST_SEEN = 3
_FLOOR_PX = 0.1
"""Noise of a track is never taken to be less, px at tracking resolution."""

_SURE_STILL, _SURE_MOVING = 2.0, 5.0
"""Residual, in sigmas, below which a track speaks for stillness and above which for movement."""

_MOST_PX = 1e3
_MOST_ODDS = 4.0
_NEIGHBOURS = 8
_REACH = 0.04
"""Neighbours share odds within this share of the picture's diagonal."""


@dataclass(frozen=True)
class TrackMotion:
    """odds [T]: log odds of movement, natural, 0 where nothing is known. judged [T]: which tracks could be judged.
    noise_px: standard deviation per axis of a still track. left_px [T]: what stillness leaves of a track, per axis."""

    odds: Floats
    judged: Flags
    noise_px: float
    left_px: Floats

    @property
    def probability(self) -> Floats:
        """[T] 0 still .. 1 moving."""
        p: Floats = 1.0 / (1.0 + np.exp(-self.odds))
        return p

    @property
    def moving(self) -> Flags:
        return self.judged & (self.odds > 0.0)


def judge_tracks(scene: Scene, tracks: Tracks, px: float, diagonal: float) -> TrackMotion:
    """Odds of every track from the whole of it. px: plate px per tracking px. diagonal: of the picture, px."""
    rms, judged = whole_track_residual(scene, tracks)
    noise = max(_noise_of(rms[judged]), _FLOOR_PX * px) if judged.any() else px
    middle, half = 0.5 * (_SURE_STILL + _SURE_MOVING), 0.5 * (_SURE_MOVING - _SURE_STILL)
    odds = np.where(judged, np.clip(2.0 * (rms / noise - middle) / half, -_MOST_ODDS, _MOST_ODDS), 0.0)
    shared = share_with_neighbours(tracks, odds, judged, diagonal)
    return TrackMotion(shared, judged, noise, rms)


def whole_track_residual(scene: Scene, tracks: Tracks) -> tuple[Floats, Flags]:
    """Root mean square distance [T] px per axis of each track from the one place that explains it best, in front of
    the cameras or infinitely far away; and which tracks have enough observations [T]."""
    use = scene.posed[tracks.frame]
    use &= (np.bincount(tracks.track[use], minlength=tracks.count) >= _LEAST_SEEN)[tracks.track]
    rms, judged = np.zeros(tracks.count), np.zeros(tracks.count, bool)
    if not use.any():
        return rms, judged
    frame, xy = tracks.frame[use], tracks.xy[use]
    numbers, row = np.unique(tracks.track[use], return_inverse=True)
    near, far = (np.linalg.norm(place - xy, axis=1) for place in _still_places(scene, row, frame, xy))
    seen = np.bincount(row)
    squared = np.minimum(np.bincount(row, near**2), np.bincount(row, far**2))
    # A place takes three of the 2 n measured numbers: what is left is spread over the others.
    rms[numbers] = np.sqrt(squared / np.maximum(2.0 * seen - 3.0, 1.0))
    judged[numbers] = True
    return rms, judged


def _best_places(row: Indices, rays: Floats, centre: Floats) -> Floats:
    """The point [N, 3] of least angular error to all rays of each run of equal `row`; no ray is left out, since what
    disagrees is what is asked for."""
    across = np.eye(3) - rays[:, :, None] * rays[:, None, :]
    starts = np.r_[0, np.nonzero(np.diff(row))[0] + 1]
    weight = np.ones(len(row))
    points = np.zeros((len(starts), 3))
    for _ in range(3):
        left = across * weight[:, None, None]
        matrix = np.add.reduceat(left, starts, axis=0)
        right = np.add.reduceat(np.matmul(left, centre[:, :, None])[:, :, 0], starts, axis=0)
        matrix += 1e-12 * np.trace(matrix, axis1=1, axis2=2)[:, None, None] * np.eye(3)
        points = np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
        weight = 1.0 / np.maximum(((points[row] - centre) ** 2).sum(1), 1e-12)
    return points


def _still_places(scene: Scene, row: Indices, frame: Indices, xy: Floats) -> tuple[Floats, Floats]:
    """Where the point that explains each run of equal `row` best is seen [M, 2], px, and where the direction is."""
    rays = scene.world_rays(xy, frame)
    points = _best_places(row, rays, scene.centres[frame])
    heading = np.stack([np.bincount(row, rays[:, axis]).astype(np.float64) for axis in range(3)], 1)
    return _seen(scene, points[row], 1.0, frame, xy), _seen(scene, heading[row], 0.0, frame, xy)


def off_still_place(scene: Scene, tracks: Tracks) -> Floats:
    """How far [M, 2] px each observation is from where the place that explains its whole track best is seen; 0 in
    frames without a pose."""
    off = np.zeros_like(tracks.xy)
    use = scene.posed[tracks.frame]
    if not use.any():
        return off
    xy = tracks.xy[use]
    _, row = np.unique(tracks.track[use], return_inverse=True)
    near, far = _still_places(scene, row, tracks.frame[use], xy)
    left = [np.bincount(row, ((place - xy) ** 2).sum(1)) for place in (near, far)]
    off[use] = xy - np.where((left[0] < left[1])[row, None], near, far)
    return off


def _seen(scene: Scene, place: Floats, finite: float, frame: Indices, xy: Floats) -> Floats:
    """Pixels [M, 2] of world points, or of directions (finite 0); behind the camera or far from xy, far from it."""
    camera = np.einsum("mij,mj->mi", scene.rotation[frame], place) + finite * scene.translation[frame]
    ahead = camera[:, 2] > 1e-9
    camera[:, 2] = np.where(ahead, camera[:, 2], 1.0)
    seen = scene.project(camera, frame)
    good = ahead & (np.linalg.norm(seen - xy, axis=1) < _MOST_PX)
    return np.where(good[:, None], seen, xy + np.array([_MOST_PX, 0.0]))


def _noise_of(rms: Floats) -> float:
    """Spread of still tracks: the lower half of all, since up to 40 % and more of them may move."""
    return float(np.quantile(rms, 0.3)) * 1.15


def share_with_neighbours(tracks: Tracks, odds: Floats, judged: Flags, diagonal: float) -> Floats:
    """Odds [T], each averaged with those of the tracks near it, over the frames it is seen in."""
    reach = _REACH * diagonal
    total, weight = odds.copy(), np.ones(tracks.count)
    step = max(1, tracks.frames // 60)
    for frame in range(0, tracks.frames, step):
        rows = tracks.rows_of(frame)
        rows = rows[judged[tracks.track[rows]]]
        if len(rows) < _NEIGHBOURS + 1:
            continue
        mine, xy = tracks.track[rows], tracks.xy[rows]
        distance, beside = cKDTree(xy).query(xy, _NEIGHBOURS + 1)
        near = np.exp(-0.5 * (distance[:, 1:] / (0.5 * reach)) ** 2)
        votes = (near * odds[mine][beside[:, 1:]]).sum(1)
        total[mine] += votes * step / _NEIGHBOURS
        weight[mine] += near.sum(1) * step / _NEIGHBOURS
    return total / weight
