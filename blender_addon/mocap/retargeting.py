"""Retargeting in the scene: from a person's armature to any rig, in steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix

from ..importers import animation
from ..shared.errors import InvalidRequest
from . import bone_map, channels, controls, turns
from .alignment import Body
from .guess import guess
from .retarget import Options, Retargeted, retarget
from .rig import Rig, keyed_poses, read_rig

MADE = "backlot_retargeted"
"""Custom property of a rig: the action that retargeting has made for it."""
_EVEN = 1e-3
_BONES_AT_ONCE = 3


@dataclass(frozen=True)
class Outcome:
    """frames: keys. scale: leg lengths, rig to person. worst [slot]: largest distance of a hand or foot from its goal,
    world units."""

    action: bpy.types.Action
    frames: int
    scale: float
    worst: dict[str, float]

    @property
    def summary(self) -> str:
        """One line for the status bar."""
        feet = max((error for slot, error in self.worst.items() if slot.startswith("foot")), default=0.0)
        hands = max((error for slot, error in self.worst.items() if slot.startswith("hand")), default=0.0)
        return (
            f"{self.frames} frames on {self.action.name}; legs {self.scale:.2f} times as long; "
            f"feet at most {100 * feet:.1f} cm off, hands {100 * hands:.1f} cm"
        )


def guessed(armature: bpy.types.Object) -> dict[str, str]:
    """slot -> bone of a rig, as far as it can be told; of a generated Rigify rig the bones of its metarig."""
    rig = read_rig(armature)
    if not controls.is_generated(armature.data):
        return guess(rig)
    names = [name for name in rig.names if name.startswith("ORG-")]
    found = guess(_renamed(rig, names))
    return {slot: f"ORG-{bone}" for slot, bone in found.items()}


def check(source: bpy.types.Object | None, target: bpy.types.Object | None) -> None:
    """Raises `InvalidRequest` when the two cannot be brought together."""
    for thing, what in ((source, "person"), (target, "rig")):
        if thing is None or thing.type != "ARMATURE":
            raise InvalidRequest(f"There is no {what} to retarget.", f"Choose an armature as {what}.")
        if any(abs(one - thing.matrix_world.to_scale()[0]) > _EVEN * abs(one) for one in thing.matrix_world.to_scale()):
            raise InvalidRequest(f"{thing.name} is scaled unevenly.", "Apply its scale (Ctrl A) first.")
        if thing.mode == "EDIT":
            raise InvalidRequest(f"{thing.name} is in Edit Mode.", "Leave it first (Tab).")
    if source == target:
        raise InvalidRequest(f"{source.name} is both person and rig.", "Choose another armature as rig.")
    if target.library is not None or (target.override_library is None and target.data.library is not None):
        raise InvalidRequest(f"{target.name} is linked from another file.", "Make a library override of it first.")
    if source.animation_data is None or source.animation_data.action is None:
        raise InvalidRequest(f"{source.name} has no action.", "Import its motion again.")


def retarget_steps(
    source: bpy.types.Object,
    target: bpy.types.Object,
    bones: dict[str, str],
    options: Options,
    scale_rig: bool = False,
) -> Iterator[Outcome | None]:
    """Keys the rig's own bones in an action of their own, in short steps; the last yields the outcome. bones: slot ->
    bone of the target. scale_rig: the rig is made as large as the person, else its way as long as its legs.
    Raises `InvalidRequest`."""
    check(source, target)
    rig, own = read_rig(target), read_rig(source)
    used = bone_map.require(bones, set(rig.names), target.name)
    known = guessed(source)
    shared = {slot: bone for slot, bone in used.items() if slot in known}
    bone_map.require({slot: known[slot] for slot in shared}, set(own.names), source.name)
    body = _body(rig, shared, Matrix.Identity(4))
    if scale_rig:
        _scale_to(source, target, _body(own, known, Matrix.Identity(4)).leg, body.leg)
    poses = keyed_poses(source, source.animation_data.action, own)
    yield None
    person = _body(own, {slot: known[slot] for slot in shared}, target.matrix_world.inverted() @ source.matrix_world)
    motion = retarget(person, poses, body, options)
    yield None
    yield from _key(source, target, rig, body, poses.frames, motion)


def _key(
    source: bpy.types.Object, target: bpy.types.Object, rig: Rig, body: Body, frames: np.ndarray, motion: Retargeted
) -> Iterator[Outcome | None]:
    controls.prepare(target)
    keyed = controls.controls_of(target.data, body, motion)
    errors = motion.errors
    if channels.is_plain(target, keyed, rig):
        own = channels.reckoned(target, keyed, rig)
    else:
        gauges = {slot: rig.names[body.index[slot]] for slot in motion.goals}
        for made in channels.evaluated(target, keyed, gauges, len(frames)):  # noqa: B007
            yield None
        assert made is not None
        own, places = made
        errors = {slot: np.linalg.norm(places[slot] - goal, axis=1) for slot, goal in motion.goals.items()}
    action = _action(source, target)
    curves = animation.channels(action, target)
    for number, (bone, (turned, moved)) in enumerate(own.items()):
        channels.write(target, curves, frames, bone, turned, moved)
        if number % _BONES_AT_ONCE == _BONES_AT_ONCE - 1:
            yield None
    animation.assign(target, action)
    size = target.matrix_world.to_scale()[0]
    worst = {slot: size * float(error.max()) for slot, error in errors.items()}
    yield Outcome(action, len(frames), motion.alignment.scale, worst)


def _body(rig: Rig, bones: dict[str, str], matrix: Matrix) -> Body:
    index = {slot: rig.index[bone] for slot, bone in bones.items()}
    turn = turns.normalised(np.array(matrix.to_quaternion()))
    return Body(rig, index, turn, float(matrix.to_scale()[0]), np.array(matrix.translation))


def _scale_to(source: bpy.types.Object, target: bpy.types.Object, person_leg: float, rig_leg: float) -> None:
    """Makes the rig so large that its legs are as long as the person's."""
    wanted = person_leg * source.matrix_world.to_scale()[0] / (rig_leg * target.matrix_world.to_scale()[0])
    target.scale *= wanted
    bpy.context.view_layer.update()


def _action(source: bpy.types.Object, target: bpy.types.Object) -> bpy.types.Action:
    """The rig's action for retargeted motion; what it had before stays in the file."""
    known = target.get(MADE)
    held = target.animation_data
    if held is not None and held.action is not None and held.action != known:
        held.action.use_fake_user = True
    if known is not None:
        curves = animation.channels(known, target)
        for curve in list(curves):
            curves.remove(curve)
        return known
    made = bpy.data.actions.new(f"{target.name} from {source.name}")
    target[MADE] = made
    return made


def _renamed(rig: Rig, names: list[str]) -> Rig:
    """The rig of a generated rig's original bones alone, under their metarig's names."""
    kept = [rig.index[name] for name in names]
    number = {bone: at for at, bone in enumerate(kept)}
    parents = [next((number[b] for b in rig.above(bone) if b in number), -1) for bone in kept]
    return Rig(
        tuple(name.removeprefix("ORG-") for name in names), np.array(parents, int), rig.heads[kept], rig.tails[kept],
        rig.rests[kept], rig.inherits[kept],
    )  # fmt: skip


def retarget_now(*arguments: object, **options: object) -> Outcome:
    """All steps at once."""
    outcome = None
    for step in retarget_steps(*arguments, **options):  # type: ignore[arg-type]
        outcome = step
    assert outcome is not None
    return outcome
