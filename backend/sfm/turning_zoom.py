"""A camera that turns about its centre, or stands still, while its lens zooms.

Two of its frames differ by a rotation and a ratio of focal lengths (Agapito, Hayman & Reid, "Self-calibration of
rotating and zooming cameras", IJCV 2001). A fundamental matrix explains them too, as it does everything that a
homography explains, so the two compete by GRIC (two_view.py), both focal lengths counted as parameters of every pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize_scalar

from .frames import Floats
from .ray_rotation import fit_rotation, unit_rays
from .scene import Lens, Scene, empty_scene
from .spans import whole_clip
from .tracks import Tracks
from .turning import LEAST_RAYS, with_directions
from .two_view import gric

_SHARES = np.geomspace(0.5, 4.0, 7)
"""Focal lengths that are tried, over the width of the picture."""

_EVERY = 4
"""The focal length is looked for with every fourth match."""

_REACH = 0.12
"""How far from a first guess the logarithm of a ratio is looked for."""

_OWN = 0.4
"""How far, as a logarithm, the first frame of a pair may be from the common focal length: it zooms as well."""

_LEAST_RATIO = 0.01
"""Least change of log focal length, in any pair, that is worth following."""

Matches = tuple[Floats, Floats]


@dataclass(frozen=True)
class ZoomingTurn:
    """gric: summed over the pairs, of the observations that this model or the general one explains. lens: with the
    focal length that explains the pairs best."""

    gric: float
    travelling: float
    ratio: float
    lens: Lens

    @property
    def wins(self) -> bool:
        return self.gric < self.travelling and self.ratio > _LEAST_RATIO


def zooming_turn(
    pairs: list[Matches], off_lines: list[Floats], lens: Lens, noise: float, checkpoint: Callable[[], None],
    *, focal_known: bool,
) -> ZoomingTurn:  # fmt: skip
    """What the pairs say of a turn with a zoom. off_lines: distances [K] px of each pair's matches from their epipolar
    lines. noise: of a track, px."""
    few = [(a[::_EVERY], b[::_EVERY]) for a, b in pairs]

    def loss(log_focal: float) -> float:
        checkpoint()
        given = replace(lens, focal=float(np.exp(log_focal)))
        return sum(_best_ratio(pair, given, noise)[2] for pair in few)

    best = lens if focal_known else replace(lens, focal=_least(loss, np.log(2.0 * lens.cx * _SHARES)))
    found = [_best_pair(pair, best, noise, checkpoint) for pair in pairs]
    turning = travelling = 0.0
    for (error, _), off in zip(found, off_lines, strict=True):
        explained = (error < 2.0 * noise) | (off < np.sqrt(2.0) * noise)
        turning += gric(error[explained], noise, dimension=2, parameters=5)
        travelling += gric(off[explained], noise, dimension=3, parameters=7)
    return ZoomingTurn(turning, travelling, max(abs(ratio) for _, ratio in found), best)


def _least(loss: Callable[[float], float], log_focals: Floats) -> float:
    """The focal length, px, of the least loss: on a grid of logarithms, then between its neighbours."""
    coarse = [loss(float(each)) for each in log_focals]
    middle = int(np.argmin(coarse))
    low, high = log_focals[max(middle - 1, 0)], log_focals[min(middle + 1, len(coarse) - 1)]
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 0.02, "maxiter": 8})
    return float(np.exp(found.x if found.fun < coarse[middle] else log_focals[middle]))


def _best_pair(pair: Matches, lens: Lens, noise: float, checkpoint: Callable[[], None]) -> tuple[Floats, float]:
    """Errors [K] px of a pair whose first frame has a focal length of its own, near the lens's, and its log ratio."""
    few = pair[0][::_EVERY], pair[1][::_EVERY]

    def loss(growth: float) -> float:
        checkpoint()
        return _best_ratio(few, replace(lens, focal=lens.focal * float(np.exp(growth))), noise)[2]

    found = minimize_scalar(loss, bounds=(-_OWN, _OWN), method="bounded", options={"xatol": 0.01, "maxiter": 10})
    error, ratio, _ = _best_ratio(pair, replace(lens, focal=lens.focal * float(np.exp(found.x))), noise)
    return error, ratio


