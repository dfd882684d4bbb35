"""BVH, FBX and USD of a motion, as the running Blender version reads them: every joint to a millimetre."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.export.blender_process import Blender
from backend.motion_export.bvh import write_bvh
from backend.motion_export.fbx import write_fbx
from shared.motion_arrays import Motion, write_motion
from tests.unit.walking import cuffs, own_axes, walk, without

HERE = Blender(Path(sys.executable), is_python=True)
MOST_M = 1e-3


def _motion() -> Motion:
    return own_axes(walk(24, heading_deg=40.0, speed=1.5))


def _empty_scene() -> Any:
    import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    return bpy.context.scene


def _import_bvh(path: Path, **options: Any) -> None:
    import bpy

    _enable("io_anim_bvh")
    bpy.ops.import_anim.bvh(filepath=str(path), **options)


def _enable(add_on: str) -> None:
    import bpy  # noqa: F401  # Blender's own modules are found only after it
    import addon_utils  # isort: skip

    addon_utils.enable(add_on)


def _armature() -> Any:
    import bpy

    (found,) = (item for item in bpy.data.objects if item.type == "ARMATURE")
    return found


def _worst(motion: Motion, first: int, stretch: float = 1.0) -> float:
    """Largest distance of a bone's head from its joint; the motion's first frame lies at `first`."""
    import bpy

    scene, armature = bpy.context.scene, _armature()
    worst = 0.0
    for at, truth in enumerate(motion.joints):
        time = (first + at) * stretch
        scene.frame_set(int(time), subframe=time - int(time))
        seen = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        heads = [seen.matrix_world @ seen.pose.bones[name].head for name in motion.joint_names]
        worst = max(worst, float(np.linalg.norm(np.array(heads) - truth, axis=-1).max()))
    return worst


@pytest.mark.parametrize("order", ["ZXY", "XYZ"])
def test_bvh_comes_back(tmp_path: Path, order: str) -> None:
    motion = _motion()
    write_bvh(motion, tmp_path / "motion.bvh", rotation_order=order)
    scene = _empty_scene()
    _import_bvh(tmp_path / "motion.bvh", frame_start=1001, update_scene_fps=True, update_scene_duration=True)
    assert _worst(motion, 1001) < MOST_M
    assert round(scene.render.fps / scene.render.fps_base, 3) == 23.976


def test_fbx_comes_back_with_its_skin(tmp_path: Path) -> None:
    import bpy

    motion = _motion()
    path = tmp_path / "motion.fbx"
    texture = bpy.data.images.new("texture", 4, 4)
    texture.filepath_raw, texture.file_format = str(tmp_path / "texture.png"), "PNG"
    texture.save()
    write_fbx(
        motion, path, blender=HERE, check_cancelled=lambda: None, name="person_00", body=cuffs(motion),
        texture=tmp_path / "texture.png",
    )  # fmt: skip
    assert path.read_bytes()[:20] == b"Kaydara FBX Binary  "
    scene = _empty_scene()
    scene.render.fps, scene.render.fps_base = 24, 1.001
    _enable("io_scene_fbx")
    bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)
    # Blender's FBX importer places keys by the rounded frame rate.
    assert _worst(motion, 1001, scene.render.fps_base) < MOST_M
    assert _armature().name == "person_00"
    (body,) = (item for item in bpy.data.objects if item.type == "MESH")
    nodes = body.data.materials[0].node_tree.nodes
    (picture,) = (node.image for node in nodes if node.type == "TEX_IMAGE")
    assert Path(bpy.path.abspath(picture.filepath)).resolve() == tmp_path / "texture.png"
    seen = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
    wrists = motion.joints[-1, [motion.index("left_wrist"), motion.index("right_wrist")]]
    for tip, wrist in zip((0, 4), wrists, strict=True):
        assert np.linalg.norm(np.array(seen.matrix_world @ seen.data.vertices[tip].co) - wrist) < MOST_M


def test_fbx_comes_back_through_the_newer_importer(tmp_path: Path) -> None:
    import bpy

    if "fbx_import" not in dir(bpy.ops.wm):
        pytest.skip("Blender has it from 4.5 on")
    motion = _motion()
    write_fbx(motion, tmp_path / "motion.fbx", blender=HERE, check_cancelled=lambda: None)
    scene = _empty_scene()
    scene.render.fps, scene.render.fps_base = 24, 1.001
    bpy.ops.wm.fbx_import(filepath=str(tmp_path / "motion.fbx"), anim_offset=0.0)
    assert _worst(motion, 1001) < MOST_M


def test_usd_comes_back(tmp_path: Path) -> None:
    import bpy

    if not bpy.app.build_options.usd:
        pytest.skip("this Blender reads no USD")
    motion = _motion()
    path = tmp_path / "motion.usda"
    _write_usd(motion, path)
    scene = _empty_scene()
    bpy.ops.wm.usd_import(filepath=str(path), set_frame_range=True)
    assert (scene.frame_start, scene.frame_end) == (1001, 1024)
    assert _worst(motion, 1001) < MOST_M


def _write_usd(motion: Motion, path: Path) -> None:
    """By the backend's Python: a bpy environment has no usd-core."""
    python = os.environ.get("BACKLOT_BACKEND_PYTHON")
    if not python:
        pytest.skip("BACKLOT_BACKEND_PYTHON names no backend environment")
    write_motion(path.with_suffix(".npz"), motion)
    code = (
        "import sys, pathlib; from shared.motion_arrays import read_motion; "
        "from backend.motion_export.usd import write_usd_skeleton; "
        "write_usd_skeleton(read_motion(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2]))"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([python, "-c", code, str(path.with_suffix(".npz")), str(path)], cwd=root, check=True, timeout=600)


def test_frames_without_a_pose_hold_the_one_before(tmp_path: Path) -> None:
    motion = without(_motion(), slice(5, 8))
    write_bvh(motion, tmp_path / "motion.bvh")
    _empty_scene()
    _import_bvh(tmp_path / "motion.bvh", frame_start=1)
    joints = motion.joints.copy()
    joints[5:8] = joints[4]
    assert _worst(replace(motion, joints=joints), 1) < MOST_M
