"""Connected pieces of a mask: which belong to the object."""

from __future__ import annotations

import cv2
import numpy as np

from .movement import Floats

_APART = 0.35


def belonging(soft: Floats, prior: Floats, size: float) -> Floats:
    """The mask without pieces that were not part of it before, and without small ones that are far from the largest.

    soft, prior: float32 [h, w]. size: px, the root of the object's area.
    """
    hard = (soft > 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(hard, connectivity=8)
    if count <= 2:
        return soft
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    areas[0] = 0
    largest = int(areas.argmax())
    away = cv2.distanceTransform((labels != largest).astype(np.uint8), cv2.DIST_L2, 3)
    known = np.bincount(labels.ravel(), prior.ravel(), count) / np.maximum(areas, 1)
    kept = np.zeros(count, bool)
    for piece in range(1, count):
        near = float(away[labels == piece].min()) <= _APART * size
        kept[piece] = piece == largest or (known[piece] > 0.15 and (near or areas[piece] > 0.5 * areas[largest]))
    out: Floats = np.where(kept[labels] | (hard == 0), soft, np.float32(0.0)).astype(np.float32)
    return out
