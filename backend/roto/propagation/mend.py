"""What a correction changed, carried back through the frames before it.

A correction proves that some pixels of its frame were wrong, no more. The frames between it and the prompted frame
before keep what was followed to them; what is followed back from the correction counts where it comes from a pixel that
was changed, for as long as the two disagree there in the same way without a break.
"""

from __future__ import annotations

import cv2
import numpy as np

from .blend import blended
from .movement import Floats
from .store import LOST, TRACKED, StoredMask
from .windows import from_bytes

_SPREAD = np.ones((3, 3), np.uint8)
"""px that the change may grow by in a frame: flow is not exact."""
_ASTRAY = 0.5
"""Of the likeness that the masks before and after a correction have in its own frame: with less in another, what was
followed back does not show the same thing any more."""


def change(before: Floats, after: Floats) -> Floats:
    """1 where a correction adds to a mask, -1 where it takes away, float32 [h, w]; from masks in 0..1."""
    return (after > 0.5).astype(np.float32) - (before > 0.5).astype(np.float32)


def likeness(one: Floats, other: Floats) -> float:
    """Intersection over union; 1 of two empty masks."""
    union = float(np.count_nonzero((one > 0.5) | (other > 0.5)))
    return np.count_nonzero((one > 0.5) & (other > 0.5)) / union if union else 1.0


def remaining(before: Floats, after: Floats, changed: Floats, alike: float) -> Floats:
    """Where the change still is, as `change`. before: the mask as followed to the frame, after: as followed back to it,
    float32 [h, w] in 0..1. changed: the change as it moved here. alike: likeness in the frame of the correction."""
    if likeness(before, after) < _ASTRAY * alike:
        return np.zeros_like(changed)
    now = change(before, after)
    near = [cv2.dilate((sign * changed > 0.5).astype(np.uint8), _SPREAD) > 0 for sign in (1, -1)]
    still: Floats = np.where((near[0] & (now > 0)) | (near[1] & (now < 0)), now, np.float32(0.0))
    return still


def mended(before: StoredMask, after: StoredMask, changed: Floats, share: float) -> StoredMask:
    """The frame as it was followed to, and where it is `changed` (float32 [h, w]) a blend with what was followed back,
    `share` of the way to the correction."""
    where = np.abs(changed)
    if not where.any():
        return before
    both = blended(before, after, share)
    edge = np.maximum(where, cv2.GaussianBlur(cv2.dilate(where, _SPREAD), (0, 0), 1.0))
    mixed = from_bytes(before.soft) * (1 - edge) + from_bytes(both.soft) * edge
    soft = np.rint(mixed * 255).astype(np.uint8)
    weight = float(where[np.maximum(before.soft, after.soft) >= 128].mean())
    confidence = (1 - weight) * before.confidence + weight * both.confidence
    state = TRACKED if (soft >= 128).any() else before.state if before.state != TRACKED else LOST
    return StoredMask(soft, state, confidence)
