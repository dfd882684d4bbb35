"""`mocap/<label>/motion.npz`: the motion of one person as a skeleton in the shot's world (numpy).

A joint's frame follows from its parent's: world_from_joint(t) = world_from_parent(t) . T(rest_offsets[j]) .
R(rest_rotations[j]) . R(rotations[t, j]); the root's is T(root[t]) . R(rest_rotations[0]) . R(rotations[t, 0]). At rest
(all rotations the identity) the body stands in a T-pose, x to its left, y to its back, z up. Lengths are world units,
quaternions wxyz, frames plate numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .array_files import read_arrays, write_arrays
from .errors import ShotCorrupt

Floats = NDArray[np.float64]

MOTION_VERSION = 1
MOTION_FILE = "motion.npz"
TRACKED, BRIDGED, ABSENT = "tracked", "bridged", "absent"
"""State of a frame: fitted to what was seen of the person there; carried over a gap between such frames; nothing is
known, and every number of the frame is NaN."""

STATES = (TRACKED, BRIDGED, ABSENT)
_REMEDY = "Run motion capture of this shot again."


@dataclass(frozen=True)
class Motion:
    """joint_names [J]: the design's names, root first. parents [J]: before their children, -1 for the root.
    joints [T,J,3]: world. rotations [T,J,4]: of each joint against its parent, from rest; the identity at ends.
    rest_offsets [J,3]: from the parent, in its axes; the root's is where the pelvis is when the body at rest stands on
    z = 0. rest_rotations [J,4]. root [T,3]: joints[:, 0]. confidence [T,J]: 0..1. frames [T]: consecutive plate
    numbers. state [T]: one of STATES. contact_joints [F]: names; contacts [T,F]: 0..1, standing on the floor; F is 0
    without a floor. fps: exact fraction, "24000/1001". world_revision: of camera/world.json. engine: what saw the
    person."""

    joint_names: tuple[str, ...]
    parents: NDArray[np.int64]
    joints: Floats
    rotations: Floats
    rest_offsets: Floats
    rest_rotations: Floats
    root: Floats
    confidence: Floats
    frames: NDArray[np.int64]
    state: tuple[str, ...]
    contact_joints: tuple[str, ...]
    contacts: Floats
    fps: str
    world_revision: int
    engine: str
    version: int = MOTION_VERSION

    def __len__(self) -> int:
        return len(self.frames)

    def index(self, name: str) -> int:
        """Raises `ValueError` for a joint that the skeleton does not have."""
        return self.joint_names.index(name)

    @property
    def known(self) -> NDArray[np.bool_]:
        """[T]: frames that are not absent."""
        return np.array([state != ABSENT for state in self.state], bool)


def write_motion(path: Path, motion: Motion) -> None:
    """Puts the file in place at once. Raises `OSError`, and `ValueError` for a motion that is none."""
    _check(motion)
    write_arrays(path, {field.name: _stored(getattr(motion, field.name)) for field in fields(Motion)})


def read_motion(path: Path) -> Motion:
    """Raises `ArtifactMissing`, `ShotCorrupt`."""
    arrays = read_arrays(path, _REMEDY, missing="Run motion capture of this shot first.")
    try:
        motion = _motion(arrays)
        _check(motion)
    except (KeyError, ValueError) as bad:
        raise ShotCorrupt(f"{path} is no motion of this version: {bad}.", _REMEDY) from bad
    return motion


def joints_of(motion: Motion) -> Floats:
    """[T,J,3] world: what rotations, offsets and root say; equal to `motion.joints` in a sound file."""
    turns = np.empty((len(motion), len(motion.joint_names), 4))
    found = np.empty((len(motion), len(motion.joint_names), 3))
    for joint, parent in enumerate(motion.parents):
        own = multiply(motion.rest_rotations[joint], motion.rotations[:, joint])
        if parent < 0:
            turns[:, joint], found[:, joint] = own, motion.root
        else:
            turns[:, joint] = multiply(turns[:, parent], own)
            found[:, joint] = found[:, parent] + rotate(turns[:, parent], motion.rest_offsets[joint])
    return found


def multiply(left: Floats, right: Floats) -> Floats:
    """Hamilton products of quaternions wxyz [..., 4]."""
    a, b = np.asarray(left, np.float64), np.asarray(right, np.float64)
    w = a[..., 0] * b[..., 0] - (a[..., 1:] * b[..., 1:]).sum(-1)
    xyz = a[..., :1] * b[..., 1:] + b[..., :1] * a[..., 1:] + np.cross(a[..., 1:], b[..., 1:])
    return np.concatenate([w[..., None], xyz], -1)


def rotate(turns: Floats, vectors: Floats) -> Floats:
    """Vectors [..., 3] turned by quaternions wxyz [..., 4]."""
    w, xyz = turns[..., :1], turns[..., 1:]
    across = 2.0 * np.cross(xyz, np.broadcast_to(vectors, xyz.shape))
    turned: Floats = vectors + w * across + np.cross(xyz, across)
    return turned


def without_jumps(turns: Floats) -> Floats:
    """Quaternions wxyz [T,...,4], each on the side of the one before; w of the first is not negative. q and -q turn
    alike, but a curve drawn between them spins."""
    if not len(turns):
        return turns
    first = np.where(turns[:1, ..., 0] < 0.0, -1.0, 1.0)
    later = np.where((turns[1:] * turns[:-1]).sum(-1) < 0.0, -1.0, 1.0)
    found: Floats = turns * np.cumprod(np.concatenate([first, later]), axis=0)[..., None]
    return found


def _stored(value: Any) -> NDArray[Any]:
    if isinstance(value, tuple):
        return np.array(value, dtype=np.str_)
    return np.asarray(value)


def _motion(arrays: dict[str, NDArray[Any]]) -> Motion:
    """Raises `KeyError`, `ValueError`."""
    found: dict[str, Any] = {name: tuple(str(one) for one in arrays[name]) for name in _WORDS}
    found |= {name: np.asarray(arrays[name], np.int64) for name in ("parents", "frames")}
    found |= {name: np.asarray(arrays[name], np.float64) for name in _FLOATS}
    found |= {name: str(arrays[name]) for name in ("fps", "engine")}
    found |= {name: int(arrays[name]) for name in ("world_revision", "version")}
    return Motion(**found)


_WORDS = ("joint_names", "state", "contact_joints")
_FLOATS = ("joints", "rotations", "rest_offsets", "rest_rotations", "root", "confidence", "contacts")


def _check(motion: Motion) -> None:
    """Raises `ValueError`."""
    frames, joints = len(motion.frames), len(motion.joint_names)
    shapes = {
        "parents": (joints,), "joints": (frames, joints, 3), "rotations": (frames, joints, 4),
        "rest_offsets": (joints, 3), "rest_rotations": (joints, 4), "root": (frames, 3),
        "confidence": (frames, joints), "contacts": (frames, len(motion.contact_joints)),
    }  # fmt: skip
    for name, shape in shapes.items():
        if getattr(motion, name).shape != shape:
            raise ValueError(f"{name} has the shape {getattr(motion, name).shape}, not {shape}")
    if motion.version != MOTION_VERSION:
        raise ValueError(f"it is of version {motion.version}")
    if len(motion.state) != frames or not set(motion.state) <= set(STATES):
        raise ValueError("its states are none")
    if joints < 1 or motion.parents[0] != -1 or any(not 0 <= p < j for j, p in enumerate(motion.parents) if j):
        raise ValueError("its joints do not hang on each other")
    if not np.all(np.diff(motion.frames) == 1):
        raise ValueError("its frames do not follow each other")
    if not np.isfinite(motion.joints[motion.known]).all() or np.isfinite(motion.joints[~motion.known]).any():
        raise ValueError("numbers and states of its frames do not agree")
