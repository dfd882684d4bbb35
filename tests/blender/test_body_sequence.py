"""The body's Alembic file, written and read by the running Blender version."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from backend.body_mesh.sequence import Sequence, write_alembic
from backend.export.blender_process import Blender
from shared.body_arrays import BodyMesh, posed, rest_pose
from shared.motion_arrays import Motion, joints_of
from tests.unit.body_scene import standing

FIRST, FRAMES, ABSENT = 1001, 4, 2


def walking() -> Motion:
    motion = standing(frames=FRAMES, bends={"left_elbow": (0.0, 0.0, -1.0)})
    root = motion.root + np.arange(FRAMES)[:, None] * [0.1, -0.05, 0.0]
    state = tuple("absent" if t == ABSENT else "tracked" for t in range(FRAMES))
    moved = replace(motion, root=root, frames=motion.frames - 1 + FIRST)
    joints = joints_of(moved)
    joints[ABSENT] = np.nan
    return replace(moved, joints=joints, state=state)


def plank(motion: Motion) -> BodyMesh:
    """Four corners from the left shoulder to the left hand."""
    places, turns = rest_pose(motion)
    shoulder, elbow, hand = (motion.index(f"left_{joint}") for joint in ("shoulder", "elbow", "hand"))
    corners = np.stack([places[j] + [0.0, y, 0.0] for j in (shoulder, hand) for y in (-0.03, 0.03)])
    joints = np.zeros((4, 4), np.int32)
    joints[:, 0] = shoulder, shoulder, elbow, elbow
    weights = np.tile([1.0, 0.0, 0.0, 0.0], (4, 1))
    faces = np.array([[0, 2, 1], [1, 2, 3]], np.int32)
    uv = np.random.default_rng(1).random((2, 3, 2), np.float32)
    return BodyMesh(corners, faces, weights, joints, uv, motion.joint_names, places, turns, "proxy")


def test_every_frame_comes_back(empty: None, tmp_path: Path) -> None:
    import bpy

    motion = walking()
    mesh = plank(motion)
    path = tmp_path / "body.abc"
    write_alembic(path, Sequence("ann", mesh, motion), Blender(Path(sys.executable), is_python=True), lambda: None)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1.0
    bpy.ops.wm.alembic_import(filepath=str(path), as_background_job=False)
    (body,) = [one for one in bpy.data.objects if one.type == "MESH"]
    for t in (0, 1, 3):
        scene.frame_set(FIRST + t)
        seen = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
        points = np.empty((len(seen.data.vertices), 3), np.float32)
        seen.data.vertices.foreach_get("co", points.ravel())
        world = np.array(seen.matrix_world)
        assert np.abs(points @ world[:3, :3].T + world[:3, 3] - posed(mesh, motion, t)).max() < 1e-4
    assert len(body.data.uv_layers) == 1 and len(body.data.polygons) == len(mesh.faces)
