"""`mocap/<label>/body.npz`: the skin of one person, at rest, and how it hangs on the skeleton of motion.npz (numpy).

The skin is in body axes (x to the person's left, y to the back, z up, standing on z = 0 in a T-pose). Its lengths are
those of the skeleton it was made for; where the world has been given another scale since, the skeleton of the motion
says so, and `posed` follows it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .array_files import read_arrays, write_arrays
from .errors import ShotCorrupt
from .motion_arrays import Floats, Motion, multiply, rotate

BODY_VERSION = 1
BODY_FILE = "body.npz"
MOST_JOINTS = 4
"""That a vertex hangs on: what games and FBX take."""

_REMEDY = "Run motion capture of this shot again, with a mesh."


@dataclass(frozen=True)
class BodyMesh:
    """vertices [V,3]: at rest. faces int32 [F,3]: counterclockwise seen from outside. weights [V,4]: 0..1, their sum is
    1. joints int32 [V,4]: numbers of joint_names that they belong to (any, where the weight is 0). uv float32
    [F,3,2]: corners of faces in the texture, u right, v up, 0..1. joint_names [J]: as in motion.npz. rest_joints
    [J,3], rest_turns [J,4]: where joints are at rest and how they are turned, quaternions wxyz. kind: proxy or smpl."""

    vertices: Floats
    faces: NDArray[np.int32]
    weights: Floats
    joints: NDArray[np.int32]
    uv: NDArray[np.float32]
    joint_names: tuple[str, ...]
    rest_joints: Floats
    rest_turns: Floats
    kind: str
    version: int = BODY_VERSION


def rest_pose(motion: Motion) -> tuple[Floats, Floats]:
    """([J,3], [J,4] wxyz): where the joints of a motion's skeleton are at rest, and how they are turned."""
    places, turns = np.empty((len(motion.joint_names), 3)), np.empty((len(motion.joint_names), 4))
    for joint, parent in enumerate(motion.parents):
        offset, own = motion.rest_offsets[joint], motion.rest_rotations[joint]
        if parent < 0:
            places[joint], turns[joint] = offset, own
        else:
            places[joint] = places[parent] + rotate(turns[parent], offset)
            turns[joint] = multiply(turns[parent], own)
    return places, turns


def scale_of(mesh: BodyMesh, motion: Motion) -> float:
    """Lengths of the motion's bones over the mesh's. Raises `ValueError` for a motion of other joints."""
    if mesh.joint_names != motion.joint_names:
        raise ValueError("the body and the motion have other joints")
    if len(mesh.joint_names) < 2:
        return 1.0
    own = mesh.rest_joints[1:] - mesh.rest_joints[motion.parents[1:]]
    return float(np.linalg.norm(motion.rest_offsets[1:], axis=1).sum() / np.linalg.norm(own, axis=1).sum())


def posed(mesh: BodyMesh, motion: Motion, t: int) -> Floats:
    """[V,3] world: the vertices at index t of the motion, by linear blend skinning (Lewis et al., SIGGRAPH 2000); NaN
    in an absent frame. Raises `ValueError` for a motion of other joints."""
    if not motion.known[t]:
        return np.full(mesh.vertices.shape, np.nan)
    matrices = joint_matrices(mesh, motion, t)
    scaled = scale_of(mesh, motion) * mesh.vertices
    found = np.zeros(mesh.vertices.shape)
    for k in range(mesh.joints.shape[1]):
        own = matrices[mesh.joints[:, k]]
        found += mesh.weights[:, k, None] * (np.einsum("vij,vj->vi", own[:, :, :3], scaled) + own[:, :, 3])
    return found


def joint_matrices(mesh: BodyMesh, motion: Motion, t: int) -> Floats:
    """[J,3,4]: what takes rest, in the motion's measure, to the world, for each joint."""
    turns = _matrices(multiply(motion.rest_rotations, motion.rotations[t]))
    for joint, parent in enumerate(motion.parents):
        if parent >= 0:
            turns[joint] = turns[parent] @ turns[joint]
    turns = turns @ _matrices(mesh.rest_turns).transpose(0, 2, 1)
    place = motion.joints[t] - scale_of(mesh, motion) * np.einsum("jab,jb->ja", turns, mesh.rest_joints)
    return np.concatenate([turns, place[:, :, None]], 2)


def _matrices(quaternions: Floats) -> Floats:
    """[J,3,3] of quaternions wxyz [J,4]."""
    axes = [rotate(quaternions, np.broadcast_to(axis, (len(quaternions), 3))) for axis in np.eye(3)]
    return np.stack(axes, -1)


def write_body(path: Path, mesh: BodyMesh) -> None:
    """Puts the file in place at once. Raises `OSError`, and `ValueError` for a mesh that is none."""
    _check(mesh)
    write_arrays(path, {field.name: np.asarray(getattr(mesh, field.name)) for field in fields(BodyMesh)})


def read_body(path: Path) -> BodyMesh:
    """Raises `ArtifactMissing`, `ShotCorrupt`."""
    arrays = read_arrays(path, _REMEDY)
    try:
        mesh = _mesh(arrays)
        _check(mesh)
    except (KeyError, ValueError) as bad:
        raise ShotCorrupt(f"{path} is no body of this version: {bad}.", _REMEDY) from bad
    return mesh


def _mesh(arrays: dict[str, NDArray[Any]]) -> BodyMesh:
    """Raises `KeyError`, `ValueError`."""
    found: dict[str, Any] = {name: np.asarray(arrays[name], np.float64) for name in _FLOATS}
    found |= {name: np.asarray(arrays[name], np.int32) for name in ("faces", "joints")}
    found["uv"] = np.asarray(arrays["uv"], np.float32)
    found["joint_names"] = tuple(str(one) for one in arrays["joint_names"])
    found["kind"], found["version"] = str(arrays["kind"]), int(arrays["version"])
    return BodyMesh(**found)


_FLOATS = ("vertices", "weights", "rest_joints", "rest_turns")


def _check(mesh: BodyMesh) -> None:
    """Raises `ValueError`."""
    vertices, faces, joints = len(mesh.vertices), len(mesh.faces), len(mesh.joint_names)
    shapes = {
        "vertices": (vertices, 3), "faces": (faces, 3), "weights": (vertices, MOST_JOINTS),
        "joints": (vertices, MOST_JOINTS), "uv": (faces, 3, 2), "rest_joints": (joints, 3), "rest_turns": (joints, 4),
    }  # fmt: skip
    for name, shape in shapes.items():
        if getattr(mesh, name).shape != shape:
            raise ValueError(f"{name} has the shape {getattr(mesh, name).shape}, not {shape}")
    if mesh.version != BODY_VERSION:
        raise ValueError(f"it is of version {mesh.version}")
    if not faces or not 0 <= mesh.faces.min() <= mesh.faces.max() < vertices:
        raise ValueError("its faces name vertices that it does not have")
    if not 0 <= mesh.joints.min() <= mesh.joints.max() < joints:
        raise ValueError("its weights name joints that it does not have")
    if not np.allclose(mesh.weights.sum(1), 1.0, atol=1e-4) or mesh.weights.min() < 0.0:
        raise ValueError("its weights are no shares of a whole")
    if not all(np.isfinite(getattr(mesh, name)).all() for name in (*_FLOATS, "uv")):
        raise ValueError("some of its numbers are none")
