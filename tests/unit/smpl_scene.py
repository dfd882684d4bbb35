"""A small model file in the layout of SMPL's: a made-up body of a few hundred vertices."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from body_scene import standing

from backend.body_mesh.proxy import build_mesh
from backend.body_mesh.smpl_body import NAMES, OUR_FROM_SMPL
from shared.body_arrays import rest_pose

PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)


def content() -> dict[str, np.ndarray]:
    """Arrays of a model whose first shape parameter is size (10 % each)."""
    motion = standing()
    mesh = build_mesh(motion, detail=0.45)
    places, _ = rest_pose(motion)
    known = dict(zip(motion.joint_names, places, strict=True))
    known["spine_middle"] = 0.5 * (known["spine"] + known["chest"])
    joints = np.stack([known[NAMES[number]] for number in range(24)]) @ OUR_FROM_SMPL
    template = mesh.vertices @ OUR_FROM_SMPL
    weights = np.zeros((len(template), 24))
    ours = {name: number for number, name in NAMES.items()}
    for k in range(mesh.joints.shape[1]):
        number = np.array([ours[motion.joint_names[j]] for j in mesh.joints[:, k]])
        np.add.at(weights, (np.arange(len(template)), number), mesh.weights[:, k])
    random = np.random.default_rng(3)
    shapes = np.zeros((len(template), 3, 10))
    shapes[:, :, 0] = 0.1 * template
    shapes[:, :, 1] = 0.02 * template * [1.0, 0.0, 0.0]
    poses = 1e-3 * random.normal(size=(len(template), 3, 207))
    return {
        "v_template": template, "shapedirs": shapes, "posedirs": poses, "weights": weights, "f": mesh.faces,
        "J_regressor": regressor(template, joints),
        "kintree_table": np.array([[p % 2**32 for p in PARENTS], range(24)], np.uint32),
    }  # fmt: skip


def regressor(vertices: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """[J,V]: few vertices around each joint, whose weighted mean it is."""
    found = np.zeros((len(joints), len(vertices)))
    for row, joint in enumerate(joints):
        near = np.argsort(np.linalg.norm(vertices - joint, axis=1))[:40]
        system = np.concatenate([vertices[near].T, np.ones((1, len(near)))])
        found[row, near] = np.linalg.lstsq(system, np.append(joint, 1.0), rcond=None)[0]
    return found


def write_npz(path: Path, arrays: dict[str, Any]) -> Path:
    np.savez(path, **arrays)
    return path


def write_pkl(path: Path, arrays: dict[str, Any]) -> Path:
    path.write_bytes(pickle.dumps(arrays, protocol=2))
    return path
