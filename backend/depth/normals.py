"""Surface normals from a depth map.

On a plane with normal n, inverse depth is linear in the ray's x / z and y / z: n . (x, y, 1) / d. A local linear fit of
inverse depth over the pixels of the same surface therefore gives the normal directly, with the noise of many pixels
averaged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .frame import FrameDepth

Floats = NDArray[np.float32]

_REACH = (-3, -1, 0, 1, 3)
_SAME_SURFACE = 0.03
"""Relative difference of inverse depth within a window beyond which a pixel hardly counts."""


def normals_of(found: FrameDepth, rays: Floats) -> Floats:
    """float32 [H, W, 3], unit length, in the camera's axes (x right, y down, z forward) and towards the camera; 0 0 0
    where the depth is unknown or sky, or where too little of the surface is seen. rays [H, W, 2]: x / z and y / z."""
    known = found.known & np.isfinite(rays).all(-1)
    inverse = np.divide(1.0, found.depth, out=np.zeros_like(found.depth), where=known)
    sums = _moments(inverse, known, rays)
    slope_x, slope_y, fitted = _plane(sums)
    x, y = rays[..., 0], rays[..., 1]
    toward = np.stack((slope_x, slope_y, inverse - x * slope_x - y * slope_y), axis=-1)
    length = np.linalg.norm(toward, axis=-1)
    good = known & fitted & (length > 0.0) & np.isfinite(length)
    # n . ray > 0 for the fitted plane points away from the camera: turned round.
    return np.where(good[..., None], -toward / np.where(good, length, 1.0)[..., None], 0.0).astype(np.float32)


def _moments(inverse: Floats, known: NDArray[np.bool_], rays: Floats) -> tuple[Floats, ...]:
    """Weighted sums over each window, about its own pixel: 1, x, y, xx, xy, yy, w, xw, yw."""
    height, width = inverse.shape
    sums = tuple(np.zeros((height, width), np.float32) for _ in range(9))
    for down in _REACH:
        for right in _REACH:
            here, there = _overlap(height, width, down, right)
            dw = inverse[there] - inverse[here]
            scale = _SAME_SURFACE * np.maximum(inverse[here], 1e-20)
            weight = np.exp(-np.square(np.clip(dw / scale, -9.0, 9.0))) * known[there]
            dx, dy = rays[there][..., 0] - rays[here][..., 0], rays[there][..., 1] - rays[here][..., 1]
            dx, dy = np.nan_to_num(dx), np.nan_to_num(dy)
            wx, wy = weight * dx, weight * dy
            terms = (weight, wx, wy, wx * dx, wx * dy, wy * dy, weight * dw, wx * dw, wy * dw)
            for total, term in zip(sums, terms, strict=True):
                total[here] += term
    return sums


def _overlap(height: int, width: int, down: int, right: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The pixels that have a neighbour at that offset, and those neighbours."""
    here = (slice(max(0, -down), height - max(0, down)), slice(max(0, -right), width - max(0, right)))
    there = (slice(max(0, down), height - max(0, -down)), slice(max(0, right), width - max(0, -right)))
    return here, there


def _plane(sums: tuple[Floats, ...]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Slopes of the least-squares plane of every window, and whether there were pixels enough on both axes."""
    n, x, y, xx, xy, yy, w, xw, yw = (part.astype(np.float64) for part in sums)
    n = np.maximum(n, 1e-9)
    sxx, sxy, syy = xx - x * x / n, xy - x * y / n, yy - y * y / n
    sxw, syw = xw - x * w / n, yw - y * w / n
    det = sxx * syy - sxy * sxy
    fitted = (n >= 4.0) & (det > 1e-6 * np.square(xx + yy) + 1e-30)
    safe = np.where(fitted, det, 1.0)
    slope_x, slope_y = (syy * sxw - sxy * syw) / safe, (sxx * syw - sxy * sxw) / safe
    return slope_x.astype(np.float32), slope_y.astype(np.float32), fitted
