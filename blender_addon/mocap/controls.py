"""Which bones of a rig carry a motion: its own bones, or the controls of a generated Rigify rig."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..shared.motion_arrays import multiply
from . import turns
from .alignment import Body
from .retarget import Retargeted

_ORG = "ORG-"
_RIGIFY_TRUNK = {"torso": "pelvis", "chest": "chest", "neck": "neck", "head": "head"}
_RIGIFY_SIDED = {"shoulder": "shoulder", "hand_ik": "hand", "foot_ik": "foot", "toe_ik": "toe", "toe": "toe"}
_RIGIFY_POLES = {"upper_arm_ik_target": ("upper_arm", "forearm", "hand"), "thigh_ik_target": ("thigh", "shin", "foot")}
_MOVED = ("pelvis", "hand", "foot")
_POLE_AWAY = 0.6
"""Of the limb's length."""


@dataclass(frozen=True)
class Control:
    """turns [T,4], None when the bone only moves. places [T,3], None when it only turns. Both in the armature."""

    bone: str
    turns: np.ndarray | None
    places: np.ndarray | None


def is_generated(data: bpy.types.Armature) -> bool:
    """Whether an armature is a rig that Rigify has generated, with its controls."""
    return {"torso", "ORG-spine", "foot_ik.L", "hand_ik.R"} <= set(data.bones.keys())


def geometry_name(data: bpy.types.Armature, bone: str) -> str:
    """The bone that shows where a part of a generated rig is: its metarig's."""
    return f"{_ORG}{bone}" if is_generated(data) and f"{_ORG}{bone}" in data.bones else bone


def controls_of(data: bpy.types.Armature, body: Body, motion: Retargeted) -> list[Control]:
    """What is to be keyed, parents first."""
    if is_generated(data):
        found = _rigify(body, motion)
        order = {bone.name: number for number, bone in enumerate(data.bones)}
        return sorted(found, key=lambda control: order[control.bone])
    return [
        Control(body.rig.names[body.index[slot]], turned, motion.places[slot] if slot == "pelvis" else None)
        for slot, turned in motion.turns.items()
    ]


def _rigify(body: Body, motion: Retargeted) -> list[Control]:
    """Controls go with the bones of their parts, as if they were fixed to them."""
    pairs = dict(_RIGIFY_TRUNK)
    pairs |= {f"{name}.{side}": f"{slot}.{side}" for name, slot in _RIGIFY_SIDED.items() for side in "LR"}
    found = []
    for name, slot in pairs.items():
        if name not in body.rig.index or slot not in motion.turns:
            continue
        turn = multiply(motion.turns[slot], turns.inverse(body.rest(slot)))
        control = body.rig.index[name]
        away = body.rig.heads[control] - body.head(slot)
        place = motion.places[slot] + turns.turned(turn, away)
        moves = slot.split(".")[0] in _MOVED
        found.append(Control(name, multiply(turn, body.rig.rests[control]), place if moves else None))
    for side in "LR":
        for name, parts in _RIGIFY_POLES.items():
            bone, limb = f"{name}.{side}", [f"{part}.{side}" for part in parts]
            if bone in body.rig.index and limb[0] in motion.middles:
                found.append(Control(bone, None, _pole(body, motion, limb)))
    return found


def _pole(body: Body, motion: Retargeted, limb: list[str]) -> np.ndarray:
    """[T,3]: well off the limb, where its middle joint points."""
    roots, middles, ends = (motion.places[slot] for slot in limb)
    along = ends - roots
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    off = middles - roots
    off = off - (off * along).sum(1, keepdims=True) * along
    off /= np.maximum(np.linalg.norm(off, axis=1, keepdims=True), 1e-9)
    return middles + _POLE_AWAY * sum(body.lengths(*limb)) * off


def prepare(target: bpy.types.Object) -> None:
    """Sets a generated rig's limbs to follow their IK controls and poles."""
    if not is_generated(target.data):
        return
    for side in "LR":
        for part in ("upper_arm_parent", "thigh_parent"):
            bone = target.pose.bones.get(f"{part}.{side}")
            if bone is None:
                continue
            for name, value in (("IK_FK", 0.0), ("pole_vector", 1)):
                if name in bone:
                    bone[name] = type(bone[name])(value)
    target.update_tag()
