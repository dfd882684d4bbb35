"""How far these networks' joints are to be believed.

COCO had people mark the same pictures several times: their marks differ by a share of the root of the person's area
that its evaluation is built on ("keypoint similarity"). A network taught with such marks is as uncertain, and more so
where its score is low.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..keypoints import Box, Floats

_MARKS: Mapping[str, float] = {
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062, "hip": 0.107,
    "knee": 0.087, "ankle": 0.089, "hand": 0.062, "heel": 0.066, "index": 0.068, "toe": 0.066, "top": 0.079,
}  # fmt: skip
"""COCO's and COCO-WholeBody's constants."""

_FILLED = 0.53
"""Share of a person's box that the person fills, usual in COCO."""

_LEAST, _SLOPE = 0.12, 0.75


def sd_px(names: Sequence[str], score: Floats, spread: Floats, box: Box) -> Floats:
    """[N]: along each axis; spread [N]: px, between looks."""
    root = math.sqrt(_FILLED * max(1.0, box[2] - box[0]) * max(1.0, box[3] - box[1]))
    marks = np.array([_MARKS[name.rpartition("_")[2]] for name in names], np.float32)
    own = marks * root / math.sqrt(2.0) * np.maximum(score, _LEAST) ** -_SLOPE
    return np.asarray(np.hypot(own, spread), np.float32)
