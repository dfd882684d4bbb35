"""Foot lock and smoothing after the import: feet stand still, the captured action stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.blender.synthetic_mocap import Walk, walker, write_person

TOES = ("toe.L", "toe.R")


def paths(armature: Any, bones: tuple[str, ...], frames: range = range(1001, 1037)) -> np.ndarray:
    """[T,J,3] world."""
    import bpy

    found = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        shown = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        found.append([shown.matrix_world @ shown.pose.bones[bone].head for bone in bones])
    return np.array(found)


def slide(toes: np.ndarray, truth: Any) -> float:
    """mm a frame of toes that stand in this frame and the one before."""
    stands = truth.contacts[:, [1, 3]] > 0.5
    both = stands[1:] & stands[:-1]
    return float(1000 * np.linalg.norm(np.diff(toes, axis=0), axis=2)[both].mean())


def jitter(path: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(path, 3, axis=0), axis=-1).mean())


def test_locked_feet_stand_still(empty: None, tmp_path: Path) -> None:
    import bpy

    truth, armature = walker(tmp_path, Walk(count=36, slip=0.35, noise=0.004))
    captured = armature.animation_data.action
    before = paths(armature, TOES)
    bpy.context.view_layer.objects.active = armature
    armature.backlot_mocap.smooth, armature.backlot_mocap.lock = 1.5, 1.0
    assert bpy.ops.backlot.clean_motion() == {"FINISHED"}
    cleaned = armature.animation_data.action
    assert cleaned != captured and cleaned.name.endswith("Cleaned")
    after = paths(armature, TOES)
    assert slide(before, truth) > 8.0 and slide(after, truth) < 0.5
    fastest = [float(np.linalg.norm(np.diff(path, axis=0), axis=2).max()) for path in (before, after)]
    assert fastest[1] < 1.3 * fastest[0]  # nothing jumps where a foot comes or goes
    hand = ("hand.L",)
    calm = paths(armature, hand)
    armature.backlot_mocap.smooth = armature.backlot_mocap.lock = 0.0
    assert bpy.ops.backlot.clean_motion() == {"FINISHED"}
    assert armature.animation_data.action == captured
    assert np.abs(paths(armature, TOES) - before).max() < 1e-6
    assert jitter(calm) < 0.5 * jitter(paths(armature, hand))


def test_a_new_import_is_cleaned_as_the_last_one_was(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    truth, armature = walker(tmp_path, Walk(count=36, slip=0.35))
    bpy.context.view_layer.objects.active = armature
    bpy.ops.backlot.clean_motion()
    cleaned = armature.animation_data.action
    truth = write_person(tmp_path / "clip_backlot", "person_00", Walk(count=36, slip=0.4, start=(0.0, 1.0)))
    api.import_mocap(tmp_path / "clip_backlot")
    assert armature.animation_data.action == cleaned
    assert slide(paths(armature, TOES), truth) < 1.0  # far slides take the legs to their reach
    own = bpy.data.actions.new("mine")
    armature.animation_data.action = own
    api.import_mocap(tmp_path / "clip_backlot")
    assert armature.animation_data.action == own
