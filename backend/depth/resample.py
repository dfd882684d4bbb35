"""A depth map read between its pixels, without inventing depths between two surfaces."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .edges import Flags, Floats, breaks, inverse_of
from .frame import SKY

Places = NDArray[np.float32]
"""[H, W, 2] px of the source, edges at integers; NaN where there is none."""


def sampled_depth(depth: Floats, confidence: Floats, places: Places) -> tuple[Floats, Floats]:
    """depth and confidence [h, w] at `places`, both 0 where those lie outside.

    Inverse depth is interpolated, which is exact on planes, but only where the four pixels around are of one surface:
    at edges the nearest pixel is taken. Confidence is always the nearest pixel's, so that what was filled stays so.
    """
    height, width = depth.shape
    x, y = places[..., 0], places[..., 1]
    inside = (x >= 0.0) & (x <= width) & (y >= 0.0) & (y <= height)  # NaN is outside
    x, y = np.where(inside, x, 0.5), np.where(inside, y, 0.5)
    column = np.clip(x.astype(np.int32), 0, width - 1)
    row = np.clip(y.astype(np.int32), 0, height - 1)
    nearest, sure = depth[row, column], confidence[row, column]
    inverse = inverse_of(depth)
    remap: Any = cv2.remap  # OpenCV's type hints ask for a second map
    between = remap(inverse, np.dstack((x - 0.5, y - 0.5)), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    one_surface = _one_surface(inverse)[
        np.clip(np.floor(y - 0.5).astype(np.int32), 0, height - 2),
        np.clip(np.floor(x - 0.5).astype(np.int32), 0, width - 2),
    ]
    smooth = one_surface & (between > 0.0) & (nearest > 0.0) & (nearest < SKY)
    found = np.where(smooth, np.divide(1.0, between, out=np.zeros_like(between), where=smooth), nearest)
    return np.where(inside, found, 0.0).astype(np.float32), np.where(inside, sure, 0.0).astype(np.float32)


def _one_surface(inverse: Floats) -> Flags:
    """bool [H-1, W-1]: whether four pixels that touch lie on one surface."""
    across, down = breaks(inverse)
    return ~(across[:-1] | across[1:] | down[:, :-1] | down[:, 1:])
