"""Corners worth tracking, spread evenly over the picture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .frames import Flags, Floats, Indices, Picture


def detect_corners(
    gray: Picture, count: int, *, taken: Floats, usable: Flags | None, distance: float, margin: int
) -> Floats:
    """Up to `count` new corners [N, 2] (pixel centres at integers), strongest first within each cell.

    Shi-Tomasi's smaller eigenvalue, local maxima, then bucketed: each cell of a grid gives its best corners
    in turn until `count` is reached, so that a richly textured wall does not take all of them. taken: [M, 2]
    points to keep `distance` px away from.
    """
    strength = np.asarray(cv2.cornerMinEigenVal(cv2.GaussianBlur(gray, (0, 0), 0.8), 5, ksize=3), np.float64)
    radius = max(1, round(distance))
    peak = strength >= cv2.dilate(strength, np.ones((2 * (radius // 2) + 1,) * 2, np.uint8))
    peak &= strength > max(_floor(strength), 1e-7)
    peak &= _free(gray.shape, taken, usable, radius, margin)
    y, x = np.nonzero(peak)
    order = np.argsort(-strength[y, x], kind="stable")
    x, y = x[order], y[order]
    chosen = _spread(x, y, gray.shape, count, taken)
    return _subpixel(strength, x[chosen], y[chosen])


def _floor(strength: NDArray[Any]) -> float:
    """Weakest corner that is more than noise, from the picture's own distribution."""
    return float(np.quantile(strength[::4, ::4], 0.98)) * 0.02


def _free(shape: tuple[int, ...], taken: Floats, usable: Flags | None, radius: int, margin: int) -> Flags:
    """bool [H, W]: where a corner may be born."""
    free = np.zeros(shape[:2], np.uint8)
    free[margin:-margin, margin:-margin] = 1
    if usable is not None:
        reach = np.ones((2 * margin + 1,) * 2, np.uint8)
        free &= np.asarray(cv2.erode(usable.astype(np.uint8), reach), np.uint8)
    for px, py in np.rint(taken).astype(int):
        cv2.circle(free, (int(px), int(py)), radius, 0, -1)
    return free > 0


def _spread(x: Indices, y: Indices, shape: tuple[int, ...], count: int, taken: Floats) -> Indices:
    """Which of the corners (strongest first) to take: rank in the own cell decides, points that the cell
    has already count as its first."""
    height, width = shape[:2]
    cell = max(8.0, np.sqrt(width * height / max(count / 3.0, 1.0)))
    columns = int(width // cell) + 1
    cells = (y // cell).astype(int) * columns + (x // cell).astype(int)
    held = (taken[:, 1] // cell).astype(int) * columns + (taken[:, 0] // cell).astype(int)
    occupied = np.bincount(np.clip(held, 0, None), minlength=int(cells.max(initial=0)) + 1)
    order = np.argsort(cells, kind="stable")
    starts = np.r_[0, np.nonzero(np.diff(cells[order]))[0] + 1] if len(order) else np.zeros(0, int)
    rank = np.empty(len(x), int)
    rank[order] = np.arange(len(x)) - np.repeat(starts, np.diff(np.r_[starts, len(x)]))
    rank += occupied[cells]
    return np.argsort(rank, kind="stable")[:count]


def _subpixel(strength: Floats, x: Indices, y: Indices) -> Floats:
    """Peak of the parabola through each maximum, per axis: where tracks start matters little, only that
    they do not all start on the pixel grid."""
    inside = (x > 0) & (y > 0) & (x < strength.shape[1] - 1) & (y < strength.shape[0] - 1)
    x, y = x[inside], y[inside]

    def shift(before: Floats, middle: Floats, after: Floats) -> Floats:
        bend = before - 2 * middle + after
        return np.clip(np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, -1.0), 0.0), -0.5, 0.5)

    s = strength
    dx = shift(s[y, x - 1], s[y, x], s[y, x + 1])
    dy = shift(s[y - 1, x], s[y, x], s[y + 1, x])
    return np.stack([x + dx, y + dy], 1)
