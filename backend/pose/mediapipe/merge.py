"""One estimate from several looks at the same person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.roto.people.evidence import Look

from ..keypoints import Floats
from ..names import BLAZEPOSE
from .centres import centred


@dataclass(frozen=True)
class Merged:
    """xy [N,2] px and relative [N,3] m of the joints NAMES, score [N]; spread_px [N], spread_m [N]: standard deviation
    of single looks along each axis, 0 of one look."""

    xy: Floats
    relative: Floats
    score: Floats
    spread_px: Floats
    spread_m: Floats


def merged(looks: Sequence[Look]) -> Merged:
    """Of at least one look. The middle one of each coordinate counts: now and then a look takes left for right."""
    xy = np.stack([_joints(look.landmarks[:, :2]) for look in looks])
    relative = np.stack([_joints(look.world) for look in looks])
    score = np.stack([_joints(look.landmarks[:, 2:3])[:, 0] for look in looks])
    middle_xy, middle_relative = centred(np.median(xy, 0), np.median(relative, 0))
    return Merged(
        middle_xy,
        middle_relative,
        np.asarray(np.median(score, 0), np.float32),
        np.asarray(np.sqrt(xy.var(0).mean(-1)), np.float32),
        np.asarray(np.sqrt(relative.var(0).mean(-1)), np.float32),
    )


def _joints(landmarks: Floats) -> Floats:
    """[33, k] -> [N, k]"""
    return np.stack([landmarks[list(indices)].mean(0) for indices in BLAZEPOSE.values()])
