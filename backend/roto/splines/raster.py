"""Curves back to pixels, as programs with anti-aliasing off do it: a pixel is inside when its centre is."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def filled(loops: Iterable[NDArray[np.float64]], height: int, width: int) -> NDArray[np.bool_]:
    """bool [height, width]: pixels whose centre lies within an odd number of the closed polygons [N, 2] (px, edges at
    integers). What lies outside of the picture is cut off."""
    flips = np.zeros((height, width + 1), np.int32)
    for loop in loops:
        if len(loop) < 3:
            continue
        _cross(flips, loop, np.roll(loop, -1, axis=0))
    return (np.cumsum(flips, axis=1)[:, :width] & 1).astype(bool)


def _cross(flips: NDArray[np.int32], start: NDArray[np.float64], end: NDArray[np.float64]) -> None:
    """Counts, for every row of centres that an edge crosses, the first centre right of the crossing."""
    height, width = flips.shape[0], flips.shape[1] - 1
    lower, upper = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    first = np.clip(np.ceil(lower - 0.5), 0, height).astype(np.int64)
    last = np.clip(np.ceil(upper - 0.5), 0, height).astype(np.int64)
    count = last - first
    edge = np.repeat(np.arange(len(start)), count)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    span = end[edge, 1] - start[edge, 1]
    at = start[edge, 0] + (row + 0.5 - start[edge, 1]) / span * (end[edge, 0] - start[edge, 0])
    column = np.clip(np.ceil(at - 0.5), 0, width).astype(np.int64)
    np.add.at(flips, (row, column), 1)
