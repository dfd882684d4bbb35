"""J and F of masks, as DAVIS measures them (Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video
Object Segmentation, CVPR 2016; Martin et al., PAMI 2004, for the boundary).

J: intersection over union. F: harmonic mean of precision and recall of the boundary, where a boundary pixel counts as
found when the other boundary is within 0.8 % of the picture's diagonal, rounded up.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
TOLERANCE = 0.008


def region_similarity(found: Mask, true: Mask) -> float:
    """J, 0..1; 1 when both are empty."""
    union = np.count_nonzero(found | true)
    return np.count_nonzero(found & true) / union if union else 1.0


def boundary_accuracy(found: Mask, true: Mask, tolerance: float = TOLERANCE) -> float:
    """F, 0..1; 1 when both are empty, 0 when one is."""
    radius = math.ceil(tolerance * math.hypot(*true.shape))
    ours, theirs = boundary(found), boundary(true)
    if not ours.any() or not theirs.any():
        return float(not ours.any() and not theirs.any())
    precision = np.count_nonzero(ours & _grown(theirs, radius)) / np.count_nonzero(ours)
    recall = np.count_nonzero(theirs & _grown(ours, radius)) / np.count_nonzero(theirs)
    return 2.0 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary(mask: Mask) -> Mask:
    """Pixels whose right, lower or lower right neighbour is on the other side."""
    edge = np.zeros(mask.shape, bool)
    right, below = mask[:, :-1] ^ mask[:, 1:], mask[:-1] ^ mask[1:]
    edge[:, :-1] |= right
    edge[:-1] |= below
    edge[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edge


def _grown(mask: Mask, radius: int) -> Mask:
    """By a disc."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = (x * x + y * y <= radius * radius).astype(np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0)


def corrective_click(found: Mask, true: Mask) -> tuple[float, float, bool]:
    """x, y in px (edges at integers) in the middle of the largest error region, and whether the object is there. Raises
    ValueError when there is no error."""
    wrong = (found ^ true).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(wrong, connectivity=4)
    if count < 2:
        raise ValueError("there is no error to correct")
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    inside = np.pad((labels == largest).astype(np.uint8), 1)  # the picture's border counts as its border too
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return float(x) + 0.5, float(y) + 0.5, bool(true[y, x])
