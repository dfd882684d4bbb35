"""Mocap's buttons: they do what they say, or say why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.blender.synthetic_mocap import Walk, write_person
from tests.blender.synthetic_rigs import mixamo_rig
from tests.blender.synthetic_shot import ShotPlan, write_shot


@pytest.fixture
def armature(empty: None, tmp_path: Path) -> Any:
    """A person who was imported by the button, and is active."""
    import bpy

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=6))
    bpy.context.scene.backlot.folder = str(root)
    assert not bpy.ops.backlot.import_mocap.poll() and not bpy.ops.backlot.retarget_motion.poll()
    assert not bpy.ops.backlot.clean_motion.poll()
    write_person(root, "person_00", Walk(count=6))
    assert bpy.ops.backlot.import_mocap() == {"FINISHED"}
    found = bpy.data.objects["clip person_00"]
    bpy.context.view_layer.objects.active = found
    return found


def test_retarget_in_one_click(armature: Any, tmp_path: Path) -> None:
    import bpy

    settings = bpy.context.scene.backlot_retarget
    assert not bpy.ops.backlot.retarget_motion.poll()  # no rig yet
    settings.rig = mixamo_rig()
    own = bpy.data.actions.new("mine")
    settings.rig.animation_data_create().action = own
    assert bpy.ops.backlot.retarget_motion() == {"FINISHED"}
    action = settings.rig.animation_data.action
    assert action != own and own.use_fake_user and own.name in bpy.data.actions
    settings.hands, settings.scale_rig = 0.5, True
    assert bpy.ops.backlot.retarget_motion() == {"FINISHED"}
    assert settings.rig.animation_data.action == action
    assert settings.rig.scale[0] == pytest.approx(0.01 / 1.09, rel=0.01)  # its legs are 9 % longer than the person's


def test_bone_maps_come_back_from_their_file(armature: Any, tmp_path: Path) -> None:
    import bpy

    settings = bpy.context.scene.backlot_retarget
    settings.rig = mixamo_rig()
    bpy.ops.backlot.guess_bone_map()
    settings.bones["spine"].bone = "mixamorig:Spine1"
    path = tmp_path / "map.json"
    assert bpy.ops.backlot.save_bone_map(filepath=str(path)) == {"FINISHED"}
    assert json.loads(path.read_text(encoding="utf-8"))["bones"]["spine"] == "mixamorig:Spine1"
    bpy.ops.backlot.guess_bone_map()
    assert settings.bones["spine"].bone == "mixamorig:Spine"
    assert bpy.ops.backlot.load_bone_map(filepath=str(path)) == {"FINISHED"}
    assert settings.bones["spine"].bone == "mixamorig:Spine1"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(RuntimeError, match="no bone map"):
        bpy.ops.backlot.load_bone_map(filepath=str(path))


def test_what_cannot_be_done_is_said(armature: Any) -> None:
    import bpy

    settings = bpy.context.scene.backlot_retarget
    settings.rig = armature
    with pytest.raises(RuntimeError, match="both person and rig"):
        bpy.ops.backlot.retarget_motion()
    settings.rig = mixamo_rig()
    settings.rig.scale[0] *= 2.0
    bpy.context.view_layer.update()
    with pytest.raises(RuntimeError, match="scaled unevenly"):
        bpy.ops.backlot.retarget_motion()
    settings.rig = bpy.data.objects.new("lattice", bpy.data.lattices.new("lattice"))
    assert not bpy.ops.backlot.retarget_motion.poll()
    settings.rig = mixamo_rig()
    bpy.ops.backlot.guess_bone_map()
    settings.bones["foot.L"].bone = ""
    with pytest.raises(RuntimeError, match=r"no bone for foot\.L"):
        bpy.ops.backlot.retarget_motion()
    bpy.context.view_layer.objects.active = settings.rig
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Edit Mode"):
        bpy.ops.backlot.retarget_motion()
    bpy.ops.object.mode_set(mode="OBJECT")
