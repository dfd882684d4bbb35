"""Somebody who walks through the synthetic shot, as the mocap stage writes it: known joints, no backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from shared.body_arrays import BodyMesh, rest_pose
from shared.motion_arrays import ABSENT, BRIDGED, TRACKED, Motion, joints_of, multiply, write_motion
from tests.blender.synthetic_shot import ShotPlan, write_shot

REST = (
    ("pelvis", "", (0.0, 0.0, 0.93)),
    ("spine", "pelvis", (0.0, 0.0, 0.12)),
    ("chest", "spine", (0.0, 0.0, 0.20)),
    ("neck", "chest", (0.0, 0.0, 0.20)),
    ("head", "neck", (0.0, 0.0, 0.10)),
    ("head_top", "head", (0.0, 0.0, 0.17)),
    ("nose", "head", (0.0, -0.10, 0.04)),
    ("left_eye", "head", (0.032, -0.085, 0.065)),
    ("left_ear", "head", (0.075, 0.0, 0.035)),
    ("left_collar", "chest", (0.03, -0.02, 0.15)),
    ("left_shoulder", "left_collar", (0.14, 0.02, 0.0)),
    ("left_elbow", "left_shoulder", (0.27, 0.0, 0.0)),
    ("left_wrist", "left_elbow", (0.24, 0.0, 0.0)),
    ("left_hand", "left_wrist", (0.09, 0.0, 0.0)),
    ("left_hip", "pelvis", (0.095, 0.0, -0.05)),
    ("left_knee", "left_hip", (0.0, 0.0, -0.41)),
    ("left_ankle", "left_knee", (0.0, 0.0, -0.41)),
    ("left_heel", "left_ankle", (0.0, 0.05, -0.06)),
    ("left_foot_index", "left_ankle", (0.0, -0.15, -0.06)),
)
"""The T-pose of the backend's skeleton: x to the left, y to the back, z up. The right side mirrors the left."""

CONTACTS = ("left_heel", "left_foot_index", "right_heel", "right_foot_index")
STEP_S = 1.1
"""Two steps."""


@dataclass(frozen=True)
class Walk:
    """size: of the body, 1 is 1.72 m. absent, bridged: plate numbers. slip: metres a second that standing feet slide
    too far. turn: degrees that the way bends by a second."""

    first: int = 1001
    count: int = 48
    fps: float = 24.0
    size: float = 1.0
    start: tuple[float, float] = (0.8, -0.6)
    heading: float = 0.6
    turn: float = 25.0
    slip: float = 0.0
    noise: float = 0.0
    absent: tuple[int, ...] = ()
    bridged: tuple[int, ...] = ()
    revision: int = 0


