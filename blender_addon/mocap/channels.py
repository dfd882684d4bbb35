"""From orientations in an armature to what a rig's channels must say, and the keys of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Quaternion

from ..importers import animation
from ..shared.errors import InvalidRequest
from ..shared.motion_arrays import multiply, without_jumps
from . import turns
from .controls import Control
from .rig import Rig

_SAME = 1e-5
_AT_ONCE = 2
"""Frames that are evaluated in one step."""


def is_plain(target: bpy.types.Object, controls: list[Control], rig: Rig) -> bool:
    """Whether nothing but keys moves the controls and what carries them, so that arithmetic tells the channels."""
    keyed = {control.bone for control in controls}
    used = set(keyed)
    for name in keyed:
        used |= {rig.names[bone] for bone in rig.above(rig.index[name])}
    if target.animation_data is not None and any('pose.bones["' in d.data_path for d in target.animation_data.drivers):
        return False
    for name in used:
        bone = target.pose.bones[name]
        if any(not constraint.mute for constraint in bone.constraints):
            return False
        if name not in keyed and np.abs(np.array(bone.matrix_basis) - np.eye(4)).max() > _SAME:
            return False
        if not bone.bone.use_local_location or bone.bone.inherit_scale not in ("FULL", "ALIGNED", "AVERAGE"):
            return False
    return True


def reckoned(target: bpy.types.Object, controls: list[Control], rig: Rig) -> dict[str, tuple[Any, Any]]:
    """bone -> turns [T,4] and places [T,3] of its channels, None for what is not keyed. Of a plain rig."""
    wanted = {rig.index[control.bone]: control for control in controls}
    count = len(next(iter(wanted.values())).turns)
    found: dict[int, np.ndarray] = {}
    places: dict[int, np.ndarray] = {}
    own: dict[str, tuple[Any, Any]] = {}
    for bone in range(len(rig.names)):
        parent = int(rig.parents[bone])
        unposed = np.broadcast_to(rig.from_parent(bone, found.get(parent)), (count, 4))
        here = np.broadcast_to(rig.heads[bone], (count, 3))
        if parent >= 0:
            turn = multiply(found[parent], turns.inverse(rig.rests[parent]))
            here = places[parent] + turns.turned(turn, rig.heads[bone] - rig.heads[parent])
        found[bone], places[bone] = unposed, here
        control = wanted.get(bone)
        if control is None:
            continue
        moved = None
        if control.turns is not None:
            found[bone] = control.turns
        if control.places is not None:
            if target.data.bones[bone].use_connect:
                raise InvalidRequest(
                    f"{control.bone} of {target.name} cannot be moved: it is connected to its parent.",
                    "Disconnect it in Edit Mode, or choose another bone as pelvis.",
                )
            moved = turns.turned(turns.inverse(unposed), control.places - here)
            places[bone] = control.places
        own[control.bone] = (multiply(turns.inverse(unposed), found[bone]), moved)
    return own


def evaluated(
    target: bpy.types.Object, controls: list[Control], gauges: dict[str, str], steps: int
) -> Iterator[tuple[dict[str, tuple[Any, Any]], dict[str, np.ndarray]] | None]:
    """As `reckoned`, of any rig: Blender's own constraints lay the controls on their places, a few frames in each
    step, in a scene of its own; the last step yields the channels and where the bones of `gauges` (slot -> bone) came
    to be, [T,3] in the armature."""
    with _Stage(target, controls) as stage:
        own = {c.bone: (np.empty((steps, 4)), np.empty((steps, 3))) for c in controls}
        places = {slot: np.empty((steps, 3)) for slot in gauges}
        for step in range(steps):
            stage.show(step)
            for control in controls:
                turn, place = stage.channels(control.bone)
                own[control.bone][0][step], own[control.bone][1][step] = turn, place
            for slot, bone in gauges.items():
                places[slot][step] = stage.shown.pose.bones[bone].head
            if step % _AT_ONCE == _AT_ONCE - 1:
                yield None
    kept = {
        c.bone: (own[c.bone][0] if c.turns is not None else None, own[c.bone][1] if c.places is not None else None)
        for c in controls
    }
    yield kept, places


class _Stage:
    """A scene with the rig and an empty for each control, which the control follows."""

    def __init__(self, target: bpy.types.Object, controls: list[Control]) -> None:
        self._target, self._controls = target, controls

    def __enter__(self) -> _Stage:
        target = self._target
        animation_data = target.animation_data
        self._action = animation_data.action if animation_data is not None else None
        self._slot = getattr(animation_data, "action_slot", None)
        if self._action is not None:
            animation_data.action = None
        self._scene = bpy.data.scenes.new("Backlot Retarget")
        self._scene.collection.objects.link(target)
        self._empties, self._constraints = {}, []
        for control in self._controls:
            empty = bpy.data.objects.new("Backlot Goal", None)
            empty.rotation_mode = "QUATERNION"
            self._scene.collection.objects.link(empty)
            self._empties[control.bone] = empty
            bone = target.pose.bones[control.bone]
            kinds = (("COPY_LOCATION", control.places), ("COPY_ROTATION", control.turns))
            for kind, values in kinds:
                if values is not None:
                    constraint = bone.constraints.new(kind)
                    constraint.target = empty
                    self._constraints.append((bone, constraint))
        return self

    def show(self, step: int) -> None:
        world = self._target.matrix_world
        for control in self._controls:
            empty = self._empties[control.bone]
            if control.places is not None:
                empty.location = world @ Matrix.Translation(control.places[step]).translation
            if control.turns is not None:
                empty.rotation_quaternion = world.to_quaternion() @ Quaternion(control.turns[step])
        layer = self._scene.view_layers[0]
        layer.update()
        self.shown = self._target.evaluated_get(layer.depsgraph)

    def channels(self, bone: str) -> tuple[Quaternion, Any]:
        shown = self.shown.pose.bones[bone]
        local = self.shown.convert_space(pose_bone=shown, matrix=shown.matrix, from_space="POSE", to_space="LOCAL")
        return local.to_quaternion(), local.translation

    def __exit__(self, *_: object) -> None:
        for bone, constraint in self._constraints:
            bone.constraints.remove(constraint)
        for empty in self._empties.values():
            bpy.data.objects.remove(empty)
        bpy.data.scenes.remove(self._scene)
        if self._action is not None:
            self._target.animation_data.action = self._action
            if self._slot is not None:
                self._target.animation_data.action_slot = self._slot


def write(target: bpy.types.Object, curves: Any, frames: np.ndarray, bone: str, turned: Any, moved: Any) -> None:
    """Keys of one bone, in its own rotation mode."""
    pose = target.pose.bones[bone]
    base = f'pose.bones["{bone}"].'
    marks, kinds = animation.gap_marks(frames), np.full(len(frames), animation.KEYFRAME)
    channels = [] if moved is None else [("location", moved)]
    if turned is not None:
        channels.append(_rotation(pose.rotation_mode, without_jumps(turns.normalised(turned))))
    for name, values in channels:
        for axis in range(values.shape[1]):
            animation.write_curve(curves, base + name, axis, frames, values[:, axis], marks, kinds)


def _rotation(mode: str, turned: np.ndarray) -> tuple[str, np.ndarray]:
    if mode == "QUATERNION":
        return "rotation_quaternion", turned
    if mode == "AXIS_ANGLE":
        half = np.arccos(np.clip(turned[:, 0], -1, 1))
        axes = turned[:, 1:] / np.maximum(np.sin(half), 1e-9)[:, None]
        return "rotation_axis_angle", np.concatenate([2 * half[:, None], axes], axis=1)
    angles, before = [], None
    for turn in turned.tolist():
        euler = Quaternion(turn)
        before = euler.to_euler(mode, before) if before is not None else euler.to_euler(mode)
        angles.append(tuple(before))
    return "rotation_euler", np.array(angles)
