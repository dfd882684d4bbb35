"""The user's SMPL or SMPL-X as the skin of a captured person.

Its shape is fitted to the motion's bone lengths; its T-pose is bent into the skeleton's; weights of joints that the
skeleton does not have (fingers, jaw, the spine's middle) go to the nearest one before them. So it hangs on the same
armature as the proxy body. `fitted_poses` gives the model's own parameters for programs that want these.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from backend.weights.folder import ALLOW_VARIABLE, non_commercial_allowed, weights_dir
from shared.body_arrays import MOST_JOINTS, BodyMesh, rest_pose
from shared.errors import EngineUnavailable, InternalError
from shared.motion_arrays import Motion

from .atlas import atlas
from .smpl_files import Floats, SmplModel, read_smpl

LICENCE = "SMPL and SMPL-X model licences: non-commercial scientific research"

NAMES: dict[int, str] = {
    0: "pelvis", 1: "left_hip", 2: "right_hip", 3: "spine", 4: "left_knee", 5: "right_knee", 6: "spine_middle",
    7: "left_ankle", 8: "right_ankle", 9: "chest", 10: "left_foot_index", 11: "right_foot_index", 12: "neck",
    13: "left_collar", 14: "right_collar", 15: "head", 16: "left_shoulder", 17: "right_shoulder", 18: "left_elbow",
    19: "right_elbow", 20: "left_wrist", 21: "right_wrist", 22: "left_hand", 23: "right_hand",
}  # fmt: skip
"""Our names of SMPL's 24 joints. SMPL-H and SMPL-X share the first 22."""

BODY_JOINTS = 22

_BONES = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
_WIDTHS = (("left_hip", "right_hip"), ("left_shoulder", "right_shoulder"), ("pelvis", "neck"), ("neck", "head"))
_FORKS = (0, 9)
"""Pelvis and chest carry several bones, and are not turned towards one."""

_SHAPE_SD = 1.0
_LENGTH_SD_M = 0.01
_ROUNDS = 8