def _best_ratio(pair: Matches, lens: Lens, noise: float) -> tuple[Floats, float, float]:
    """Errors [K] px under the best rotation, the logarithm of the ratio of the focal lengths, and the loss."""
    a, b = pair
    rays = unit_rays(lens.normalised(a))
    guess = float(np.log(max(float(np.median(_spread(b) / np.maximum(_spread(a), 1e-9))), 1e-3)))
    near = fit_rotation(rays, unit_rays(replace(lens, focal=lens.focal * float(np.exp(guess))).normalised(b)))

    def error(growth: float) -> Floats:
        ratio = float(np.exp(growth))
        grown = replace(lens, focal=lens.focal * ratio)
        seen = rays @ fit_rotation(rays, unit_rays(grown.normalised(b)), near).T
        ahead = seen[:, 2] > 1e-6
        seen[:, 2] = np.where(ahead, seen[:, 2], 1.0)
        # The noise of the first frame is magnified on its way: this is the distance in both frames together.
        away = np.linalg.norm(grown.project(seen) - b, axis=1) / np.hypot(1.0, ratio)
        return np.asarray(np.where(ahead, away, 1e6))

    def loss(growth: float) -> float:
        return float(np.log1p((error(growth) / noise) ** 2).sum())

    found = minimize_scalar(loss, bounds=(guess - _REACH, guess + _REACH), method="bounded", options={"xatol": 1e-4})
    return error(float(found.x)), float(found.x), float(found.fun)


def _spread(xy: Floats) -> Floats:
    """Distances [K] between matches that stand far apart in their order."""
    away: Floats = np.linalg.norm(xy - np.roll(xy, len(xy) // 2, axis=0), axis=1)
    return away


def zooming_scene(tracks: Tracks, lens: Lens, noise_px: float, checkpoint: Callable[[], None]) -> Scene:
    """A rotation and a focal length for every frame that agrees with others, chained through the directions of the
    tracks, and these directions. The focal lengths are as good as the lens's own in all but their ratios."""
    scene = replace(empty_scene(lens, tracks.frames, tracks.count), spans=whole_clip("nodal", tracks.frames))
    rotation, focals = scene.rotation.copy(), scene.focals.copy()
    posed, summed = np.zeros(tracks.frames, bool), np.zeros((tracks.count, 3))
    start = int(np.argmax(tracks.per_frame()))
    order = [(start, start), *((f, f - 1) for f in range(start + 1, tracks.frames))]
    for frame, near in [*order, *((f, f + 1) for f in range(start - 1, -1, -1))]:
        checkpoint()
        rows = tracks.rows_of(frame)
        track, xy = tracks.track[rows], tracks.xy[rows]
        known = summed[track].any(1)
        focals[frame] = focals[near]
        if frame == start:
            agree = np.ones(len(rows), bool)
        elif known.sum() < LEAST_RAYS:
            continue
        else:
            there = summed[track[known]] / np.linalg.norm(summed[track[known]], axis=1, keepdims=True)
            focals[frame], rotation[frame] = _turned(there, xy[known], replace(lens, focal=focals[near]), noise_px)
            agree = np.logical_not(known)
            here = unit_rays(lens.normalised(xy[known], np.full(int(known.sum()), focals[frame])))
            agree[known] = np.linalg.norm(there @ rotation[frame].T - here, axis=1) * focals[frame] < 6.0 * noise_px
        posed[frame] = True
        rays = unit_rays(lens.normalised(xy[agree], np.full(int(agree.sum()), focals[frame])))
        summed[track[agree]] += rays @ rotation[frame]
    scene = replace(scene, rotation=rotation, posed=posed).with_focals(focals)
    return with_directions(scene, tracks, noise_px)


def _turned(there: Floats, xy: Floats, lens: Lens, noise_px: float) -> tuple[float, Floats]:
    """The focal length, px, near the lens's own, and the rotation under which most directions [N, 3] are seen at
    xy [N, 2]."""

    def turned(growth: float) -> tuple[Floats, Floats, float]:
        focal = lens.focal * float(np.exp(growth))
        here = unit_rays(lens.normalised(xy, np.full(len(xy), focal)))
        turn = fit_rotation(there, here)
        return turn, np.linalg.norm(there @ turn.T - here, axis=1) * focal, focal

    def loss(growth: float) -> float:
        return float(np.log1p((turned(growth)[1] / noise_px) ** 2).sum())

    coarse = np.linspace(-2.0 * _REACH, 2.0 * _REACH, 9)
    near = float(coarse[int(np.argmin([loss(growth) for growth in coarse]))])
    found = minimize_scalar(loss, bounds=(near - 0.06, near + 0.06), method="bounded", options={"xatol": 1e-4})
    turn, _, focal = turned(float(found.x))
    return focal, turn
