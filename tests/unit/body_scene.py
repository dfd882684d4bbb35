"""Somebody who stands in a T-pose and then moves, as motion capture would give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from backend.mocap.skeleton import human
from shared.motion_arrays import Motion, joints_of

STATURE_M = 1.76


def standing(
    size: float = 1.0,
    frames: int = 1,
    bends: Mapping[str, Sequence[float]] | None = None,
    place: tuple[float, float] = (0.0, 0.0),
) -> Motion:
    """bends: rotation vectors of joints against rest, radians, the same in every frame."""
    skeleton = human()
    count = len(skeleton)
    rest = size * skeleton.rest
    rest[0] = 0.0, 0.0, 0.97 * size
    rotations = np.zeros((frames, count, 4))
    rotations[..., 0] = 1.0
    for name, vector in (bends or {}).items():
        angle = float(np.linalg.norm(vector))
        axis = np.asarray(vector) / max(angle, 1e-12)
        rotations[:, skeleton.index(name)] = [np.cos(angle / 2), *(np.sin(angle / 2) * axis)]
    upright = np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))
    root = np.tile([*place, 0.97 * size], (frames, 1))
    motion = Motion(
        skeleton.names, skeleton.parents, np.zeros((frames, count, 3)), rotations, rest, upright, root,
        np.ones((frames, count)), np.arange(1, frames + 1), ("tracked",) * frames, (), np.zeros((frames, 0)), "24", 0,
        "test",
    )  # fmt: skip
    return replace(motion, joints=joints_of(motion))
