"""A person's motion in the scene: bones where the joints are, marked gaps, updates in place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from shared.body_arrays import posed, write_body
from shared.mocap_report import MOCAP_REPORT, MocapProblem, MocapReport
from shared.shot import document_text
from tests.blender.synthetic_mocap import Walk, body, heads, motion, write_person
from tests.blender.synthetic_shot import ShotPlan, write_png, write_shot

MILLIMETRE = 0.001


def test_bones_are_where_the_joints_are(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.mocap.bones import bone_name

    write_shot(tmp_path / "clip_backlot", ShotPlan(count=48))
    truth = write_person(tmp_path / "clip_backlot", "person_00", Walk(absent=(1020, 1021), bridged=(1030,)))
    api.import_shot(tmp_path / "clip_backlot")
    armature = api.import_mocap(tmp_path / "clip_backlot").armatures["person_00"]
    names = tuple(map(bone_name, truth.joint_names))
    assert {"pelvis", "upper_arm.L", "forearm.R", "thigh.L", "foot.R"} <= set(names)
    for index in np.nonzero(truth.known)[0].tolist():
        bpy.context.scene.frame_set(int(truth.frames[index]))
        assert np.abs(heads(armature, names) - truth.joints[index]).max() < MILLIMETRE
    bpy.context.scene.frame_set(1021)  # nobody was seen: the pose stands still, and says so
    assert np.abs(heads(armature, names) - truth.joints[18]).max() < MILLIMETRE
    assert armature["mocap_state"] == 0
    bpy.context.scene.frame_set(1030)
    assert armature["mocap_state"] == 1
    marks = {(marker.name, marker.frame) for marker in bpy.context.scene.timeline_markers}
    assert {("person_00 not seen to 1021", 1020), ("person_00 bridged", 1030)} <= marks


def test_what_engines_saw_is_read(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot.mocap.keypoint_files import read_keypoints

    path = tmp_path / "frame_0001.json"
    points = [10.0, 20.0, 0.9, 0.0, 0.0, 0.0, 30.5, 40.5, 0.5]
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": points, "face_keypoints_2d": []}]}), encoding="utf-8")
    assert read_keypoints(path).tolist() == [[10.0, 20.0], [30.5, 40.5]]
    path.write_text('{"people": 3}', encoding="utf-8")
    assert len(read_keypoints(path)) == len(read_keypoints(tmp_path / "none.json")) == 0


def test_importing_again_keeps_what_the_artist_did(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=12))
    write_person(root, "person_00", Walk(count=12))
    write_person(root, "person_01", Walk(count=12, start=(-1.0, 0.5), size=0.9))
    first = api.import_mocap(root).armatures["person_00"]
    before = (len(bpy.data.objects), len(bpy.data.armatures), len(bpy.data.actions), len(bpy.data.scenes))
    first.name = "Hero"
    first.constraints.new("LIMIT_SCALE").name = "mine"
    first.pose.bones["head"].constraints.new("LIMIT_ROTATION").name = "mine"
    first.data.display_type = "WIRE"
    bpy.context.view_layer.objects.active = first
    bpy.ops.object.mode_set(mode="POSE")
    truth = write_person(root, "person_00", Walk(count=12, size=1.1, start=(0.0, 0.0)))
    again = api.import_mocap(root).armatures["person_00"]
    assert again == first and first.name == "Hero" and first.mode == "POSE"
    assert (len(bpy.data.objects), len(bpy.data.armatures), len(bpy.data.actions), len(bpy.data.scenes)) == before
    assert first.constraints[0].name == first.pose.bones["head"].constraints[0].name == "mine"
    assert first.data.display_type == "WIRE"
    first.constraints[0].mute = first.pose.bones["head"].constraints[0].mute = True
    bpy.context.scene.frame_set(1012)
    names = ("pelvis", "hand.L", "foot.R", "head_top")
    joints = [truth.index(name) for name in ("pelvis", "left_wrist", "right_ankle", "head_top")]
    assert np.abs(heads(first, names) - truth.joints[-1, joints]).max() < MILLIMETRE


def test_people_follow_the_world_and_their_files(empty: None, tmp_path: Path) -> None:
    """A change of the world moves armatures at once; the next import takes the moved files without moving twice."""
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.importers.world_move import move_followers
    from bl_ext.user_default.backlot.shared.camera_files import Similarity

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=4))
    truth = write_person(root, "person_00", Walk(count=4))
    shot = api.import_shot(root)
    armature = api.import_mocap(root).armatures["person_00"]
    quarter = ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    move_followers(shot.collection, Similarity(2.0, quarter, (0.5, -1.0, 0.25)))
    bpy.context.scene.frame_set(1003)
    place = 2.0 * truth.joints[2, truth.index("left_wrist")] @ np.array(quarter).T + (0.5, -1.0, 0.25)
    assert np.abs(heads(armature, ("hand.L",))[0] - place).max() < 2 * MILLIMETRE
    api.import_mocap(root)
    bpy.context.view_layer.update()
    assert np.abs(heads(armature, ("hand.L",))[0] - truth.joints[2, truth.index("left_wrist")]).max() < MILLIMETRE


def test_a_shot_that_got_its_scale_from_its_people_is_brought_up_to_date(empty: None, tmp_path: Path) -> None:
    """The stage may change the shot's world: the camera comes along, and what was in the scene before."""
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=4))
    write_person(root, "person_00", Walk(count=4))
    shot = api.import_shot(root)
    armature = api.import_mocap(root).armatures["person_00"]
    for name in ("extrinsics", "world"):
        path = root / f"camera/{name}.json"
        plain = json.loads(path.read_text(encoding="utf-8"))
        plain["world_revision" if name == "extrinsics" else "revision"] = 1
        if name == "world":
            plain["world_from_solve"]["scale"] *= 2.0
        path.write_text(json.dumps(plain), encoding="utf-8")
    truth = write_person(root, "person_00", Walk(count=4, size=1.3, revision=1))
    people = api.import_mocap(root)
    assert people.armatures["person_00"] == armature
    assert json.loads(shot.collection["backlot_world"])["revision"] == 1
    bpy.context.scene.frame_set(1002)
    assert np.abs(heads(armature, ("hand.L",))[0] - truth.joints[1, truth.index("left_wrist")]).max() < MILLIMETRE


