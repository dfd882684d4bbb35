"""Somebody who walks at a known speed with a known stride, feet planted exactly while they stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.mocap.skeleton import STATURE_M, human
from shared.body_arrays import BodyMesh, rest_pose
from shared.motion_arrays import ABSENT, BRIDGED, TRACKED, Floats, Motion, joints_of, multiply, rotate

STANCE = 0.6
"""Share of a stride in which a foot stands."""

_HIP_OVER_ANKLE = 0.83
"""Over the leg's length, so that it never has to be longer than it is."""

FEET = ("left_heel", "left_foot_index", "right_heel", "right_foot_index")


def walk(
    frames: int = 72,
    fps: str = "24000/1001",
    *,
    speed: float = 1.2,
    stride: float = 1.3,
    heading_deg: float = 0.0,
    first: int = 1001,
    height: float = STATURE_M,
) -> Motion:
    """speed m/s and stride (a foot's step to its next) m along the heading, 0 being -y. `own_axes` for another rest."""
    skeleton = human()
    rest = skeleton.rest * (height / STATURE_M)
    rate = float(np.divide(*map(float, fps.split("/")))) if "/" in fps else float(fps)
    gone = speed * np.arange(frames) / rate
    turns = np.tile([1.0, 0.0, 0.0, 0.0], (frames, len(rest), 1))
    turns[:, 0] = _about(2, np.full(frames, np.deg2rad(heading_deg)))
    contacts = np.zeros((frames, 4))
    thigh, shin = (-rest[skeleton.index(f"left_{name}"), 2] for name in ("knee", "ankle"))
    hip_over_ankle = _HIP_OVER_ANKLE * (thigh + shin)
    for side, late in (("left", 0.0), ("right", 0.5)):
        ahead, lift, stands = _foot(gone / stride + late)
        hip, knee = _leg(-stride * ahead, lift - hip_over_ankle, thigh, shin)
        for name, angle in (("hip", hip), ("knee", knee), ("ankle", -hip - knee)):
            turns[:, skeleton.index(f"{side}_{name}")] = _about(0, angle)
        swing = 0.4 * np.sin(2.0 * np.pi * (gone / stride + late))
        down = np.full(frames, np.pi / 2.2 if side == "left" else -np.pi / 2.2)
        turns[:, skeleton.index(f"{side}_shoulder")] = multiply(_about(0, swing), _about(1, down))
        contacts[:, [FEET.index(f"{side}_heel"), FEET.index(f"{side}_foot_index")]] = stands[:, None]
    ankle = -rest[skeleton.index("left_heel"), 2]
    pelvis = ankle + hip_over_ankle - rest[skeleton.index("left_hip"), 2]
    way = rotate(turns[:1, 0], np.array([[0.0, -1.0, 0.0]]))
    root = gone[:, None] * way + np.array([0.5, 2.0, pelvis])
    rest[0, 2] = ankle + thigh + shin - rest[skeleton.index("left_hip"), 2]
    bare = Motion(
        skeleton.names, skeleton.parents, np.zeros_like(turns[..., :3]), turns, rest,
        np.tile([1.0, 0.0, 0.0, 0.0], (len(rest), 1)), root, np.full(turns.shape[:2], 0.9),
        np.arange(first, first + frames), (TRACKED,) * frames, FEET, contacts, fps, 0, "synthetic",
    )  # fmt: skip
    return replace(bare, joints=joints_of(bare))


def own_axes(motion: Motion, seed: int = 3) -> Motion:
    """The same movement told by a skeleton whose joints have axes of their own at rest."""
    turned = np.random.default_rng(seed).normal(size=(len(motion.joint_names), 4))
    turned /= np.linalg.norm(turned, axis=-1, keepdims=True)
    back = turned * np.array([1.0, -1.0, -1.0, -1.0])
    rests, offsets = turned.copy(), motion.rest_offsets.copy()
    for joint, parent in enumerate(motion.parents):
        if parent >= 0:
            rests[joint] = multiply(back[parent], turned[joint])
            offsets[joint] = rotate(back[parent], motion.rest_offsets[joint])
    rotations = multiply(multiply(back, motion.rotations), turned)
    return replace(motion, rest_rotations=rests, rest_offsets=offsets, rotations=rotations)


def without(motion: Motion, absent: slice, bridged: slice = slice(0, 0)) -> Motion:
    """Nobody is known in some frames, and some are bridged."""
    state = np.array(motion.state, dtype="U8")
    state[absent], state[bridged] = ABSENT, BRIDGED
    gone: dict[str, Floats] = {name: getattr(motion, name).copy() for name in ("joints", "rotations", "root")}
    for values in gone.values():
        values[absent] = np.nan
    confidence, contacts = motion.confidence.copy(), motion.contacts.copy()
    confidence[absent] = contacts[absent] = 0.0
    return replace(motion, **gone, confidence=confidence, contacts=contacts, state=tuple(str(one) for one in state))


def cuffs(motion: Motion) -> BodyMesh:
    """A body that is a small pyramid at each wrist: vertices 0 and 4 are where the wrists are."""
    wrists = np.array([motion.index("left_wrist"), motion.index("right_wrist")])
    places, turns = rest_pose(motion)
    corners = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.1, 0.0], [0.0, 0.0, 0.1]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)
    return BodyMesh(
        vertices=(places[wrists][:, None] + corners).reshape(-1, 3),
        faces=np.concatenate([faces, faces + 4]),
        weights=np.tile([1.0, 0.0, 0.0, 0.0], (8, 1)),
        joints=np.tile(np.repeat(wrists, 4)[:, None], 4).astype(np.int32),
        uv=np.random.default_rng(1).random((8, 3, 2)).astype(np.float32),
        joint_names=motion.joint_names,
        rest_joints=places,
        rest_turns=turns,
        kind="proxy",
    )


def _foot(strides: Floats) -> tuple[Floats, Floats, Floats]:
    """How far the ankle is ahead of the hip in strides, how high (m), and whether the foot stands."""
    phase = strides % 1.0
    swing = np.clip((phase - STANCE) / (1.0 - STANCE), 0.0, 1.0)
    ahead = STANCE / 2.0 - phase + swing**3 * (10.0 - 15.0 * swing + 6.0 * swing**2)
    return ahead, 0.12 * np.sin(np.pi * swing) ** 2, (phase < STANCE).astype(np.float64)


def _leg(back: Floats, up: Floats, thigh: float, shin: float) -> tuple[Floats, Floats]:
    """Turns of hip and knee about x that put the ankle there, the knee to the front."""
    reach = np.hypot(back, up)
    whole = np.arctan2(back, -up)
    above = np.arccos(np.clip((thigh**2 + reach**2 - shin**2) / (2.0 * thigh * reach), -1.0, 1.0))
    inner = np.arccos(np.clip((thigh**2 + shin**2 - reach**2) / (2.0 * thigh * shin), -1.0, 1.0))
    return whole - above, np.pi - inner


def _about(axis: int, angles: Floats) -> Floats:
    """[T,4] quaternions of turns about x, y or z."""
    found = np.zeros((len(angles), 4))
    found[:, 0], found[:, 1 + axis] = np.cos(angles / 2.0), np.sin(angles / 2.0)
    return found
