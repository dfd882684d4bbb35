"""Closed Bézier curves as pixels. No bpy here.

A pixel belongs to a curve when its centre is inside by the even-odd rule; Blender fills mask splines the same way.
"""

from __future__ import annotations

import numpy as np

_PX_PER_STEP = 2.0
_MOST_STEPS = 64


def flattened(points: np.ndarray) -> np.ndarray:
    """A closed curve as a polygon float64 [M,2]. points: float64 [N,3,2], left handle, place and right handle of each
    control point, px."""
    following = np.roll(points, -1, axis=0)
    pieces = []
    for here, then in zip(points, following, strict=True):
        a, b, c, d = here[1], here[2], then[0], then[1]
        length = np.linalg.norm(np.diff(np.stack([a, b, c, d]), axis=0), axis=1).sum()
        steps = int(np.clip(np.ceil(length / _PX_PER_STEP), 1, _MOST_STEPS))
        t = (np.arange(steps) / steps)[:, None]
        s = 1.0 - t
        pieces.append(s**3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t**3 * d)
    return np.concatenate(pieces) if pieces else np.zeros((0, 2))


def filled(polygon: np.ndarray, width: int, height: int) -> np.ndarray:
    """bool [height,width]: the pixels whose centres are inside. polygon: float64 [M,2], px, y down."""
    toggles = np.zeros((height, width + 1), bool)
    if len(polygon) < 3:
        return toggles[:, :width]
    ends = np.roll(polygon, -1, axis=0)
    for (x0, y0), (x1, y1) in zip(polygon.tolist(), ends.tolist(), strict=True):
        if y0 == y1:
            continue
        low, high = min(y0, y1), max(y0, y1)
        rows = np.arange(max(0, int(np.ceil(low - 0.5))), min(height, int(np.ceil(high - 0.5))))
        x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        columns = np.clip(np.ceil(x - 0.5), 0, width).astype(int)
        toggles[rows, columns] ^= True
    return np.logical_xor.accumulate(toggles, axis=1)[:, :width]
