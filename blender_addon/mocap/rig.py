"""An armature's bones and what its keys do with them, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import bpy
import numpy as np

from ..importers import animation
from ..shared.errors import InvalidRequest
from ..shared.motion_arrays import multiply
from . import turns


@dataclass(frozen=True)
class Rig:
    """names [B]; parents [B], -1 without, parents before children; heads, tails [B,3] and rests [B,4] in the armature,
    at rest; inherits [B]: turns with its parent."""

    names: tuple[str, ...]
    parents: np.ndarray
    heads: np.ndarray
    tails: np.ndarray
    rests: np.ndarray
    inherits: np.ndarray

    @cached_property
    def index(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names)}

    def children(self, bone: int) -> np.ndarray:
        return np.nonzero(self.parents == bone)[0]

    def above(self, bone: int) -> list[int]:
        """The bones from a bone's parent up to its root."""
        found, at = [], int(self.parents[bone])
        while at >= 0:
            found.append(at)
            at = int(self.parents[at])
        return found

    def from_parent(self, bone: int, parent_turns: np.ndarray | None) -> np.ndarray:
        """[T,4] or [4]: orientation in the armature of an unposed bone below a parent that is turned so."""
        parent = int(self.parents[bone])
        if parent < 0 or parent_turns is None or not self.inherits[bone]:
            return self.rests[bone]
        return multiply(multiply(parent_turns, turns.inverse(self.rests[parent])), self.rests[bone])


@dataclass(frozen=True)
class Poses:
    """frames [T]: scene frames. turns [T,B,4], places [T,B,3]: of every bone in the armature. own [T,B,4], moved
    [T,B,3]: what the channels say, from rest."""

    frames: np.ndarray
    turns: np.ndarray
    places: np.ndarray
    own: np.ndarray
    moved: np.ndarray


def read_rig(armature: bpy.types.Object) -> Rig:
    bones = list(armature.data.bones)
    index = {bone.name: number for number, bone in enumerate(bones)}
    matrices = np.array([bone.matrix_local for bone in bones]).reshape(-1, 4, 4)
    return Rig(
        tuple(index),
        np.array([index[bone.parent.name] if bone.parent is not None else -1 for bone in bones], int),
        np.array([bone.head_local for bone in bones]).reshape(-1, 3),
        np.array([bone.tail_local for bone in bones]).reshape(-1, 3),
        turns.of_matrices(matrices[:, :3, :3]),
        np.array([bone.use_inherit_rotation for bone in bones], bool),
    )


def keyed_poses(armature: bpy.types.Object, action: bpy.types.Action, rig: Rig) -> Poses:
    """What an action does on every frame on which it has a key. Raises `InvalidRequest` when it moves no bone."""
    curves = list(animation.channels(action, armature))
    bones = {f'pose.bones["{name}"].': number for name, number in rig.index.items()}
    moving = [(curve, *_channel(curve, bones)) for curve in curves]
    moving = [entry for entry in moving if entry[1] is not None]
    if not moving:
        raise InvalidRequest(
            f"The action {action.name} moves no bone of {armature.name}.", "Give the armature its motion again."
        )
    frames = np.unique(np.concatenate([key_values(curve)[0] for curve, _, _ in moving]))
    own = np.tile(turns.IDENTITY, (len(frames), len(rig.names), 1))
    moved = np.zeros((len(frames), len(rig.names), 3))
    for curve, bone, what in moving:
        values = at_frames(curve, frames)
        (own if what == "rotation_quaternion" else moved)[:, bone, curve.array_index] = values
    return posed(rig, frames, turns.normalised(own), moved)


def posed(rig: Rig, frames: np.ndarray, own: np.ndarray, moved: np.ndarray) -> Poses:
    """Forward kinematics: where channels bring the bones."""
    count = len(frames)
    found, places = np.empty((count, len(rig.names), 4)), np.empty((count, len(rig.names), 3))
    for bone, parent in enumerate(rig.parents):
        above = found[:, parent] if parent >= 0 else None
        unposed = rig.from_parent(bone, above)
        found[:, bone] = multiply(np.broadcast_to(unposed, (count, 4)), own[:, bone])
        places[:, bone] = rig.heads[bone]
        if parent >= 0:
            turn = multiply(found[:, parent], turns.inverse(rig.rests[parent]))
            places[:, bone] = places[:, parent] + turns.turned(turn, rig.heads[bone] - rig.heads[parent])
        places[:, bone] += turns.turned(unposed, moved[:, bone])
    return Poses(frames, found, places, own, moved)


def key_values(curve: Any) -> tuple[np.ndarray, np.ndarray]:
    """Frames and values of a curve's keys."""
    flat = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", flat)
    return flat[0::2].astype(float), flat[1::2].astype(float)


def at_frames(curve: Any, frames: np.ndarray) -> np.ndarray:
    """The curve's values there, its modifiers included."""
    at, values = key_values(curve)
    if len(at) == len(frames) and np.array_equal(at, frames) and not len(curve.modifiers):
        return values
    return np.array([curve.evaluate(frame) for frame in frames.tolist()])


def _channel(curve: Any, bones: dict[str, int]) -> tuple[int | None, str]:
    """The bone that a curve turns or moves, None for others."""
    start, _, what = curve.data_path.rpartition(".")
    if what not in ("rotation_quaternion", "location"):
        return None, what
    return bones.get(f"{start}."), what
