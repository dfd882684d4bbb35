"""How far BlazePose's joints are to be believed, from how far they were off on rendered people with known joints.

Standard deviations along one axis, robust (1.48 times the median distance), as a share of the side of the person's
region, which is about 1.35 times as long as a standing person. An error stays for many frames: from frame to frame the
joints waver by a quarter of it only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..keypoints import Floats
from .centres import NAMES
from .merge import Merged

_SHARE: Mapping[str, float] = {
    "nose": 0.0080, "eye": 0.0060, "ear": 0.0095, "shoulder": 0.0100, "elbow": 0.0070, "wrist": 0.0060,
    "hand": 0.0080, "hip": 0.0120, "knee": 0.0055, "ankle": 0.0065, "heel": 0.0120, "index": 0.0090,
}  # fmt: skip
"""Of a joint that the network is sure to see."""

_METRES: Mapping[str, float] = {
    "nose": 0.060, "eye": 0.060, "ear": 0.055, "shoulder": 0.045, "elbow": 0.065, "wrist": 0.085, "hand": 0.105,
    "hip": 0.020, "knee": 0.045, "ankle": 0.060, "heel": 0.070, "index": 0.070,
}  # fmt: skip
"""Of its place from the middle of the hips; most of it is depth."""

_LEAST = 0.12
_SLOPE, _SLOPE_M = 0.75, 0.4
"""The error grows with that power as the score falls; below _LEAST it does not any more: five times as large."""

_OUTSIDE = 7.0
"""Times as large where the joint is beyond the picture's edge."""

_OF_SPREAD = 0.7
"""The looks err together: what they disagree by says less than it would of independent ones."""


def sd_px(merged: Merged, inside: NDArray[np.bool_], size: float) -> Floats:
    """[N]. inside [N]: whether the joint is in the picture. size: side of the person's region, px of `merged`."""
    own = size * _of(_SHARE) * np.where(inside, np.maximum(merged.score, _LEAST) ** -_SLOPE, _OUTSIDE)
    return np.asarray(np.hypot(own, _OF_SPREAD * merged.spread_px), np.float32)


def sd_m(merged: Merged) -> Floats:
    """[N]."""
    own = _of(_METRES) * np.maximum(merged.score, _LEAST) ** -_SLOPE_M
    return np.asarray(np.hypot(own, merged.spread_m), np.float32)


def _of(table: Mapping[str, float]) -> Floats:
    return np.array([table[name.rpartition("_")[2]] for name in NAMES], np.float32)
