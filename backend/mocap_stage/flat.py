"""The shape of a body of which only the picture is known.

A bone in the picture is shorter than it is by what it leans towards the camera or away from it, nobody knows which of
the two (Taylor, "Reconstruction of articulated objects from point correspondences in a single uncalibrated image",
CVPR 2000). The guess lies between: flat, and as unsure as the bones may lean.
"""

from __future__ import annotations

import numpy as np

from backend.mocap.evidence import Flags
from backend.mocap.skeleton import Floats, Skeleton

_LIMBS = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "shoulder"))
_ACROSS = ("hip", "shoulder")
_SIDES = ("left", "right")

_UPRIGHT = 0.9
"""Quantile of the bones' lengths in the picture, over those they have, at which one does not lean."""

_LEAST_BONES = 3
_LEAST_M = 0.1
"""Standard deviation of joints that do not lean: people differ."""


def flat_shape(skeleton: Skeleton, xy: Floats, seen: Flags) -> tuple[Floats, Floats]:
    """(relative [J,3], sd_m [J]) as in `Evidence`, of joints at px xy [J,2]; sd_m is inf where nothing can be said:
    everywhere, without both hips and some bones."""
    nothing = np.zeros((len(skeleton), 3)), np.full(len(skeleton), np.inf)
    hips = list(skeleton.hips)
    if not seen[hips].all():
        return nothing
    at_rest = skeleton.at_rest
    ratios = [
        float(np.linalg.norm(xy[a] - xy[b]) / np.linalg.norm(at_rest[a] - at_rest[b]))
        for a, b in _pairs(skeleton) if seen[a] and seen[b]
    ]  # fmt: skip
    px_per_metre = float(np.quantile(ratios, _UPRIGHT)) if len(ratios) >= _LEAST_BONES else 0.0
    if px_per_metre <= 0.0:
        return nothing
    relative = np.zeros((len(skeleton), 3))
    relative[:, :2] = np.where(seen[:, None], (xy - xy[hips].mean(0)) / px_per_metre, 0.0)
    return relative, np.where(seen, np.hypot(_LEAST_M, _leaning(skeleton, relative[:, :2], seen)), np.inf)


def _leaning(skeleton: Skeleton, places: Floats, seen: Flags) -> Floats:
    """[J] m: how far each joint may be before or behind the root, as bones lean independently of each other."""
    found = np.zeros(len(skeleton))
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            shown = float(np.linalg.norm(places[joint] - places[parent])) if seen[joint] and seen[parent] else 0.0
            length = float(np.linalg.norm(skeleton.rest[joint]))
            found[joint] = np.hypot(found[parent], np.sqrt(max(length**2 - shown**2, 0.0)))
    return found


def _pairs(skeleton: Skeleton) -> list[tuple[int, int]]:
    names = [(f"{side}_{a}", f"{side}_{b}") for side in _SIDES for a, b in _LIMBS]
    names += [(f"left_{joint}", f"right_{joint}") for joint in _ACROSS]
    return [(skeleton.index(a), skeleton.index(b)) for a, b in names]
