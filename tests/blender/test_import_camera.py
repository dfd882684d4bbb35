"""The imported camera sees world points where the truth sees them, to a hundredth of a pixel."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.blender.synthetic_shot import ShotPlan, Truth, write_shot

PLANS = {
    "plain": ShotPlan(principal=(0.0, 0.0)),
    "principal-point": ShotPlan(principal=(11.0, -7.0)),
    "zoom": ShotPlan(focal_px=(250.0, 480.0)),
    "anamorphic": ShotPlan(pixel_aspect=2.0),
    "narrow-pixels": ShotPlan(pixel_aspect=0.9),
    "tall": ShotPlan(width=180, height=320, focal_px=(400.0, 400.0)),
    "from-one": ShotPlan(first=1, count=5),
}


def seen_by_blender(scene: Any, camera: Any, truth: Truth, index: int) -> np.ndarray:
    """Pixels [N,2] of the truth's points, by Blender's own projection."""
    import bpy
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    scene.frame_set(int(truth.frames[index]))
    bpy.context.view_layer.update()
    views = np.array([world_to_camera_view(scene, camera, Vector(p)) for p in truth.xyz.tolist()])
    return np.stack([views[:, 0] * truth.plan.width, (1 - views[:, 1]) * truth.plan.height], axis=-1)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_points_project_to_the_truth(empty: None, tmp_path: Path, plan: ShotPlan) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    truth = write_shot(tmp_path / "clip_backlot", plan)
    shot = api.import_shot(tmp_path / "clip_backlot")
    scene = bpy.context.scene
    for index in (0, plan.count // 2, plan.count - 1):
        error = np.abs(seen_by_blender(scene, shot.camera, truth, index) - truth.project(index, truth.xyz))
        assert error.max() < 0.01


def test_the_lens_is_keyed_only_when_it_varies(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot import api

    write_shot(tmp_path / "a_backlot", ShotPlan(count=4), shot_id="a")
    write_shot(tmp_path / "b_backlot", ShotPlan(count=4, focal_px=(200.0, 300.0)), shot_id="b")
    fixed, zoom = api.import_shot(tmp_path / "a_backlot"), api.import_shot(tmp_path / "b_backlot")
    assert fixed.camera.data.animation_data is None
    assert [c.data_path for c in _curves(zoom.camera.data)] == ["lens"]


def test_frames_without_a_pose_have_no_key_and_stand_still(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot import api

    write_shot(tmp_path / "clip_backlot", ShotPlan(failed=(1004, 1005), interpolated=(1008,)))
    shot = api.import_shot(tmp_path / "clip_backlot")
    assert shot.frames_missing == (1004, 1005)
    for curve in _curves(shot.camera):
        if curve.data_path.startswith("["):  # how good the solve is: tests/blender/test_quality.py
            continue
        keys = {round(key.co[0]): key for key in curve.keyframe_points}
        assert sorted(keys) == [1001, 1002, 1003, *range(1006, 1013)]
        assert keys[1003].interpolation == "CONSTANT" and keys[1002].interpolation == "LINEAR"
        assert keys[1008].type == "BREAKDOWN" and keys[1007].type == "KEYFRAME"


def test_rotation_never_jumps_between_frames(empty: None, tmp_path: Path) -> None:
    """Half a frame on, the camera is between its neighbours: what motion blur samples."""
    from bl_ext.user_default.backlot import api

    write_shot(tmp_path / "clip_backlot", ShotPlan(travel=30.0))
    shot = api.import_shot(tmp_path / "clip_backlot")
    turns = [c for c in _curves(shot.camera) if c.data_path == "rotation_quaternion"]
    q = np.array([[c.evaluate(f) for c in turns] for f in np.arange(1001, 1012.01, 0.5)])
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    steps = 2 * np.arccos(np.clip(np.abs(np.sum(q[1:] * q[:-1], axis=1)), -1, 1))
    whole = 2 * np.arccos(np.clip(np.abs(np.sum(q[2::2] * q[:-2:2], axis=1)), -1, 1))
    assert np.all(steps[0::2] < 0.6 * whole + 1e-3) and np.all(steps[1::2] < 0.6 * whole + 1e-3)


def test_quaternions_are_the_rotations(backlot: ModuleType) -> None:
    from bl_ext.user_default.backlot.importers import contents
    from mathutils import Matrix

    rng = np.random.default_rng(3)
    matrices = np.stack([np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(200)])
    matrices *= np.linalg.det(matrices)[:, None, None]
    for matrix, q in zip(matrices, contents._quaternions(matrices), strict=True):
        reference = np.array(Matrix(matrix.tolist()).to_quaternion())
        assert min(np.abs(q - reference).max(), np.abs(q + reference).max()) < 1e-6


def _curves(owner: Any) -> list[Any]:
    from bl_ext.user_default.backlot.importers import animation

    return list(animation.channels(owner.animation_data.action, owner))