def skeleton() -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names, parents, offsets [J,3] at size 1."""
    rows = list(REST)
    for name, parent, (x, y, z) in REST:
        if name.startswith("left_"):
            rows.append((name.replace("left_", "right_"), parent.replace("left_", "right_"), (-x, y, z)))
    index = {row[0]: number for number, row in enumerate(rows)}
    return tuple(index), np.array([index.get(row[1], -1) for row in rows]), np.array([row[2] for row in rows])


def turn_about(axis: str, angles: np.ndarray) -> np.ndarray:
    """[T,4] wxyz."""
    found = np.zeros((len(angles), 4))
    found[:, 0], found[:, 1 + "xyz".index(axis)] = np.cos(angles / 2), np.sin(angles / 2)
    return found


def motion(walk: Walk | None = None) -> Motion:
    """Legs and arms swing, elbows and knees bend, the trunk sways; the standing foot stays where it is but for
    `slip`."""
    walk = walk or Walk()
    names, parents, offsets = skeleton()
    offsets = offsets * walk.size
    time = np.arange(walk.count) / walk.fps
    phase = 2 * np.pi * time / STEP_S
    rotations = np.zeros((walk.count, len(names), 4))
    rotations[..., 0] = 1.0
    heading = walk.heading + np.radians(walk.turn) * time
    for name, turns in _gait(phase).items():
        rotations[:, names.index(name)] = turns
    rotations[:, 0] = multiply(turn_about("z", heading), rotations[:, 0])
    if walk.noise:
        rng = np.random.default_rng(5)
        shaken = np.concatenate(
            [np.ones((walk.count, len(names), 1)), rng.normal(0, walk.noise, (walk.count, len(names), 3))], -1
        )
        rotations = multiply(rotations, shaken / np.linalg.norm(shaken, axis=-1, keepdims=True))
    rests = np.tile([1.0, 0.0, 0.0, 0.0], (len(names), 1))
    made = Motion(
        names, parents, np.zeros((walk.count, len(names), 3)), rotations, offsets, rests, np.zeros((walk.count, 3)),
        np.full((walk.count, len(names)), 0.9), np.arange(walk.first, walk.first + walk.count),
        (TRACKED,) * walk.count, CONTACTS, np.zeros((walk.count, 4)), "24", walk.revision, "synthetic",
    )  # fmt: skip
    return _marked(_on_the_floor(made, walk, heading), walk)


def _gait(phase: np.ndarray) -> dict[str, np.ndarray]:
    found = {
        "pelvis": multiply(turn_about("z", 0.12 * np.sin(phase)), turn_about("y", 0.04 * np.cos(phase))),
        "spine": turn_about("z", -0.08 * np.sin(phase)),
        "chest": multiply(turn_about("z", -0.12 * np.sin(phase)), turn_about("x", np.full_like(phase, 0.06))),
        "head": turn_about("x", 0.05 * np.cos(2 * phase)),
    }
    for side, sign, shift in (("left", 1.0, 0.0), ("right", -1.0, np.pi)):
        swing = np.sin(phase + shift)
        lift = np.maximum(0.0, np.cos(phase + shift))
        found[f"{side}_hip"] = turn_about("x", -0.42 * swing - 0.25 * lift)
        found[f"{side}_knee"] = turn_about("x", 0.12 + 0.75 * lift)
        found[f"{side}_ankle"] = turn_about("x", -0.12 + 0.42 * swing - 0.5 * lift)
        down = turn_about("y", np.full_like(phase, sign * 1.25))
        found[f"{side}_shoulder"] = multiply(turn_about("x", 0.5 * swing), down)
        found[f"{side}_elbow"] = turn_about("z", -sign * (0.45 + 0.25 * np.maximum(0.0, -swing)))
        found[f"{side}_wrist"] = turn_about("x", 0.1 * swing)
    return found


def _on_the_floor(made: Motion, walk: Walk, heading: np.ndarray) -> Motion:
    """Lays the root's way so that the lower foot's toe stays where it is."""
    at_origin = joints_of(made)
    toes = at_origin[:, [made.index("left_foot_index"), made.index("right_foot_index")]]
    heels = at_origin[:, [made.index("left_heel"), made.index("right_heel")]]
    lowest = np.minimum(toes[..., 2], heels[..., 2])
    stands = np.argmin(toes[..., 2] + heels[..., 2], axis=1)
    root = np.zeros((len(made), 3))
    root[0, :2] = walk.start
    for t in range(1, len(made)):
        foot = stands[t]
        root[t, :2] = root[t - 1, :2] + toes[t - 1, foot, :2] - toes[t, foot, :2]
        root[t, :2] += walk.slip / walk.fps * np.array([-np.sin(heading[t]), np.cos(heading[t])])
    root[:, 2] = -lowest.min(axis=1)
    contacts = np.zeros((len(made), 4))
    for side in (0, 1):
        contacts[:, 2 * side + 1] = stands == side
    joints = at_origin + root[:, None]
    return replace(made, root=root, joints=joints, contacts=contacts)


def _marked(made: Motion, walk: Walk) -> Motion:
    gone = np.isin(made.frames, walk.absent)
    state = np.where(gone, ABSENT, np.where(np.isin(made.frames, walk.bridged), BRIDGED, TRACKED))
    parts = {name: getattr(made, name).copy() for name in ("joints", "rotations", "root", "confidence", "contacts")}
    for values in parts.values():
        values[gone] = np.nan
    return replace(made, **parts, state=tuple(map(str, state)))


def write_person(root: Path, label: str, walk: Walk | None = None) -> Motion:
    """`mocap/LABEL/motion.npz` in a shot."""
    made = motion(walk)
    write_motion(root / "mocap" / label / "motion.npz", made)
    return made


def body(made: Motion) -> BodyMesh:
    """A square tube about each bone, half of it hanging on the joint before; corners of faces all over the texture."""
    places, turns = rest_pose(made)
    vertices, faces, weights, joints = [], [], [], []
    for joint, parent in enumerate(made.parents.tolist()):
        if parent < 0:
            continue
        start = len(vertices)
        for at, of in ((places[parent], (parent, parent)), (places[joint], (parent, joint))):
            for x, y in ((-0.03, -0.03), (0.03, -0.03), (0.03, 0.03), (-0.03, 0.03)):
                vertices.append(at + np.array([x, y, 0.01 * (x + y)]))
                weights.append((0.5, 0.5, 0.0, 0.0))
                joints.append((*of, 0, 0))
        for side in range(4):
            a, b = start + side, start + (side + 1) % 4
            faces += [(a, b, b + 4), (a, b + 4, a + 4)]
    uv = np.random.default_rng(2).uniform(0, 1, (len(faces), 3, 2)).astype(np.float32)
    return BodyMesh(
        np.array(vertices), np.array(faces, np.int32), np.array(weights), np.array(joints, np.int32), uv,
        made.joint_names, places, turns, "proxy",
    )  # fmt: skip


def heads(armature: Any, bones: Sequence[str]) -> np.ndarray:
    """[J,3] world, of the evaluated bones."""
    import bpy

    shown = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([shown.matrix_world @ shown.pose.bones[bone].head for bone in bones])


def walker(folder: Path, walk: Walk) -> tuple[Motion, Any]:
    """A shot of somebody who walks, imported: the truth and the armature."""
    from bl_ext.user_default.backlot import api

    root = folder / "clip_backlot"
    write_shot(root, ShotPlan(count=walk.count))
    truth = write_person(root, "person_00", walk)
    return truth, api.import_mocap(root).armatures["person_00"]
