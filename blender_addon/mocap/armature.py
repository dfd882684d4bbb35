"""A person's armature object and its bones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..importers import ownership
from ..overriding import overridden
from . import names
from .bones import ROOT_BONE, BonePlan

ENDS = "Ends"
"""Bone collection of the short bones at joints that nothing hangs on."""
_BODY = "Body"
_SAME = 1e-6
"""Relative difference of places that is rounding."""


def import_armature(
    scene: bpy.types.Scene, collection: bpy.types.Collection, label: str, plan: BonePlan, name: str
) -> tuple[bpy.types.Object, bool]:
    """Makes the armature or brings its bones up to date; constraints, names, display and parents stay. Returns whether
    it was made now."""
    known = ownership.recall(collection, names.armature_role(label))
    data = known.data if known is not None else bpy.data.armatures.new(name)
    thing, made = ownership.ensure_object(scene, collection, names.armature_role(label), name, data)
    if known is not None:
        _leave_edit_mode(known)
    if not _rests_so(thing.data, plan):
        with edited(thing.data) as bones:
            _lay(bones, plan)
        _sort_into_collections(thing.data, plan)
    thing[names.LABEL], thing[names.SHOT] = label, collection[ownership.SHOT_ID]
    if made:
        thing.parent = ownership.recall(collection, ownership.ROOT)
        data.display_type = "OCTAHEDRAL"
        thing.show_in_front = True
    _take_moves_back(thing)
    for name in plan.names:
        thing.pose.bones[name].rotation_mode = "QUATERNION"
    return thing, made


@contextmanager
def edited(data: bpy.types.Armature) -> Iterator[Any]:
    """The edit bones of an armature, whatever mode the artist is in: edit mode is entered in a scene of its own."""
    scene = bpy.data.scenes.new("Backlot Bones")
    handle = bpy.data.objects.new("Backlot Bones", data)
    try:
        scene.collection.objects.link(handle)
        layer = scene.view_layers[0]
        layer.update()
        layer.objects.active = handle
        with overridden(scene=scene, view_layer=layer, active_object=handle, object=handle):
            bpy.ops.object.mode_set(mode="EDIT")
        try:
            yield data.edit_bones
        finally:
            with overridden(scene=scene, view_layer=layer, active_object=handle, object=handle, edit_object=handle):
                bpy.ops.object.mode_set(mode="OBJECT")
    finally:
        bpy.data.objects.remove(handle)
        bpy.data.scenes.remove(scene)


def _leave_edit_mode(thing: bpy.types.Object) -> None:
    """Blender's copy of the bones would win over what is imported."""
    if thing.mode == "EDIT":
        with overridden(active_object=thing, object=thing, edit_object=thing):
            bpy.ops.object.mode_set(mode="OBJECT")


def _rests_so(data: bpy.types.Armature, plan: BonePlan) -> bool:
    size = plan.size
    for name, head, tail in zip(plan.names, plan.heads, plan.tails, strict=True):
        bone = data.bones.get(name)
        if bone is None:
            return False
        found = np.array([bone.head_local, bone.tail_local])
        if np.abs(found - np.stack([head, tail])).max() > _SAME * size:
            return False
    return ROOT_BONE in data.bones


def _lay(bones: Any, plan: BonePlan) -> None:
    """Bones of the artist's own stay."""
    root = bones.get(ROOT_BONE) or bones.new(ROOT_BONE)
    root.head, root.tail, root.roll = (0.0, 0.0, 0.0), (0.0, 0.25 * plan.size, 0.0), 0.0
    root.use_deform = False
    for joint, name in enumerate(plan.names):
        bone = bones.get(name) or bones.new(name)
        bone.use_connect = False
        bone.head, bone.tail = plan.heads[joint], plan.tails[joint]
        bone.align_roll(Vector(plan.ups[joint]))
        bone.use_deform = not plan.ends[joint]
        parent = int(plan.parents[joint])
        bone.parent = bones[plan.names[parent]] if parent >= 0 else root


def _sort_into_collections(data: bpy.types.Armature, plan: BonePlan) -> None:
    """At the first import; afterwards collections are the artist's."""
    if _BODY in data.collections:
        return
    body, ends = data.collections.new(_BODY), data.collections.new(ENDS)
    ends.is_visible = False
    body.assign(data.bones[ROOT_BONE])
    for name, is_end in zip(plan.names, plan.ends, strict=True):
        (ends if is_end else body).assign(data.bones[name])


def _take_moves_back(thing: bpy.types.Object) -> None:
    """The file is in the shot's present world already: what the world has moved the armature by since is undone."""
    moved = thing.get(names.MOVED)
    if moved is not None:
        thing.matrix_parent_inverse = Matrix(np.reshape(list(moved), (4, 4)).tolist()).inverted() @ (
            thing.matrix_parent_inverse
        )
        del thing[names.MOVED]


def note_move(collection: bpy.types.Collection, moved: Matrix) -> None:
    """After the shot's root has taken its children through a change of the world."""
    for thing in names.people(collection):
        if thing.parent is not None and thing.parent == ownership.recall(collection, ownership.ROOT):
            before = thing.get(names.MOVED)
            earlier = Matrix(np.reshape(list(before), (4, 4)).tolist()) if before is not None else Matrix.Identity(4)
            thing[names.MOVED] = [value for row in moved @ earlier for value in row]
