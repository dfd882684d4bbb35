"""Keys in bulk, in every Blender from 4.2 to 5.2.

Blender 4.4 gave actions slots, layers and strips; 5.0 removed the flat `Action.fcurves`. Nothing else
in the extension knows the difference.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

CONSTANT, LINEAR = 0, 1
"""`Keyframe.interpolation` as numbers, the form that `foreach_set` takes."""
KEYFRAME, BREAKDOWN = 0, 2
"""`Keyframe.type` as numbers: breakdown keys are drawn smaller and mark bridged frames."""
_AUTO_CLAMPED = 4


def channels(action: bpy.types.Action, owner: bpy.types.ID) -> Any:
    """The collection of F-curves of `owner` in `action`, made if need be."""
    if not hasattr(action, "slots"):
        return action.fcurves
    slot = next((s for s in action.slots if s.target_id_type in (owner.id_type, "UNSPECIFIED")), None)
    if slot is None:
        slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    layer = action.layers[0] if action.layers else action.layers.new("Backlot")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True).fcurves


def assign(owner: bpy.types.ID, action: bpy.types.Action) -> None:
    """Makes `action` the animation of `owner`."""
    animation = owner.animation_data_create()
    animation.action = action
    if hasattr(action, "slots"):
        animation.action_slot = next(s for s in action.slots if s.target_id_type in (owner.id_type, "UNSPECIFIED"))


def assign_first(owner: bpy.types.ID, action: bpy.types.Action) -> None:
    """Assigns the action unless the artist has put another one, or an NLA strip, in its place."""
    held = owner.animation_data
    if held is None or (held.action is None and not held.nla_tracks):
        assign(owner, action)


def write_curve(
    curves: Any,
    data_path: str,
    index: int,
    frames: np.ndarray,
    values: np.ndarray,
    marks: np.ndarray,
    kinds: np.ndarray,
) -> None:
    """Replaces the keys of one F-curve; a curve that exists keeps its modifiers, colour and mute.

    frames, values: [T]. marks: [T] interpolation from each key to the next. kinds: [T] key types.
    """
    curve = curves.find(data_path, index=index) or curves.new(data_path, index=index)
    count = len(frames)
    coordinates = np.stack([frames, values], axis=-1).astype(np.float32)
    points = curve.keyframe_points
    points.clear()
    points.add(count)
    points.foreach_set("co", coordinates.ravel())
    points.foreach_set("interpolation", np.ascontiguousarray(marks, dtype=np.int32))
    points.foreach_set("type", np.ascontiguousarray(kinds, dtype=np.int32))
    for side in ("handle_left_type", "handle_right_type"):
        points.foreach_set(side, np.full(count, _AUTO_CLAMPED, dtype=np.int32))
    curve.update()


def remove_curve(curves: Any, data_path: str) -> None:
    """Removes the F-curve of a property that no longer varies, if there is one."""
    curve = curves.find(data_path)
    if curve is not None:
        curves.remove(curve)


def gap_marks(frames: np.ndarray) -> np.ndarray:
    """Interpolation of each key: linear to the next frame, constant before a gap. A frame that was not
    solved must not look as if it were: the camera stands still there instead of gliding."""
    marks = np.full(len(frames), LINEAR, dtype=np.int32)
    marks[:-1][np.diff(frames) > 1] = CONSTANT
    return marks