OUR_FROM_SMPL: Floats = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""SMPL's axes are x to the left, y up, z to the front; the body's are x to the left, y to the back, z up."""


def smpl_body(motion: Motion, path: Path | None, non_commercial: bool) -> BodyMesh:
    """The skin of a motion's person. Raises `EngineUnavailable` when the licence was not allowed, or the file is not
    there or no model."""
    model = allowed_model(path, non_commercial)
    betas, scale = fitted_shape(model, motion)
    rest, joints = model.rest(betas)
    places, turns = rest_pose(motion)
    carrier = carriers(model, motion)
    vertices = _bent(model, scale * rest @ OUR_FROM_SMPL.T, scale * joints @ OUR_FROM_SMPL.T, motion, places)
    weights = np.zeros((len(rest), len(places)))
    for joint, own in enumerate(carrier):
        weights[:, own] += model.weights[:, joint]
    order = np.argsort(-weights, axis=1, kind="stable")[:, :MOST_JOINTS]
    best = np.take_along_axis(weights, order, 1)
    regions = [_region(motion.joint_names[number]) for number in order[:, 0]]
    uv = atlas(vertices, model.faces, regions)
    best /= np.maximum(best.sum(1, keepdims=True), 1e-12)
    return BodyMesh(vertices, model.faces, best, order.astype(np.int32), uv, motion.joint_names, places, turns, "smpl")


def allowed_model(path: Path | None, non_commercial: bool) -> SmplModel:
    """Raises `EngineUnavailable`."""
    if not non_commercial_allowed(non_commercial):
        raise EngineUnavailable(
            f"An SMPL body may not be used for commercial work ({LICENCE}).",
            f"If this work is not commercial, allow it: --mocap-non-commercial, or {ALLOW_VARIABLE}=1. The proxy body "
            "has no such limits.",
        )
    return read_smpl(_model_file(path if path is not None else weights_dir() / "smpl"))


def _model_file(path: Path) -> Path:
    """The file itself, or the one in a folder that is found first: neutral before female and male, npz before pkl.
    Raises `EngineUnavailable`."""
    if not path.is_dir():
        return path
    found = [one for one in path.rglob("*") if one.suffix.lower() in (".npz", ".pkl") and "smpl" in one.stem.lower()]
    if not found:
        raise EngineUnavailable(
            f"There is no SMPL or SMPL-X model file in {path}.",
            "Put the file that you have a licence for there (SMPL_NEUTRAL.npz, SMPLX_NEUTRAL.npz, ...), name it with "
            "--body-model, or take the proxy body.",
        )
    return min(found, key=lambda one: ("neutral" not in one.stem.lower(), one.suffix.lower() != ".npz", str(one)))


def fitted_shape(model: SmplModel, motion: Motion) -> tuple[Floats, float]:
    """(betas [S], world units of the model's metre): bones as long as the motion's, a shape as usual as that allows.
    The scale is only for worlds that are not in metres: bones that people can have keep the model's metre."""
    places, _ = rest_pose(motion)
    pairs = _pairs(motion)
    wanted = np.array([np.linalg.norm(places[motion.index(a)] - places[motion.index(b)]) for a, b in pairs])
    own = {name: number for number, name in NAMES.items() if number < len(model.parents)}
    across = model.regressor @ model.shapes.transpose(1, 0, 2)  # [3,J,S]
    joints = model.rest(np.zeros(model.shapes.shape[2]))[1]
    start = np.array([np.linalg.norm(joints[own[a]] - joints[own[b]]) for a, b in pairs])
    ratio = float(np.median(wanted / np.maximum(start, 1e-9)))
    scale = 1.0 if 0.6 < ratio < 1.5 else ratio
    betas = np.zeros(model.shapes.shape[2])
    for _ in range(_ROUNDS):
        now = joints + np.einsum("cjs,s->jc", across, betas)
        gap = np.stack([now[own[a]] - now[own[b]] for a, b in pairs])
        length = np.linalg.norm(gap, axis=1)
        turn = np.stack([across[:, own[a]] - across[:, own[b]] for a, b in pairs])
        slope = np.einsum("pc,pcs->ps", gap / length[:, None], turn) / _LENGTH_SD_M
        off = (wanted / scale - length) / _LENGTH_SD_M
        normal = slope.T @ slope + np.eye(len(betas)) / _SHAPE_SD**2
        betas = betas + np.linalg.solve(normal, slope.T @ off - betas / _SHAPE_SD**2)
    return betas, scale


def _pairs(motion: Motion) -> list[tuple[str, str]]:
    found = [(f"{s}_{a}", f"{s}_{b}") for a, b in _BONES for s in ("left", "right")] + list(_WIDTHS)
    found = [pair for pair in found if set(pair) <= set(motion.joint_names)]
    if len(found) < 6:
        raise InternalError("This motion has too few of the joints that an SMPL body hangs on.")
    return found


def carriers(model: SmplModel, motion: Motion) -> list[int]:
    """For each joint of the model, the joint of the motion that carries its skin."""
    named, bearing = _named(model, motion), {int(p) for p in motion.parents}
    found: list[int] = []
    for joint, parent in enumerate(model.parents):
        own = named.get(joint, -1)
        # An end turns with the joint before it, and so does its skin.
        while own >= 0 and own not in bearing:
            own = int(motion.parents[own])
        found.append(own if own >= 0 else found[int(parent)] if parent >= 0 else 0)
    return found


def _named(model: SmplModel, motion: Motion) -> dict[int, int]:
    """Joint of the model -> of the motion, where both have it. SMPL-X ends at the wrists: what follows are fingers."""
    count = len(NAMES) if len(model.parents) == len(NAMES) else BODY_JOINTS
    names = motion.joint_names
    return {number: names.index(NAMES[number]) for number in range(count) if NAMES[number] in names}


def bends(model: SmplModel, joints: Floats, motion: Motion, places: Floats) -> tuple[Floats, Floats]:
    """(turns [J,3,3], moves [J,3]) of the model's joints [J,3], in the body's axes, into the skeleton's T-pose: each
    bone is turned as far as its direction differs, and begins where the skeleton's does."""
    named = _named(model, motion)
    child: dict[int, int] = {}
    for joint, parent in enumerate(model.parents):
        if parent >= 0 and joint in named:
            child.setdefault(int(parent), joint)
    turns, moves = np.broadcast_to(np.eye(3), (len(joints), 3, 3)).copy(), np.zeros((len(joints), 3))
    for joint, parent in enumerate(model.parents):
        if parent >= 0 and joint not in _FORKS:
            turns[joint] = turns[parent]
        if joint not in named:
            moves[joint] = moves[parent] + (turns[parent] - np.eye(3)) @ (joints[joint] - joints[parent])
            continue
        if joint in child and joint not in _FORKS:
            after = child[joint]
            turns[joint] = _between(joints[after] - joints[joint], places[named[after]] - places[named[joint]])
        moves[joint] = places[named[joint]] - joints[joint]
    return turns, moves


def _bent(model: SmplModel, rest: Floats, joints: Floats, motion: Motion, places: Floats) -> Floats:
    """The model's vertices [V,3] in the skeleton's T-pose."""
    turns, moves = bends(model, joints, motion, places)
    offset = joints + moves - np.einsum("jab,jb->ja", turns, joints)
    skin = np.einsum("vj,jab->vab", model.weights, turns)
    return np.asarray(np.einsum("vab,vb->va", skin, rest) + model.weights @ offset)


def _between(a: Floats, b: Floats) -> Floats:
    """The shortest turn from one direction to another (Rodrigues)."""
    a, b = a / max(float(np.linalg.norm(a)), 1e-12), b / max(float(np.linalg.norm(b)), 1e-12)
    axis, cosine = np.cross(a, b), float(a @ b)
    if cosine < -0.99:
        return np.eye(3)  # no T-pose differs as much: the direction means something else
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1.0 + cosine))


def _region(joint: str) -> str:
    side, _, name = joint.partition("_")
    if name in ("shoulder", "elbow", "wrist", "hand"):
        return f"{side}_arm"
    if name in ("hip", "knee"):
        return f"{side}_leg"
    if name == "ankle":
        return f"{side}_foot"
    return "head" if joint == "head" else "trunk"