def test_problems_of_the_report_are_markers(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=12))
    write_person(root, "person_00", Walk(count=12, absent=(1010,), bridged=(1005,)))
    problems = (
        MocapProblem("person_00", "half-visible", 1002, 1003, "Half of person_00 is seen."),
        MocapProblem("person_00", "gap", 1005, 1006, "person_00 is hidden."),
        MocapProblem("person_01", "gap", 1001, 1002, "person_01 is hidden."),
    )
    (root / MOCAP_REPORT).write_text(document_text(MocapReport(1, "synthetic", {}, problems)), encoding="utf-8")
    for _ in range(2):
        assert api.import_mocap(root).unseen == 3
    marks = {(marker.name, marker.frame) for marker in bpy.context.scene.timeline_markers}
    said = {("half visible to 1003", 1002), ("gap to 1006", 1005), ("not seen", 1010)}
    assert marks == {(f"person_00 {name}", frame) for name, frame in said}


@pytest.mark.parametrize("what", ["none", "revision"])
def test_what_cannot_be_imported_is_said(empty: None, tmp_path: Path, what: str) -> None:
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.shared.errors import BacklotError

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=4))
    if what == "revision":
        write_person(root, "person_00", Walk(count=4, revision=3))
    with pytest.raises(BacklotError, match="no motion" if what == "none" else "world revision 3"):
        api.import_mocap(root)


def test_the_overlay_is_where_the_plate_shows_the_joints(empty: None, tmp_path: Path) -> None:
    """Lens distortion included, wherever the shot was moved to."""
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.mocap.painter import sticks_of
    from bl_ext.user_default.backlot.roto.editor import plate_of
    from bl_ext.user_default.backlot.shared.camera_files import read_camera

    root = tmp_path / "clip_backlot"
    shot = write_shot(root, ShotPlan(count=6, distortion=(-0.2, 0.03, 0.002, -0.001)))
    truth = write_person(root, "person_00", Walk(count=6, absent=(1003,)))
    imported = api.import_shot(root)
    api.import_mocap(root)
    scene = bpy.context.scene
    scene.backlot.folder = str(root)
    imported.root.location, imported.root.scale = (3.0, 1.0, 0.5), (2.0, 2.0, 2.0)
    scene.frame_set(1005)
    (sticks,) = sticks_of(scene, plate_of(scene), read_camera(root))
    wanted = shot.project(4, truth.joints[4], distorted=True)
    apart = np.linalg.norm(sticks.dots[:, None] - wanted[None], axis=-1)  # bones have another order than joints
    assert len(sticks.dots) == len(truth.joint_names) and max(apart.min(0).max(), apart.min(1).max()) < 0.1
    scene.frame_set(1003)
    assert sticks_of(scene, plate_of(scene), read_camera(root)) == []


