"""A person's motion as F-curves: what bones do, how sure that is, and where feet stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

from ..importers import animation, ownership
from . import names
from .bones import ROOT_BONE, BonePlan, PoseKeys
from .contents import Person

_HELP = {
    names.STATE: "What the frame is: 2 seen, 1 bridged, 0 not seen (the pose is that of the last frame before)",
    names.CONFIDENCE: "How sure this joint is, 0 to 1",
    names.CONTACT: "How much this joint stands on the floor, 0 to 1; the foot lock follows it, so you may change it",
}


def import_action(
    collection: bpy.types.Collection, thing: bpy.types.Object, person: Person, name: str
) -> Iterator[None]:
    """Writes the captured motion, a bone in each step; assigned unless the artist has put something in its place."""
    action = owned_action(collection, names.action_role(person.label), name)
    curves = animation.channels(action, thing)
    keys, plan = person.keys, person.plan
    write_ways(curves, keys, plan)
    _write_state(curves, thing, person)
    yield
    shown = person.motion.known
    for joint, bone in enumerate(plan.names):
        write_turns(curves, bone, keys, joint)
        path = f'pose.bones["{bone}"]["{names.CONFIDENCE}"]'
        _property(thing.pose.bones[bone], names.CONFIDENCE, 1.0)
        sure = np.nan_to_num(person.motion.confidence[shown, joint])
        _steady(curves, path, keys.frames, sure, keys)
        yield
    for row, joint in enumerate(person.motion.contact_joints):
        bone = plan.names[person.motion.index(joint)]
        _property(thing.pose.bones[bone], names.CONTACT, 0.0)
        path = f'pose.bones["{bone}"]["{names.CONTACT}"]'
        _steady(curves, path, keys.frames, np.nan_to_num(person.motion.contacts[shown, row]), keys)
    yield
    animation.assign_first(thing, action)


def owned_action(collection: bpy.types.Collection, role: str, name: str) -> bpy.types.Action:
    """The action of a role, made if need be."""
    known = ownership.recall(collection, role)
    if known is not None:
        return known
    made = bpy.data.actions.new(name)
    made.use_fake_user = True  # the other of captured and cleaned motion has no user
    ownership.remember(collection, role, made)
    return made


def write_turns(curves: Any, bone: str, keys: PoseKeys, joint: int) -> None:
    """The four curves of a bone's quaternion."""
    marks, kinds = _marks(keys)
    path = f'pose.bones["{bone}"].rotation_quaternion'
    for axis in range(4):
        animation.write_curve(curves, path, axis, keys.frames, keys.turns[:, joint, axis], marks, kinds)


def write_ways(curves: Any, keys: PoseKeys, plan: BonePlan) -> None:
    """The way over the ground on the bone `root`, the rest on the pelvis."""
    marks, kinds = _marks(keys)
    for bone, values in ((ROOT_BONE, keys.way), (plan.names[0], keys.rise)):
        for axis in range(3):
            path = f'pose.bones["{bone}"].location'
            animation.write_curve(curves, path, axis, keys.frames, values[:, axis], marks, kinds)


def _write_state(curves: Any, thing: bpy.types.Object, person: Person) -> None:
    """Keys where it changes."""
    _property(thing, names.STATE, 2)
    changes = np.concatenate([[True], np.diff(person.states) != 0])
    frames = person.motion.frames[changes]
    marks = np.full(len(frames), animation.CONSTANT)
    path, kinds = f'["{names.STATE}"]', np.full(len(frames), animation.KEYFRAME)
    animation.write_curve(curves, path, 0, frames, person.states[changes].astype(float), marks, kinds)


def _steady(curves: Any, path: str, frames: np.ndarray, values: np.ndarray, keys: PoseKeys) -> None:
    """A curve with keys only where the value bends: lines between them say the same."""
    marks, kinds = _marks(keys)
    kept = np.ones(len(values), bool)
    straight = (
        (np.abs(np.diff(values, 2)) < 1e-6) & (marks[:-2] == animation.LINEAR) & (marks[1:-1] == animation.LINEAR)
    )
    kept[1:-1] = ~straight
    animation.write_curve(curves, path, 0, frames[kept], values[kept], marks[kept], kinds[kept])


def _property(owner: Any, name: str, value: float) -> None:
    if name not in owner:
        owner[name] = value
        owner.id_properties_ui(name).update(description=_HELP[name])


def _marks(keys: PoseKeys) -> tuple[np.ndarray, np.ndarray]:
    kinds = np.where(keys.bridged, animation.BREAKDOWN, animation.KEYFRAME)
    return animation.gap_marks(keys.frames), kinds
