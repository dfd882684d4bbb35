"""Pyramidal Lucas-Kanade between two pictures, there and back.

The coarse pictures of a pyramid have one movement for a window that holds several: behind somebody who walks through,
or at the edge of something near, the set is sent along with what is in front of it and never found. What is lost that
way is looked for again from where its neighbours went, in the finest picture alone; what is found becomes a neighbour.
At last it is looked for where the movement of most of the picture takes it (a homography, which a whip pan is).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .frames import Flags, Floats, Picture
from .robust_fits import fit_homography

_WINDOW = 15
_BACKWARD_PX = 1.0
_LOST_SHARE = 0.5
_AGAIN_SHARE = 0.04
"""Share of the points that must be lost for a search from their neighbours: fewer are not missed."""

_ROUNDS, _LEAST_FOUND = 3, 12
_CARRIED_PX = 3.0


def follow_points(before: Picture, after: Picture, points: Floats, guess: Floats | None = None) -> tuple[Floats, Flags]:
    """Where points [N, 2] of `before` are in `after` [N, 2], and which were found there and back again [N].

    guess: where to start looking, [N, 2]. Without one the search starts in place and, when that loses
    half of the points, once more from the shift of the whole picture; what is lost even so, from its neighbours.
    """
    if not len(points):
        return points.copy(), np.zeros(0, bool)
    levels = _pyramid_levels(before.shape) if guess is None else 2
    moved, found = _there_and_back(before, after, points, points if guess is None else guess, levels)
    if guess is None and found.mean() < _LOST_SHARE:
        shifted = points + picture_shift(before, after)
        again, found_again = _there_and_back(before, after, points, shifted, levels)
        if found_again.sum() > found.sum():
            moved, found = again, found_again
    return (moved, found) if guess is not None else _from_neighbours(before, after, points, moved, found)


def _from_neighbours(
    before: Picture, after: Picture, points: Floats, moved: Floats, found: Flags
) -> tuple[Floats, Flags]:
    """The points with those that were lost looked for again, each from how its nearest found neighbours moved, and
    at last from how most of the picture did. Not where neighbours disagree: then there is nothing to follow (grain),
    and what is found is found by chance."""
    moved, found = moved.copy(), found.copy()
    if found.sum() >= _LEAST_FOUND and _disagreement(points[found], moved[found]) > _CARRIED_PX:
        return moved, found
    for turn in range(_ROUNDS + 1):
        lost = np.nonzero(~found)[0]
        if found.sum() < _LEAST_FOUND or len(lost) < _AGAIN_SHARE * len(points):
            break
        start = _beside(points, moved, found, turn) if turn < _ROUNDS else _carried(points, moved, found)
        if start is None:
            break
        there, again = _there_and_back(before, after, points[lost], start, 0)
        moved[lost[again]], found[lost[again]] = there[again], True
    return moved, found


def _disagreement(points: Floats, moved: Floats) -> float:
    """px between the movements of two neighbours, typically."""
    _, near = cKDTree(points).query(points, 2)
    movement = moved - points
    return float(np.median(np.linalg.norm(movement - movement[near[:, 1]], axis=1)))


def _beside(points: Floats, moved: Floats, found: Flags, turn: int) -> Floats:
    """Where the lost points are if they moved like the nearest found one, or one further away at each turn: one that
    did not help is not asked again, unless there is a nearer one by now."""
    _, near = cKDTree(points[found]).query(points[~found], turn + 1)
    beside = np.nonzero(found)[0][near.reshape(-1, turn + 1)[:, -1]]
    start: Floats = points[~found] + (moved - points)[beside]
    return start


def _carried(points: Floats, moved: Floats, found: Flags) -> Floats | None:
    """Where the lost points are if they moved as most of the picture did."""
    matrix = fit_homography(points[found], moved[found], _CARRIED_PX)
    if matrix is None:
        return None
    there = np.concatenate([points[~found], np.ones((int((~found).sum()), 1))], 1) @ matrix.T
    ahead = there[:, 2:] / there[:, 2:].mean() > 0.1
    start: Floats = np.where(ahead, there[:, :2] / np.where(ahead, there[:, 2:], 1.0), points[~found])
    return start


def _there_and_back(
    before: Picture, after: Picture, points: Floats, guess: Floats, levels: int
) -> tuple[Floats, Flags]:
    start = points.astype(np.float32)
    there, ok = _lucas_kanade(before, after, start, guess.astype(np.float32), levels)
    home = (there + (points - guess)).astype(np.float32)
    back, ok_back = _lucas_kanade(after, before, there, home, levels)
    returned = np.linalg.norm(back - start, axis=1) < _BACKWARD_PX
    return there.astype(np.float64), returned & ok & ok_back


def _lucas_kanade(
    before: Picture, after: Picture, points: NDArray[np.float32], guess: NDArray[np.float32], levels: int
) -> tuple[NDArray[np.float32], Flags]:
    there, ok, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points, guess.copy(), winSize=(_WINDOW, _WINDOW), maxLevel=levels,
        criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.02),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW, minEigThreshold=1e-5,
    )  # fmt: skip
    return np.asarray(there, np.float32), np.asarray(ok).ravel() > 0


def _pyramid_levels(shape: tuple[int, ...]) -> int:
    """Halvings until the shorter side is about 30 px."""
    return int(np.clip(np.floor(np.log2(min(shape[:2]) / 30.0)), 1, 6))


def picture_shift(before: Picture, after: Picture) -> Floats:
    """The shift (dx, dy) of the whole picture by phase correlation at about 256 px: for whip pans."""
    scale = min(1.0, 256.0 / max(before.shape))
    small = [_shrunk(picture, scale) for picture in (before, after)]
    window = cv2.createHanningWindow((small[0].shape[1], small[0].shape[0]), cv2.CV_32F)
    (dx, dy), _ = cv2.phaseCorrelate(small[0], small[1], window)
    shift: Floats = np.array([dx, dy]) / scale
    return shift


def _shrunk(picture: Picture, scale: float) -> NDArray[np.float32]:
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def keep_apart(points: Floats, distance: float) -> Flags:
    """bool [N]: False for points that fell into the same square of `distance` px as an older one (lower
    index)."""
    cells = np.floor(points / max(distance, 1e-6)).astype(np.int64)
    _, first = np.unique(cells[:, 0] * 1_000_003 + cells[:, 1], return_index=True)
    keep = np.zeros(len(points), bool)
    keep[first] = True
    return keep
