"""The armature that a motion is shown on: which bone each joint becomes, where bones rest, and their keys (numpy).

A bone's head is its joint; its tail is the joint after it. Names end in .L and .R, so that Blender mirrors poses. The
bone `root` lies in the origin, unturned: it carries the way over the ground, the pelvis what is left of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..shared.motion_arrays import Motion, multiply, without_jumps
from . import turns

ROOT_BONE = "root"
BONES = {
    "collar": "shoulder", "shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand", "hand": "fingers",
    "hip": "thigh", "knee": "shin", "ankle": "foot", "foot_index": "toe",
}  # fmt: skip
"""Bones that are called otherwise than their joints, without their sides. All others keep the joint's name."""

_NEXT = {
    "pelvis": "spine", "spine": "chest", "chest": "neck", "neck": "head", "head": "head_top", "collar": "shoulder",
    "shoulder": "elbow", "elbow": "wrist", "wrist": "hand", "hip": "knee", "knee": "ankle", "ankle": "foot_index",
}  # fmt: skip
_SIDES = (("left_", ".L"), ("right_", ".R"))
_STUB = 0.35
"""Length of a bone at an end, by that of the bone before it."""
_LEAST = 1e-4
"""Shortest bone, by the size of the body: Blender throws bones without length away."""
_STEEP = 0.7


@dataclass(frozen=True)
class BonePlan:
    """joints [J]: names of the joints. names [J]: of their bones. parents [J]: index, -1 below the bone `root`. heads,
    tails, ups [J,3]: at rest, in the armature; ups: where each bone's z axis points, roughly. frames [J,4]: each
    bone's own axes at rest (y from head to tail). rests [J,4]: rest orientation of each joint. ends [J]: joints that
    nothing hangs on."""

    joints: tuple[str, ...]
    names: tuple[str, ...]
    parents: np.ndarray
    heads: np.ndarray
    tails: np.ndarray
    ups: np.ndarray
    frames: np.ndarray
    rests: np.ndarray
    ends: np.ndarray

    @property
    def size(self) -> float:
        """Height of the body at rest."""
        return float(np.ptp(self.heads[:, 2])) or 1.0


@dataclass(frozen=True)
class PoseKeys:
    """frames [K]: plate numbers with a pose. turns [K,J,4]: of each bone, from rest, without sign flips. way [K,3]: of
    the bone `root`. rise [K,3]: of the pelvis, in its own axes. bridged [K]: frames that were carried over a gap."""

    frames: np.ndarray
    turns: np.ndarray
    way: np.ndarray
    rise: np.ndarray
    bridged: np.ndarray


def bone_name(joint: str) -> str:
    """`left_elbow` -> `forearm.L`."""
    for prefix, side in _SIDES:
        if joint.startswith(prefix):
            plain = joint.removeprefix(prefix)
            return BONES.get(plain, plain) + side
    return joint if joint != ROOT_BONE else "root_joint"


def bone_plan(motion: Motion) -> BonePlan:
    """Where the bones of a motion's skeleton rest."""
    count, parents = len(motion.joint_names), motion.parents
    rests, heads = np.empty((count, 4)), np.empty((count, 3))
    for joint, parent in enumerate(parents):
        above = rests[parent] if parent >= 0 else turns.IDENTITY
        rests[joint] = multiply(above, motion.rest_rotations[joint])
        offset = motion.rest_offsets[joint]
        heads[joint] = heads[parent] + turns.turned(above, offset) if parent >= 0 else offset
    after = [_next_joint(motion, joint) for joint in range(count)]
    ends = np.array([joint < 0 for joint in after])
    tails = np.stack([_tail(joint, after, parents, heads) for joint in range(count)])
    ups = _ups(tails - heads)
    frames = _frames(tails - heads, ups)
    names = tuple(bone_name(joint) for joint in motion.joint_names)
    return BonePlan(motion.joint_names, names, parents, heads, tails, ups, frames, rests, ends)


def pose_keys(motion: Motion, plan: BonePlan) -> PoseKeys:
    """What the bones do in every frame that is not absent."""
    known = motion.known
    joints = _orientations(motion.rotations[known], motion.rest_rotations, motion.parents)
    # A bone turns away from rest as its joint does, whatever axes either of them has.
    bones = multiply(multiply(joints, turns.inverse(plan.rests)), plan.frames)
    own = np.empty_like(bones)
    for joint, parent in enumerate(plan.parents):
        own[:, joint] = bones[:, joint]
        if parent >= 0:
            above = multiply(plan.frames[parent], turns.inverse(bones[:, parent]))
            own[:, joint] = multiply(above, own[:, joint])
        own[:, joint] = multiply(turns.inverse(plan.frames[joint]), own[:, joint])
    moved = motion.root[known] - plan.heads[0]
    way = moved * np.array([1.0, 1.0, 0.0])
    rise = turns.turned(turns.inverse(plan.frames[0]), moved - way)
    bridged = np.array([state == "bridged" for state in motion.state], bool)[known]
    return PoseKeys(motion.frames[known], without_jumps(turns.normalised(own)), way, rise, bridged)


def _orientations(rotations: np.ndarray, rest_rotations: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """[K,J,4] of the joints in the world."""
    found = np.empty_like(rotations)
    for joint, parent in enumerate(parents):
        own = multiply(rest_rotations[joint], rotations[:, joint])
        found[:, joint] = multiply(found[:, parent], own) if parent >= 0 else own
    return found


def _next_joint(motion: Motion, joint: int) -> int:
    """The joint that the bone of a joint points at, -1 for an end."""
    below = [child for child, parent in enumerate(motion.parents) if parent == joint]
    if not below:
        return -1
    name = motion.joint_names[joint]
    prefix = next((prefix for prefix, _ in _SIDES if name.startswith(prefix)), "")
    wanted = prefix + _NEXT.get(name.removeprefix(prefix), "")
    return next((child for child in below if motion.joint_names[child] == wanted), below[0])


def _tail(joint: int, after: list[int], parents: np.ndarray, heads: np.ndarray) -> np.ndarray:
    size = float(np.ptp(heads, axis=0).max()) or 1.0
    if after[joint] >= 0 and np.linalg.norm(heads[after[joint]] - heads[joint]) > _LEAST * size:
        return heads[after[joint]]
    before = heads[joint] - heads[parents[joint]] if parents[joint] >= 0 else np.zeros(3)
    if np.linalg.norm(before) < _LEAST * size:
        before = np.array([0.0, 0.0, 0.1 * size])
    return heads[joint] + _STUB * before


def _ups(along: np.ndarray) -> np.ndarray:
    """z axes such that elbows and knees bend about +x: forwards, but backwards on legs and upwards on feet."""
    unit = along / np.linalg.norm(along, axis=-1, keepdims=True)
    ups = np.tile(np.array([0.0, -1.0, 0.0]), (len(along), 1))
    ups[unit[:, 2] < -_STEEP] = (0.0, 1.0, 0.0)
    ups[np.abs(unit[:, 1]) > _STEEP] = (0.0, 0.0, 1.0)
    return ups


def _frames(along: np.ndarray, ups: np.ndarray) -> np.ndarray:
    y = along / np.linalg.norm(along, axis=-1, keepdims=True)
    x = np.cross(y, ups)
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    return turns.of_axes(x, y, np.cross(x, y))
