"""Connected pieces of a mask: which belong to the object."""

from __future__ import annotations

import cv2
import numpy as np

from .movement import Floats

_FOUND_SHARE, _FOUND_PX = 0.04, 16.0
_FOUND_COLOUR, _FOUND_ODDS = 0.75, 1.0
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


def found_again(soft: Floats, odds: Floats, colour: Floats, area: float) -> Floats:
    """The pieces that are the object seen again; nothing when none is convincing. area: px that it had."""
    hard = (soft > 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(hard, connectivity=8)
    areas = np.maximum(stats[:, cv2.CC_STAT_AREA].astype(np.float64), 1.0)
    mean_odds = np.bincount(labels.ravel(), odds.ravel(), count) / areas
    mean_colour = np.bincount(labels.ravel(), colour.ravel(), count) / areas
    good = (areas >= max(_FOUND_PX, _FOUND_SHARE * area)) & (areas <= 2.0 * area)
    good &= (mean_odds >= _FOUND_ODDS) & (mean_colour >= _FOUND_COLOUR)
    good[0] = False
    if not good.any():
        return np.zeros_like(soft)
    best = int(np.where(good, areas * mean_odds, 0).argmax())
    out: Floats = np.where(labels == best, soft, np.float32(0.0)).astype(np.float32)
    return out
