"""Motion on other rigs: hands and feet are where the source has them, scaled by the legs; nothing flips."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender.synthetic_mocap import Walk, heads, walker
from tests.blender.synthetic_rigs import generated_rig, metarig, mixamo_rig

TWO_CENTIMETRES = 0.02
STEEPEST = np.radians(25.0)
"""A bone's turn from one frame to the next; the walk's own fastest is 14 degrees."""


def leg_length(thing: Any, bones: dict[str, str]) -> float:
    limb = [bones[f"{part}.L"] for part in ("thigh", "shin", "foot")]
    places = [thing.matrix_world @ thing.data.bones[bone].head_local for bone in limb]
    return sum((b - a).length for a, b in itertools.pairwise(places))


def follow(source: Any, target: Any, bones: dict[str, str]) -> tuple[float, float, float]:
    """Largest distance of feet, and of hands, from the source about the first frame's hips, scaled by the leg lengths,
    heights of the ankles set aside; and the largest turn of a bone between frames."""
    import bpy

    slots = [f"{part}.{side}" for part in ("foot", "hand") for side in "LR"]
    seen, found, turned = [], [], []
    for frame in range(1001, 1025):
        bpy.context.scene.frame_set(frame)
        seen.append(heads(source, slots))
        found.append(heads(target, [bones[slot] for slot in slots]))
        shown = target.evaluated_get(bpy.context.evaluated_depsgraph_get())
        turned.append([shown.pose.bones[bone].matrix.to_quaternion() for bone in bones.values()])
    legs = [leg_length(source, {slot: slot for slot in bones}), leg_length(target, bones)]
    wanted, found = np.array(seen) * legs[1] / legs[0], np.array(found)
    away = found - wanted
    away -= np.median(away[:, :2], axis=(0, 1))  # where the way begins is free
    error = np.linalg.norm(away, axis=-1)
    q = np.array(turned)
    steps = 2 * np.arccos(np.clip(np.abs((q[1:] * q[:-1]).sum(-1)), 0, 1))
    return float(error[:, :2].max()), float(error[:, 2:].max()), float(steps.max())


@pytest.mark.parametrize("make", [metarig, mixamo_rig, generated_rig])
def test_feet_and_hands_follow(empty: None, tmp_path: Path, make: Any) -> None:
    import bpy
    from bl_ext.user_default.backlot.mocap.bone_map import SLOTS
    from bl_ext.user_default.backlot.mocap.retarget import Options
    from bl_ext.user_default.backlot.mocap.retargeting import guessed, retarget_now

    if make is generated_rig and bpy.app.version < (5, 0):
        pytest.skip("Rigify takes long; the newest version stands for all")
    _, source = walker(tmp_path, Walk(count=24))
    target = make()
    bones = guessed(target)
    assert set(bones) == set(SLOTS), set(SLOTS) - set(bones)
    outcome = retarget_now(source, target, bones, Options())
    feet, hands, step = follow(source, target, bones)
    assert max(outcome.worst.values()) < 0.005
    assert feet < TWO_CENTIMETRES and hands < TWO_CENTIMETRES and step < STEEPEST


def test_middle_joints_point_where_the_persons_do(empty: None, tmp_path: Path) -> None:
    """Knees forwards, elbows backwards: a limb's end alone does not tell."""
    import bpy
    from bl_ext.user_default.backlot.mocap.retarget import Options
    from bl_ext.user_default.backlot.mocap.retargeting import guessed, retarget_now

    _, source = walker(tmp_path, Walk(count=24))
    target = mixamo_rig()
    bones = guessed(target)
    retarget_now(source, target, bones, Options())
    for frame in (1003, 1012, 1022):
        bpy.context.scene.frame_set(frame)
        for chain in (("thigh", "shin", "foot"), ("upper_arm", "forearm", "hand")):
            for side in "LR":
                slots = [f"{part}.{side}" for part in chain]
                one, two = (heads(source, slots), heads(target, [bones[slot] for slot in slots]))
                sides = [limb[1] - 0.5 * (limb[0] + limb[2]) for limb in (one, two)]
                sides = [way / np.linalg.norm(way) for way in sides]
                assert sides[0] @ sides[1] > 0.85, (frame, slots)


def test_bones_are_found_without_names(empty: None) -> None:
    """By the hierarchy alone."""
    from bl_ext.user_default.backlot.mocap.retargeting import guessed

    target = mixamo_rig(prefix="")
    known = guessed(target)
    renamed = {bone.name: f"b{number:02d}" for number, bone in enumerate(target.data.bones)}
    for bone in target.data.bones:
        bone.name = renamed[bone.name]
    blind = guessed(target)
    assert blind == {slot: renamed[bone] for slot, bone in known.items() if slot in blind}
    assert {"pelvis", "chest", "head", "shin.L", "foot.R", "forearm.L", "hand.R"} <= set(blind)


def test_bone_maps_are_saved_and_what_is_none_is_refused(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot.mocap import bone_map
    from bl_ext.user_default.backlot.mocap.retargeting import guessed
    from bl_ext.user_default.backlot.shared.errors import InvalidRequest

    target = mixamo_rig()
    bones = guessed(target)
    assert bone_map.from_text(bone_map.as_text(bones, "Mixamo"), tmp_path) == bones
    for text, says in (("[", "no JSON"), ("{}", "no bone map"), ('{"kind": "backlot bone map"}', "of this version")):
        with pytest.raises(InvalidRequest, match=says):
            bone_map.from_text(text, tmp_path)
    present = {bone.name for bone in target.data.bones}
    for change, says in (({"foot.L": ""}, "no bone for foot.L"), ({"head": "nobody"}, "no such bones"),
                         ({"neck": bones["head"]}, "twice")):  # fmt: skip
        with pytest.raises(InvalidRequest, match=says):
            bone_map.require({**bones, **change}, present, "Mixamo")
