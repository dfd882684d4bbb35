"""From a fitted body to the motion that is stored and exported."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from shared.motion_arrays import ABSENT, Motion, joints_of, without_jumps

from .kept import KeptBody
from .skeleton import Floats, Indices, hung
from .terms import Contacts

_STANDING = ("left_heel", "right_heel", "left_foot_index", "right_foot_index")


def motion_of(
    body: KeptBody,
    frames: Indices,
    state: tuple[str, ...],
    confidence: NDArray[np.floating],
    contacts: Contacts | None,
    *,
    fps: str,
    world_revision: int,
    engine: str,
) -> Motion:
    """frames [T]: plate numbers. state [T]: numbers of frames that are absent become NaN. confidence [T,J]. Joints are
    those that the rotations and offsets give."""
    skeleton = body.skeleton
    known = np.array([one != ABSENT for one in state], bool)
    offsets = body.rest.copy()
    offsets[0] = [0.0, 0.0, _pelvis_height(body)]
    rotations = np.where(known[:, None, None], _local_turns(body), np.nan)
    root = np.where(known[:, None], body.root, np.nan)
    count = len(skeleton)
    motion = Motion(
        joint_names=skeleton.names, parents=skeleton.parents, joints=np.empty((len(frames), count, 3)),
        rotations=rotations, rest_offsets=offsets, rest_rotations=np.tile([1.0, 0.0, 0.0, 0.0], (count, 1)), root=root,
        confidence=np.where(known[:, None], confidence, 0.0), frames=np.asarray(frames, np.int64), state=state,
        contact_joints=_contact_names(body, contacts),
        contacts=np.zeros((len(frames), 0)) if contacts is None else np.where(known[:, None], contacts.touching, 0.0),
        fps=fps, world_revision=world_revision, engine=engine,
    )  # fmt: skip
    motion.joints[:] = joints_of(motion)
    return motion


def _contact_names(body: KeptBody, contacts: Contacts | None) -> tuple[str, ...]:
    return () if contacts is None else tuple(body.skeleton.names[joint] for joint in contacts.joints)


def _pelvis_height(body: KeptBody) -> float:
    """Over the floor that the body at rest stands on."""
    skeleton = body.skeleton
    at = hung(skeleton.parents, body.rest)
    return -float(min(at[skeleton.index(name), 2] for name in _STANDING))


def _local_turns(body: KeptBody) -> Floats:
    """[T,J,4] wxyz against the parent, without jumps of sign; the identity at ends."""
    skeleton = body.skeleton
    found = np.zeros((body.frames, len(skeleton), 4))
    found[..., 0] = 1.0
    for start, part in body.parts():
        turns = np.where(np.isfinite(part.turns), part.turns, np.eye(3))
        for segment, joint in enumerate(skeleton.segments):
            parent = int(skeleton.parents[joint])
            own = turns[:, segment]
            if parent >= 0:
                own = np.swapaxes(turns[:, skeleton.segment_of[parent]], -1, -2) @ own
            found[start : start + part.frames, joint] = Rotation.from_matrix(own).as_quat()[:, [3, 0, 1, 2]]
    for joint in skeleton.segments:
        found[:, joint] = without_jumps(found[:, joint])
    return found
