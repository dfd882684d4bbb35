"""Values of a raster at scattered points."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .clip import Points

_ROW = 4096
"""OpenCV's remap takes maps of at most 32767 columns: the points are laid out in rows."""


def at_points(
    raster: NDArray[Any], points: Points, how: int = cv2.INTER_LINEAR, border: int = cv2.BORDER_REPLICATE
) -> NDArray[np.float32]:
    """float32 [N, C] of a raster [H, W, C] or [H, W] at points in its own pixels."""
    count = len(points)
    rows = max(1, -(-count // _ROW))
    laid = np.zeros((rows * _ROW, 2), np.float32)
    laid[:count] = points
    x, y = laid[:, 0].reshape(rows, _ROW), laid[:, 1].reshape(rows, _ROW)
    return np.asarray(cv2.remap(raster, x, y, how, borderMode=border), np.float32).reshape(rows * _ROW, -1)[:count]


def slope_at(raster: NDArray[Any], points: Points) -> NDArray[np.float32]:
    """float32 [N]: mean square slope of the channels, (levels / px)^2, by central differences over two pixels."""
    total = np.zeros(len(points), np.float32)
    for shift in (np.array([1, 0], np.float32), np.array([0, 1], np.float32)):
        across = at_points(raster, points + shift) - at_points(raster, points - shift)
        total += (0.25 * across * across).mean(axis=1)
    return total
