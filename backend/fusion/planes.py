"""The surface under every pixel of a depth map as a plane, and small gaps in it bridged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .shapes import Floats, Mask

_SMOOTH = 0.02
"""Largest bend of inverse depth over a pixel, of itself, that is no edge."""
_GRAZING = 0.1
"""Cosine below which a surface is seen too flat to be placed."""
_PAIRS = ((1, 0), (0, 1), (1, 1), (1, -1), (2, 0), (0, 2), (2, 1), (1, 2), (2, -1), (1, -2), (2, 2), (2, -2))


@dataclass(frozen=True)
class Tangents:
    """Of every pixel the plane N . p = 1 through its point (camera axes). normal float32 [H, W, 3]: N, which is the
    unit normal (away from the camera) over the plane's distance. known bool [H, W]: false at edges, at holes, and where
    the surface is seen too flat."""

    normal: Floats
    known: Mask


def closed(depth: Floats, known: Mask, open_to: Mask) -> tuple[Floats, Mask]:
    """The depth map [H, W] with gaps of a few px within a surface bridged, and which pixels are known then: what lies
    in the middle between known pixels of one surface, in at least two directions. Voxels are as wide as such gaps,
    which would else tear the surface. open_to: pixels that may be bridged."""
    height, width = depth.shape
    for step in (1, 2):
        inverse = np.where(known, 1.0 / np.where(known, depth, 1.0), np.nan).astype(np.float32)
        margin = 2 * step
        padded = np.pad(inverse, margin, constant_values=np.nan)
        total, pairs = np.zeros((2, height, width), np.float32)
        for dx, dy in _PAIRS:
            right, down = step * dx, step * dy
            ahead = padded[margin + down : margin + down + height, margin + right : margin + right + width]
            behind = padded[margin - down : margin - down + height, margin - right : margin - right + width]
            middle = 0.5 * (ahead + behind)
            fits = np.abs(ahead - behind) < 2.0 * _SMOOTH * np.float32(np.hypot(dx, dy)) * middle
            total += np.where(fits, middle, 0.0)
            pairs += fits
        bridged = ~known & open_to & (pairs >= 2)
        depth = np.where(bridged, pairs / np.where(total > 0, total, 1.0), depth).astype(np.float32)
        known = known | bridged
    return depth, known


def tangents(depth: Floats, known: Mask, K: NDArray[np.float64]) -> Tangents:
    """The planes of a depth map [H, W]. Inverse depth of a plane is affine in the pixel, so its slopes are fitted to
    opposite neighbours within 2 px, those across an edge left out."""
    height, width = depth.shape
    inverse = np.where(known, 1.0 / np.where(known, depth, 1.0), np.nan).astype(np.float32)
    padded = np.pad(inverse, 2, constant_values=np.nan)
    xx, xy, yy, xw, yw = np.zeros((5, height, width), np.float32)
    for dx, dy in _PAIRS:
        ahead = padded[2 + dy : 2 + dy + height, 2 + dx : 2 + dx + width]
        behind = padded[2 - dy : 2 - dy + height, 2 - dx : 2 - dx + width]
        bend = np.abs(ahead + behind - 2.0 * inverse)
        smooth = bend < _SMOOTH * np.float32(np.hypot(dx, dy)) * inverse
        rise = np.where(smooth, 0.5 * (ahead - behind), 0.0)
        xx += smooth * np.float32(dx * dx)
        xy += smooth * np.float32(dx * dy)
        yy += smooth * np.float32(dy * dy)
        xw += dx * rise
        yw += dy * rise
    area = xx * yy - xy * xy
    held = area > 0.5
    over = np.where(held, area, 1.0)
    a, b = (yy * xw - xy * yw) / over, (xx * yw - xy * xw) / over
    y, x = np.mgrid[:height, :width].astype(np.float32) + np.float32(0.5)
    inverse = np.where(held, inverse, 0.0)
    third = inverse + a * (K[0, 2] - x) + b * (K[1, 2] - y)
    normal = np.stack([a * K[0, 0], b * K[1, 1], third], -1).astype(np.float32)
    length = np.sqrt((normal * normal).sum(-1))
    ray = np.hypot(np.hypot((x - K[0, 2]) / K[0, 0], (y - K[1, 2]) / K[1, 1]), 1.0)
    held &= inverse > _GRAZING * length * ray
    return Tangents(np.where(held[..., None], normal, 0.0).astype(np.float32), held)
