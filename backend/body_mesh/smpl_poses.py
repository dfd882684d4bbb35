"""A motion in SMPL's own parameters, for programs that want these: smpl.npz, named as in AMASS (Mahmood et al., ICCV
2019)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from backend.pipeline.atomic import atomic_path
from shared.body_arrays import rest_pose
from shared.motion_arrays import Motion, multiply, rotate

from .smpl_body import OUR_FROM_SMPL, bends, carriers, fitted_shape
from .smpl_files import Floats, SmplModel

SMPL_FILE = "smpl.npz"


@dataclass(frozen=True)
class SmplPoses:
    """betas [S]. turns [T,J,3,3]: of joints against their parents, the root's against a y-up world. place [T,3]: the
    model's translation, metres. NaN in absent frames."""

    betas: Floats
    turns: Floats
    place: Floats


def fitted_poses(model: SmplModel, motion: Motion) -> SmplPoses:
    """The model's own parameters of a motion: every bone points where the motion's does. The world of these is y-up, as
    the model's is, and in the model's metres."""
    betas, scale = fitted_shape(model, motion)
    _, joints = model.rest(betas)
    places, rest_turns = rest_pose(motion)
    skin, _ = bends(model, scale * joints @ OUR_FROM_SMPL.T, motion, places)
    world = _world_turns(motion)
    back = rest_turns * [1.0, -1.0, -1.0, -1.0]
    carrier = carriers(model, motion)
    turns = np.empty((len(motion), len(joints), 3, 3))
    whole = np.empty_like(turns)
    for joint, parent in enumerate(model.parents):
        own = _matrices(multiply(world[:, carrier[joint]], back[carrier[joint]])) @ skin[joint]
        whole[:, joint] = OUR_FROM_SMPL.T @ own @ OUR_FROM_SMPL
        turns[:, joint] = whole[:, joint] if parent < 0 else whole[:, parent].transpose(0, 2, 1) @ whole[:, joint]
    place = motion.root @ OUR_FROM_SMPL / scale - joints[0]
    turns[~motion.known] = np.nan
    return SmplPoses(betas, turns, place)


def _world_turns(motion: Motion) -> Floats:
    """[T,J,4] of joints in the world."""
    turns = np.empty((len(motion), len(motion.joint_names), 4))
    for joint, parent in enumerate(motion.parents):
        own = multiply(motion.rest_rotations[joint], motion.rotations[:, joint])
        turns[:, joint] = own if parent < 0 else multiply(turns[:, parent], own)
    return turns


def _matrices(quaternions: Floats) -> Floats:
    """[T,3,3]"""
    axes = [rotate(quaternions, np.broadcast_to(axis, (len(quaternions), 3))) for axis in np.eye(3)]
    return np.stack(axes, -1)


def write_poses(path: Path, poses: SmplPoses, motion: Motion, kind: str) -> None:
    """poses [T,3J]: rotation vectors; trans [T,3]; betas [S]; mocap_frame_rate; frames [T]: plate numbers. Raises
    `DiskFull`, `ShotReadOnly`."""
    vectors = np.full((*poses.turns.shape[:2], 3), np.nan)
    known = motion.known
    if known.any():
        flat = Rotation.from_matrix(poses.turns[known].reshape(-1, 3, 3)).as_rotvec()
        vectors[known] = flat.reshape(int(known.sum()), -1, 3)
    with atomic_path(path) as beside, beside.open("wb") as file:
        np.savez_compressed(
            file, betas=poses.betas, poses=vectors.reshape(len(vectors), -1), trans=poses.place, frames=motion.frames,
            mocap_frame_rate=float(Fraction(motion.fps)), model_type=kind,
        )  # fmt: skip
