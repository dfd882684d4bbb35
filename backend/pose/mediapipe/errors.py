"""How far BlazePose's landmarks are to be believed."""

from __future__ import annotations

import numpy as np

from ..keypoints import Floats
from .merge import Merged

_SHARE = 0.012
_SEEN = 0.1
_GUESSED = 6.0
_METRES = 0.08


def sd_px(merged: Merged, size: float) -> Floats:
    """[N]: standard deviation along each axis. size: px, side of the person's region."""
    believed = np.sqrt(np.maximum(merged.score, 0.2))
    own = size * _SHARE * np.where(merged.score < _SEEN, _GUESSED, 1.0 / believed)
    return np.asarray(np.hypot(own, merged.spread_px), np.float32)


def sd_m(merged: Merged) -> Floats:
    """[N]: standard deviation along each axis."""
    believed = np.sqrt(np.maximum(merged.score, 0.2))
    own = _METRES * np.where(merged.score < _SEEN, 2.0, 1.0 / believed)
    return np.asarray(np.hypot(own, merged.spread_m), np.float32)
