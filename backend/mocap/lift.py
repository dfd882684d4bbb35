"""A first guess of a body's depth from the picture alone, for detectors that give none.

Taylor, "Reconstruction of articulated objects from point correspondences in a single uncalibrated image" (CVIU 2000):
under a camera of weak perspective a bone that looks shorter than it is points towards the camera or away from it. Which
of the two is told by how people bend: knees forward, shins back, forearms forward. What comes of it is only a start: it
is given a large standard deviation, and the picture over time decides.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .evidence import LEAST_JOINTS, Cameras, Evidence, Flags, View
from .skeleton import Floats, Skeleton

_SD_M = 0.25
"""Standard deviation of a joint's place by this guess."""

_LEAST_BONES = 3
_LONGEST = 0.85
"""Quantile of the bones' apparent lengths over their true ones that lies across the line of sight."""

_FORWARD = {"knee": 1.0, "ankle": -1.0, "wrist": 1.0, "foot_index": 1.0}
"""Ends of bones that lie before (1) or behind (-1) their beginning; the others lie beside it."""


def with_depth(skeleton: Skeleton, view: View, size: float) -> View:
    """The same view, with a guess of the shape in the frames that show enough and have none. size: of the body over
    the skeleton's."""
    evidence = view.evidence
    without = (evidence.seen.sum(1) >= LEAST_JOINTS) & ~evidence.shaped
    if not without.any():
        return view
    relative, sd = evidence.relative.copy(), evidence.sd_m.copy()
    for t in np.nonzero(without)[0]:
        guess = _lifted(skeleton, _rays(view.cameras, evidence, int(t)), evidence.seen[t], size)
        if guess is not None:
            relative[t] = np.where(evidence.seen[t][:, None], guess, 0.0)
            sd[t] = np.where(evidence.seen[t], _SD_M, np.inf)
    return View(view.cameras, replace(evidence, relative=relative, sd_m=sd))


def _rays(cameras: Cameras, evidence: Evidence, t: int) -> Floats:
    """[J,2]: in units of the focal length."""
    matrix = cameras.matrix[t]
    found: Floats = (evidence.xy[t] - matrix[:2, 2]) / [matrix[0, 0], matrix[1, 1]]
    return found


def _lifted(skeleton: Skeleton, rays: Floats, seen: Flags, size: float) -> Floats | None:
    """[J,3] m, camera axes, from the middle of the hips; None when too little is seen to tell how far away it is."""
    bones = [(j, int(p)) for j, p in enumerate(skeleton.parents) if p > 0 and seen[j] and seen[p]]
    trunk = [skeleton.index(f"{side}_{part}") for part in ("hip", "shoulder") for side in ("left", "right")]
    if len(bones) < _LEAST_BONES or not any(seen[j] for j in trunk):
        return None
    lengths = np.array([size * float(np.linalg.norm(skeleton.rest[j])) for j, _ in bones])
    shown = np.array([float(np.linalg.norm(rays[j] - rays[p])) for j, p in bones])
    away = 1.0 / max(float(np.quantile(shown / lengths, _LONGEST)), 1e-6)
    found = np.zeros((len(skeleton), 3))
    known = [j for j in trunk[:2] if seen[j]] or [j for j in trunk if seen[j]]
    found[:, :2] = (rays - rays[known].mean(0)) * away
    facing = _facing(skeleton, found, seen)
    for (joint, parent), length in zip(bones, lengths, strict=True):
        across = float(np.linalg.norm(found[joint, :2] - found[parent, :2]))
        part = skeleton.names[joint].split("_", 1)[-1]
        depth = np.sqrt(max(length**2 - across**2, 0.0)) * _FORWARD.get(part, 0.0) * facing
        found[joint, 2] = found[parent, 2] + depth
    return found


def _facing(skeleton: Skeleton, flat: Floats, seen: Flags) -> float:
    """Depth of the body's front over its back: -1 when it faces the camera, whose right is then the person's left."""
    across = 0.0
    for part in ("hip", "shoulder"):
        left, right = skeleton.index(f"left_{part}"), skeleton.index(f"right_{part}")
        if seen[left] and seen[right]:
            across += float(flat[left, 0] - flat[right, 0])
    return -1.0 if across >= 0.0 else 1.0
