"""Importing again updates the same objects and keeps what the artist did to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.blender.synthetic_shot import ShotPlan, write_shot


def test_same_objects_new_solve(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root)
    first = api.import_shot(root)
    before = (len(bpy.data.objects), len(bpy.data.meshes), len(bpy.data.cameras), len(bpy.data.movieclips))
    write_shot(root, ShotPlan(points=900, focal_px=(350.0, 350.0)))
    second = api.import_shot(root)
    assert (second.camera, second.cloud, second.root, second.plate) == (
        first.camera, first.cloud, first.root, first.plate,
    )  # fmt: skip
    assert (len(bpy.data.objects), len(bpy.data.meshes), len(bpy.data.cameras), len(bpy.data.movieclips)) == before
    assert len(second.cloud.data.vertices) == 900
    assert second.camera.data.lens == pytest.approx(350.0 * 36 / 320)


def test_the_artists_edits_stay(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root)
    shot = api.import_shot(root)
    scene = bpy.context.scene
    handle = bpy.data.objects.new("artist", None)
    scene.collection.objects.link(handle)
    material = bpy.data.materials.new("artist")
    shot.camera.name, shot.camera.parent = "Hero", handle
    shot.camera.constraints.new("LIMIT_LOCATION").name = "mine"
    shot.camera.data.clip_end = 5000.0
    shot.camera.data.dof.use_dof = True
    shot.root.scale = (2.0, 2.0, 2.0)
    shot.cloud.data.materials[0] = material
    shot.cloud.modifiers.new("mine", "SUBSURF")
    shot.cloud.hide_render = False
    shot.collection.name = "Set A"
    scene.frame_end, scene.render.resolution_percentage = 1005, 50

    write_shot(root, ShotPlan(points=700, count=10))
    again = api.import_shot(root)
    assert again.camera.name == "Hero" and again.camera.parent == handle
    assert [c.name for c in again.camera.constraints] == ["mine"]
    assert again.camera.data.clip_end == 5000.0 and again.camera.data.dof.use_dof
    assert tuple(again.root.scale) == (2.0, 2.0, 2.0)
    assert again.cloud.data.materials[0] == material and len(again.cloud.data.materials) == 1
    assert [m.name for m in again.cloud.modifiers] == ["Backlot Points", "mine"]
    assert not again.cloud.hide_render and again.collection.name == "Set A"
    assert scene.frame_end == 1005 and scene.render.resolution_percentage == 50
    assert again.kept == ("frame_end", "render.resolution_percentage")


def test_copies_and_deletions(empty: None, tmp_path: Path) -> None:
    """A copy of the camera is the artist's; a deleted cloud comes back."""
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root)
    shot = api.import_shot(root)
    copy = shot.camera.copy()
    shot.collection.objects.link(copy)
    copy.location = (9.0, 9.0, 9.0)
    camera = shot.camera
    bpy.data.objects.remove(shot.cloud)
    again = api.import_shot(root)
    assert again.camera == camera and again.camera != copy
    assert again.cloud is not None and bpy.context.scene in again.cloud.users_scene


def test_an_action_the_artist_put_there_stays(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root)
    shot = api.import_shot(root)
    mine = bpy.data.actions.new("mine")
    shot.camera.animation_data.action = mine
    assert api.import_shot(root).camera.animation_data.action == mine


def test_two_shots_and_two_scenes(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    write_shot(tmp_path / "a_backlot", ShotPlan(count=4, points=20), shot_id="a")
    write_shot(tmp_path / "b_backlot", ShotPlan(count=4, points=20), shot_id="b")
    other = bpy.data.scenes.new("other")
    a, b = api.import_shot(tmp_path / "a_backlot"), api.import_shot(tmp_path / "b_backlot")
    elsewhere = api.import_shot(tmp_path / "a_backlot", scene=other)
    assert len({a.camera, b.camera, elsewhere.camera}) == 3
    assert bpy.context.scene.camera == b.camera and other.camera == elsewhere.camera


def test_survives_saving_and_loading(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=4, points=20))
    api.import_shot(root).camera.name = "Hero"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert api.import_shot(root).camera.name == "Hero"
    assert len([o for o in bpy.data.objects if o.type == "CAMERA"]) == 1


def test_one_undo_step(empty: None, tmp_path: Path) -> None:
    import bpy

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=4, points=20))
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.backlot.import_shot(filepath=str(root / "shot.json"))
    bpy.ops.ed.undo_push(message="import")  # in a window the operator's own flag does this
    assert len(bpy.data.objects) == 3
    bpy.ops.ed.undo()
    assert len(bpy.data.objects) == 0 and bpy.context.scene.render.resolution_x == 1920
    bpy.ops.ed.redo()
    assert len(bpy.data.objects) == 3


def test_the_cloud_has_its_attributes(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot import api

    truth = write_shot(tmp_path / "clip_backlot", ShotPlan(points=50))
    mesh = api.import_shot(tmp_path / "clip_backlot").cloud.data
    stored = np.load(tmp_path / "clip_backlot/camera/points.npz")
    found = np.empty(len(truth.xyz) * 3, np.float32)
    mesh.attributes["position"].data.foreach_get("vector", found)
    assert np.array_equal(found.reshape(-1, 3), stored["xyz"])
    for name in ("error", "track_length"):
        values = np.empty(len(truth.xyz), stored[name].dtype)
        mesh.attributes[name].data.foreach_get("value", values)
        assert np.array_equal(values, stored[name])
    srgb = np.empty(len(truth.xyz) * 4, np.float32)
    mesh.attributes["Color"].data.foreach_get("color_srgb", srgb)
    assert np.abs(srgb.reshape(-1, 4)[:, :3] * 255 - stored["rgb"]).max() < 0.5


def test_the_cloud_may_be_in_edit_mode(empty: None, tmp_path: Path) -> None:
    """A new solve comes in while points are being selected: the tool ends, the new points stand there."""
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(points=50, plate=False))
    shot = api.import_shot(root)
    bpy.context.view_layer.objects.active = shot.cloud
    bpy.ops.object.mode_set(mode="EDIT")
    write_shot(root, ShotPlan(points=70, plate=False))
    again = api.import_shot(root)
    assert again.cloud == shot.cloud and again.cloud.mode == "OBJECT"
    assert len(again.cloud.data.vertices) == 70
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.object.mode_set(mode="OBJECT")
    assert len(again.cloud.data.vertices) == 70