def test_the_body_hangs_on_the_bones(empty: None, tmp_path: Path) -> None:
    """Skin as the file says, in another measure than it was made for; texture; nobody where nobody was seen."""
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=8))
    mesh = body(motion(Walk(count=1)))
    truth = write_person(root, "person_00", Walk(count=8, size=1.2, absent=(1004,)))
    write_body(root / "mocap/person_00/body.npz", mesh)
    write_png(root / "mocap/person_00/texture.png", np.full((8, 8, 3), 128, np.uint8))
    shown = api.import_mocap(root).bodies["person_00"]
    again = api.import_mocap(root).bodies["person_00"]
    assert again == shown and len(shown.modifiers) == 1 and len(shown.data.materials) == 1
    nodes = shown.data.materials[0].node_tree.nodes
    assert [node.image.name for node in nodes if node.type == "TEX_IMAGE"] == ["texture.png"]
    corners = np.empty(2 * len(shown.data.loops), np.float32)
    shown.data.uv_layers[0].uv.foreach_get("vector", corners)
    assert np.allclose(corners.reshape(-1, 3, 2), mesh.uv)
    for index in (0, 6):
        bpy.context.scene.frame_set(1001 + index)
        seen = shown.evaluated_get(bpy.context.evaluated_depsgraph_get())
        found = np.array([seen.matrix_world @ vertex.co for vertex in seen.data.vertices])
        assert np.abs(found - posed(mesh, truth, index)).max() < MILLIMETRE
    bpy.context.scene.frame_set(1004)
    assert shown.evaluated_get(bpy.context.evaluated_depsgraph_get()).hide_render


@pytest.mark.parametrize("mode", ["other mesh", "its own bones"])
def test_edit_mode_does_not_matter(empty: None, tmp_path: Path, mode: str) -> None:
    """Another mesh stays in Edit Mode; the armature itself leaves it, because Blender's copy of its bones would win."""
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=4))
    write_person(root, "person_00", Walk(count=4))
    armature = api.import_mocap(root).armatures["person_00"]
    if mode == "other mesh":
        bpy.ops.mesh.primitive_cube_add()
    edited = bpy.context.object if mode == "other mesh" else armature
    bpy.context.view_layer.objects.active = edited
    bpy.ops.object.mode_set(mode="EDIT")
    truth = write_person(root, "person_00", Walk(count=4, size=0.8))
    write_person(root, "person_01", Walk(count=4, start=(0.0, 0.0)))
    api.import_mocap(root)
    assert edited.mode == ("EDIT" if mode == "other mesh" else "OBJECT")
    if edited.mode == "EDIT":
        bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.scene.frame_set(1003)
    assert np.abs(heads(armature, ("foot.L",))[0] - truth.joints[2, truth.index("left_ankle")]).max() < MILLIMETRE


def test_a_body_gets_the_texture_and_the_frames_of_a_later_capture(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=4))
    write_person(root, "person_00", Walk(count=4, absent=(1002,)))
    write_body(root / "mocap/person_00/body.npz", body(motion(Walk(count=1))))
    shown = api.import_mocap(root).bodies["person_00"]
    bpy.context.scene.frame_set(1002)
    assert shown.hide_render
    write_person(root, "person_00", Walk(count=4))
    for grey in (64, 128):
        write_png(root / "mocap/person_00/texture.png", np.full((8, 8, 3), grey, np.uint8))
        assert api.import_mocap(root).bodies["person_00"] == shown
        nodes = shown.data.materials[0].node_tree.nodes
        (picture,) = [node.image for node in nodes if node.type == "TEX_IMAGE"]
        assert abs(picture.pixels[0] - grey / 255) < 0.01
    bpy.context.scene.frame_set(1001)
    bpy.context.scene.frame_set(1002)
    assert not shown.hide_render and not shown.hide_viewport
