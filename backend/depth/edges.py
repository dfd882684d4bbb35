"""Where a depth map goes from one surface to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_LARGEST_STEP = 0.03
"""Relative step of inverse depth between neighbours that noise on one surface may make."""


def inverse_of(depth: Floats) -> Floats:
    """1 / depth [H, W], 0 where unknown. Sky becomes almost, but not quite, 0."""
    known = depth > 0.0
    return np.divide(1.0, depth, out=np.zeros_like(depth), where=known)


def breaks(inverse: Floats) -> tuple[Flags, Flags]:
    """bool [H, W-1] and [H-1, W]: whether a pixel and its right (lower) neighbour lie on different surfaces. inverse
    [H, W] is 1 / depth, 0 unknown.

    On a plane inverse depth is linear in the picture, however steeply it is seen. A step is therefore an edge only if
    neither side, going on straight, explains it.
    """
    return _across(inverse), _across(inverse.T).T


def _across(inverse: Floats) -> Flags:
    left, right = inverse[:, :-1], inverse[:, 1:]
    allowed = _LARGEST_STEP * np.maximum(left, right)
    step = np.abs(right - left)
    from_left, from_right = step.copy(), step.copy()
    from_left[:, 1:] = np.abs(right[:, 1:] - (2.0 * left[:, 1:] - inverse[:, :-2]))
    from_right[:, :-1] = np.abs(left[:, :-1] - (2.0 * right[:, :-1] - inverse[:, 2:]))
    unexplained = (step > allowed) & (np.minimum(from_left, from_right) > allowed)
    return np.asarray(unexplained | ((left > 0.0) != (right > 0.0)))
