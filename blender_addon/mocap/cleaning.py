"""Foot lock and smoothing in the scene: the captured action stays, the cleaned motion has one of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..importers import animation, ownership
from ..shared.errors import InvalidRequest
from ..shared.motion_arrays import without_jumps
from . import names
from .actions import owned_action
from .cleanup import Cleaned, Settings, clean
from .rig import Poses, Rig, at_frames, key_values, keyed_poses, read_rig

_CHANNELS = ("rotation_quaternion", "location")


@dataclass(frozen=True)
class Outcome:
    """before, after: mm a frame that standing feet slide, if a unit is a metre. is_shown: the armature plays it; not
    when the artist has put something else in its place."""

    action: bpy.types.Action
    before: float | None
    after: float | None
    is_shown: bool

    @property
    def summary(self) -> str:
        """One line for the status bar."""
        said = f"{self.action.name}"
        if self.before is not None and self.after is not None:
            said += f": standing feet slide {self.after:.1f} mm a frame (captured: {self.before:.1f})"
        return said if self.is_shown else f"{said}. The armature plays another action of yours"


def settings_of(armature: bpy.types.Object) -> Settings:
    kept = armature.backlot_mocap
    return Settings(float(kept.lock), int(kept.blend), float(kept.smooth))


def clean_person(
    collection: bpy.types.Collection, armature: bpy.types.Object, settings: Settings, *, show: bool = True
) -> Outcome:
    """Makes or updates the cleaned action from the captured one, whose keys and contacts may be the artist's, and shows
    it. Settings that do nothing show the captured one. Raises `InvalidRequest`."""
    label = armature[names.LABEL]
    captured = ownership.recall(collection, names.action_role(label))
    if captured is None:
        raise InvalidRequest(f"The captured motion of {label} is gone.", "Press Import Motion.")
    rig = read_rig(armature)
    poses = keyed_poses(armature, captured, rig)
    curves = {(curve.data_path, curve.array_index): curve for curve in animation.channels(captured, armature)}
    cleaned = clean(rig, poses, _contacts(curves, rig, poses.frames), settings)
    action = captured
    if not settings.does_nothing:
        action = owned_action(collection, names.cleaned_role(label), f"{captured.name} Cleaned")
        _write(animation.channels(action, armature), curves, rig, poses, cleaned)
    size = armature.matrix_world.to_scale()[0]
    before, after = (value * size if value is not None else None for value in (cleaned.before, cleaned.after))
    return Outcome(action, before, after, show and _show(collection, armature, label, action))


def clean_again(collection: bpy.types.Collection, armature: bpy.types.Object, label: str) -> None:
    """After an import: what the artist has cleaned is made of the new motion, and shown only if it was."""
    cleaned = ownership.recall(collection, names.cleaned_role(label))
    held = armature.animation_data
    if cleaned is None or held is None:
        return
    clean_person(collection, armature, settings_of(armature), show=held.action == cleaned)


def _contacts(curves: dict[tuple[str, int], Any], rig: Rig, frames: np.ndarray) -> dict[str, np.ndarray]:
    found = {}
    for bone in rig.names:
        curve = curves.get((f'pose.bones["{bone}"]["{names.CONTACT}"]', 0))
        if curve is not None:
            found[bone] = at_frames(curve, frames)
    return found


def _write(target: Any, curves: dict[tuple[str, int], Any], rig: Rig, poses: Poses, cleaned: Cleaned) -> None:
    """All curves of the captured action, with the bones' channels as they are cleaned."""
    own = without_jumps(cleaned.own)
    kinds = np.full(len(poses.frames), animation.KEYFRAME)
    marks = animation.gap_marks(poses.frames)
    for (path, axis), curve in curves.items():
        start, _, what = path.rpartition(".")
        bone = rig.index.get(start.removeprefix('pose.bones["').removesuffix('"]')) if what in _CHANNELS else None
        if bone is None:
            frames, values = key_values(curve)
            animation.write_curve(target, path, axis, frames, values, *_looks(curve))
        else:
            values = (own if what == _CHANNELS[0] else cleaned.moved)[:, bone, axis]
            same = len(curve.keyframe_points) == len(poses.frames)
            animation.write_curve(target, path, axis, poses.frames, values, marks, _looks(curve)[1] if same else kinds)


def _looks(curve: Any) -> tuple[np.ndarray, np.ndarray]:
    """Interpolation and type of each key."""
    count = len(curve.keyframe_points)
    marks, kinds = np.empty(count, np.int32), np.empty(count, np.int32)
    curve.keyframe_points.foreach_get("interpolation", marks)
    curve.keyframe_points.foreach_get("type", kinds)
    return marks, kinds


def _show(collection: bpy.types.Collection, armature: bpy.types.Object, label: str, action: bpy.types.Action) -> bool:
    """Unless the artist has given the armature something else to play."""
    ours = [ownership.recall(collection, role(label)) for role in (names.action_role, names.cleaned_role)]
    held = armature.animation_data
    if held is not None and held.action is not None and held.action not in ours:
        return False
    if held is not None and held.action is None and held.nla_tracks:
        return False
    animation.assign(armature, action)
    return True
