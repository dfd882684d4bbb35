"""Rigs of other programs, made bone by bone."""

from __future__ import annotations

from typing import Any

import numpy as np

MIXAMO = (
    ("Hips", "", (0.0, 0.0, 1.02), (0.0, 0.0, 1.12)),
    ("Spine", "Hips", (0.0, 0.01, 1.12), (0.0, 0.015, 1.24)),
    ("Spine1", "Spine", (0.0, 0.015, 1.24), (0.0, 0.02, 1.37)),
    ("Spine2", "Spine1", (0.0, 0.02, 1.37), (0.0, 0.03, 1.54)),
    ("Neck", "Spine2", (0.0, 0.03, 1.54), (0.0, 0.01, 1.65)),
    ("Head", "Neck", (0.0, 0.01, 1.65), (0.0, 0.0, 1.86)),
    ("LeftShoulder", "Spine2", (0.05, 0.02, 1.48), (0.18, 0.03, 1.47)),
    ("LeftArm", "LeftShoulder", (0.18, 0.03, 1.47), (0.40, 0.04, 1.25)),
    ("LeftForeArm", "LeftArm", (0.40, 0.04, 1.25), (0.60, 0.02, 1.05)),
    ("LeftHand", "LeftForeArm", (0.60, 0.02, 1.05), (0.67, 0.01, 0.98)),
    ("LeftUpLeg", "Hips", (0.11, 0.0, 0.98), (0.12, -0.01, 0.53)),
    ("LeftLeg", "LeftUpLeg", (0.12, -0.01, 0.53), (0.13, 0.02, 0.09)),
    ("LeftFoot", "LeftLeg", (0.13, 0.02, 0.09), (0.15, -0.11, 0.02)),
    ("LeftToeBase", "LeftFoot", (0.15, -0.11, 0.02), (0.16, -0.18, 0.02)),
)
"""An A-pose of somebody of 1.86 m: bone, the bone it hangs on, head and tail, metres. The right mirrors the left."""

CENTIMETRES = 100.0


def mixamo_rig(prefix: str = "mixamorig:", rolls: int = 3) -> Any:
    """As Mixamo's files come in: centimetres, y up, the object turned and scaled back; rolls at random."""
    import bpy
    from bl_ext.user_default.backlot.mocap.armature import edited

    rows = list(MIXAMO)
    for name, parent, head, tail in MIXAMO:
        if name.startswith("Left"):
            mirrored = [(-x, y, z) for x, y, z in (head, tail)]
            rows.append((name.replace("Left", "Right"), parent.replace("Left", "Right"), *mirrored))
    data = bpy.data.armatures.new("Mixamo")
    rng = np.random.default_rng(rolls)
    with edited(data) as bones:
        for name, parent, head, tail in rows:
            bone = bones.new(prefix + name)
            bone.head, bone.tail = (CENTIMETRES * np.array([x, z, -y]) for x, y, z in (head, tail))
            bone.roll = float(rng.uniform(-np.pi, np.pi))
            if parent:
                bone.parent = bones[prefix + parent]
    thing = bpy.data.objects.new("Mixamo", data)
    thing.rotation_euler, thing.scale = (np.pi / 2, 0.0, 0.0), (1 / CENTIMETRES,) * 3
    thing.location = (3.0, -2.0, 0.0)
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.view_layer.update()
    return thing


def metarig() -> Any:
    """Rigify's human."""
    import addon_utils
    import bpy

    addon_utils.enable("rigify", default_set=True)  # it keeps settings in the preferences
    bpy.ops.object.armature_human_metarig_add()
    return bpy.context.object


def generated_rig() -> Any:
    """What Rigify makes of its human: controls, not bones of a body."""
    import bpy

    meta = metarig()
    bpy.ops.pose.rigify_generate()
    made = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE" and "torso" in thing.pose.bones)
    bpy.data.objects.remove(meta)
    return made
