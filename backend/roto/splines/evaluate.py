"""`splines.json` back to masks: what a program that reads the document draws."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from shared.roto_splines import LabelSplines, MaskSpline

from .bezier import Shape, polygon_of
from .raster import filled


def mask_of(splines: LabelSplines, number: int) -> NDArray[np.bool_]:
    """bool [H, W] of the document at a plate number."""
    mask = np.zeros((splines.height, splines.width), bool)
    for spline in splines.splines:
        if spline.first <= number <= spline.last:
            inside = filled([curve_of(spline, number)], splines.height, splines.width)
            mask = mask & ~inside if spline.subtract else mask | inside
    return mask


def points_of(spline: MaskSpline, number: int) -> NDArray[np.float64]:
    """[N, 6] point and handles at a plate number, px: linear between keys, held outside of them."""
    frames = [key.frame for key in spline.keys]
    after = bisect_left(frames, number)
    if after == 0 or after == len(frames) or frames[after] == number:
        return np.array(spline.keys[min(after, len(frames) - 1)].points)
    share = (number - frames[after - 1]) / (frames[after] - frames[after - 1])
    start, end = (np.array(spline.keys[i].points) for i in (after - 1, after))
    found: NDArray[np.float64] = (1.0 - share) * start + share * end
    return found


def curve_of(spline: MaskSpline, number: int) -> NDArray[np.float64]:
    """[16 N, 2] points along the curve at a plate number, px."""
    return Shape.of(spline.points).samples(polygon_of(points_of(spline, number)))
