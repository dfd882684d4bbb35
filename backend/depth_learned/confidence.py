"""How far a network's depth can be trusted, pixel by pixel.

Nothing confirms such a map but the solved points, so its confidence stays below 0.5, "estimated": it is
0.5 / (1 + (e / 0.1)^2) for an expected relative error e of the depth, 0.40 at 5 %, 0.25 at 10 %, 0.05 at 30 %. The
consistency step raises it where neighbouring frames agree. e has three parts, as variances: how far the points around
missed the map, how uncertain the frame's scale and shift are, and how steep the map is (at edges a pixel to the side is
another depth).
"""

from __future__ import annotations

import cv2
import numpy as np

from backend.depth.poses import Floats

from .maps import Map

_TENTH = 0.1
"""Monocular networks are right about the layout to a tenth (their papers' AbsRel): what is said without points near."""

_PRIOR_POINTS = 2.0
_ALONE = 2.0
_REACH = 0.08
"""Of the picture's longer side: how far a point's residual speaks."""

_CELL = 8
_WORST = 0.3
"""A single point that is missed by more may be the one that is wrong."""

_TO_SD = 1.2533
"""From the mean absolute to the standard deviation of a Gaussian."""

UNALIGNED = 0.3
"""Expected relative error of a map that no solved point has been compared with."""


def expected_error(size: tuple[int, int], xy: Floats, residual: Floats, usual: float) -> Map:
    """float32 [H, W]: relative error of the map from what K points missed it by (log ratio), at pixels xy [K, 2].
    usual: of this clip's points; where none are near it is taken to be twice that."""
    height, width = size
    high, wide = -(-height // _CELL), -(-width // _CELL)
    count, total = np.zeros((high, wide), np.float32), np.zeros((high, wide), np.float32)
    row, column = (xy[:, 1] // _CELL).astype(np.int64), (xy[:, 0] // _CELL).astype(np.int64)
    np.add.at(count, (row, column), 1.0)
    np.add.at(total, (row, column), _TO_SD * np.minimum(np.abs(residual), _WORST))
    reach = _REACH * max(height, width) / _CELL
    peak = 2.0 * np.pi * reach**2  # so that a point counts one where it is
    near = peak * cv2.GaussianBlur(count, (0, 0), reach, borderType=cv2.BORDER_CONSTANT)
    missed = peak * cv2.GaussianBlur(total, (0, 0), reach, borderType=cv2.BORDER_CONSTANT)
    error = (missed + _PRIOR_POINTS * _ALONE * max(usual, 0.1 * _TENTH)) / (near + _PRIOR_POINTS)
    return np.asarray(cv2.resize(error, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def steepness(inverse: Map) -> Map:
    """float32 [H, W]: half the relative difference of inverse depth within 3 x 3 px."""
    box = np.ones((3, 3), np.uint8)
    high, low = cv2.dilate(inverse, box), cv2.erode(inverse, box)
    return np.asarray(np.clip((high - low) / np.maximum(high + low, 1e-12), 0.0, 1.0), np.float32)


def confidence_of(error: Map) -> Map:
    """float32 [H, W], above 0 and below 0.5, from the expected relative error."""
    return np.asarray(np.clip(0.5 / (1.0 + (error / _TENTH) ** 2), 0.01, 0.499), np.float32)
