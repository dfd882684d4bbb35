"""Which bone of an unknown rig is which: by its name, and where names say nothing by where it is (numpy)."""

from __future__ import annotations

import itertools
import re

import numpy as np

from .bone_map import SLOTS
from .rig import Rig

_PREFIX = re.compile(r"^(mixamorig\d*[:_]?|def[-_]|org[-_]|bip\d*[ _]?|cc_base_|valvebiped[._]bip\d*_|.*:)", re.I)
_SIDE = (
    (re.compile(r"(^left|left$|[._ -]l$|^l[._ -]|[._ -]l[._ -]|[._ -]left[._ -]?)", re.I), "L"),
    (re.compile(r"(^right|right$|[._ -]r$|^r[._ -]|[._ -]r[._ -]|[._ -]right[._ -]?)", re.I), "R"),
)
_CALLED = {
    "pelvis": ("pelvis", "hips", "hip", "cog"),
    "spine": ("spine", "spine1", "abdomen", "spinelower", "waist"),
    "chest": ("chest", "upperchest", "spine2", "spine3", "torso", "spineupper", "abdomenupper"),
    "neck": ("neck", "neck1", "neck01", "necklower"),
    "head": ("head",),
    "shoulder": ("shoulder", "clavicle", "collar", "collarbone"),
    "upper_arm": ("upperarm", "arm", "uparm", "shldr", "shldrbend"),
    "forearm": ("forearm", "lowerarm", "loarm", "elbow", "forearmbend"),
    "hand": ("hand", "wrist"),
    "thigh": ("thigh", "upleg", "upperleg", "thighbend"),
    "shin": ("shin", "leg", "calf", "lowerleg", "loleg", "knee"),
    "foot": ("foot", "ankle"),
    "toe": ("toe", "toebase", "ball", "toes"),
}
"""Words for a part, the usual first, in small letters without signs."""
_RIGIFY = {"pelvis": "spine", "spine": "spine.001", "chest": "spine.003", "neck": "spine.004", "head": "spine.006"}
"""A metarig's trunk: numbers say nothing of which is which."""
_STEP = 0.02
"""Of the body's size: bones nearer to the middle than this are on it."""


def guess(rig: Rig) -> dict[str, str]:
    """slot -> bone, as far as it can be told; a bone is used once."""
    found = _by_name(rig)
    for slot, bone in _by_place(rig).items():
        if slot not in found and bone not in found.values():
            found[slot] = bone
    return {slot: found[slot] for slot in SLOTS if slot in found}


def _by_name(rig: Rig) -> dict[str, str]:
    found: dict[str, str] = {}
    if set(_RIGIFY.values()) <= set(rig.names) and "thigh.L" in rig.names:
        found.update(_RIGIFY)
    named = [(name, *_plain(name)) for name in rig.names]
    for part, words in _CALLED.items():
        for side in ("L", "R") if f"{part}.L" in SLOTS else ("",):
            slot = f"{part}.{side}" if side else part
            for word in words if slot not in found else ():
                bone = next((name for name, said, on in named if said == word and on == side), "")
                if bone and bone not in found.values():
                    found[slot] = bone
                    break
    return found


def _plain(name: str) -> tuple[str, str]:
    """`mixamorig:LeftUpLeg` -> `upleg`, `L`."""
    rest, side = _PREFIX.sub("", name), ""
    for pattern, letter in _SIDE:
        if pattern.search(rest):
            rest, side = pattern.sub("", rest, count=1), letter
            break
    return re.sub(r"[^a-z0-9]", "", rest.lower()), side


def _by_place(rig: Rig) -> dict[str, str]:
    """By the hierarchy: legs end lowest, arms farthest to the sides, the head is the highest in the middle."""
    axes = _axes(rig)
    if axes is None:
        return {}
    left, up = axes
    ends = np.array([bone for bone in range(len(rig.names)) if not len(rig.children(bone))])
    aside, height = rig.tails @ left, rig.tails @ up
    size = float(np.ptp(height)) or 1.0
    middle = np.abs(aside[ends]) < _STEP * size
    if not middle.any() or middle.all():
        return {}
    head = int(ends[middle][np.argmax(height[ends[middle]])])
    found: dict[str, str] = {}
    trunks = []
    for letter, sign in (("L", 1.0), ("R", -1.0)):
        own = ends[(sign * aside[ends] > _STEP * size)]
        if not len(own):
            return {}
        foot, hand = int(own[np.argmin(height[own])]), int(own[np.argmax(sign * aside[own])])
        leg, arm = _chain(rig, foot, head), _chain(rig, hand, head)
        trunks.append((rig.parents[leg[0]], rig.parents[arm[0]]))
        found |= _limb(rig, leg, ("", "thigh", "shin", "foot", "toe"), letter)
        found |= _limb(rig, arm, ("shoulder", "upper_arm", "forearm", "hand", ""), letter)
    pelvis, chest = (int(bone) for bone in trunks[0])
    if pelvis >= 0 and chest >= 0:
        found |= _trunk(rig, pelvis, chest, head)
    return found


def _trunk(rig: Rig, pelvis: int, chest: int, head: int) -> dict[str, str]:
    found = {"pelvis": pelvis}
    if chest != pelvis:
        found["chest"] = chest
        between = _below(rig, chest, pelvis)
        if between:
            found["spine"] = between[0]
    over = [*_below(rig, head, chest), head]
    found["head"] = over[1] if len(over) > 1 else over[0]
    if len(over) > 1:
        found["neck"] = over[0]
    return {slot: rig.names[bone] for slot, bone in found.items()}


def _chain(rig: Rig, end: int, head: int) -> list[int]:
    """From where the way to `end` leaves the way to the head, down to `end`."""
    trunk = {head, *rig.above(head)}
    way = [end, *(bone for bone in rig.above(end))]
    own = [bone for bone in way if bone not in trunk]
    return own[::-1]


def _below(rig: Rig, bone: int, top: int) -> list[int]:
    """The bones between `top` and `bone`, from the top."""
    above = rig.above(bone)
    return above[: above.index(top)][::-1] if top in above else []


def _limb(rig: Rig, chain: list[int], parts: tuple[str, ...], letter: str) -> dict[str, str]:
    """The two longest bones in a row are the limb; parts: what is before them, they, and what is after."""
    if len(chain) < 2:
        return {}
    lengths = np.array([np.linalg.norm(rig.heads[b] - rig.heads[a]) for a, b in itertools.pairwise(chain)])
    lengths = np.append(lengths, np.linalg.norm(rig.tails[chain[-1]] - rig.heads[chain[-1]]))
    first = int(np.argmax(lengths[:-1] + lengths[1:]))
    found = {}
    for offset, part in enumerate(parts, start=-1):
        at = first + offset
        if part and 0 <= at < len(chain):
            found[f"{part}.{letter}"] = rig.names[chain[at]]
    return found


def _axes(rig: Rig) -> tuple[np.ndarray, np.ndarray] | None:
    """Left and up in the armature: the rig is its own mirror image across, and the head is in the middle. None when it
    is not."""
    places = rig.heads - rig.heads.mean(0)
    size = float(np.ptp(places, axis=0).max())
    if size <= 0 or len(places) < 8:
        return None
    errors = [_mirror_error(rig.heads, axis) for axis in range(3)]
    across = int(np.argmin(errors))
    if errors[across] > _STEP * size:
        return None
    tall = max((axis for axis in range(3) if axis != across), key=lambda axis: float(np.ptp(rig.tails[:, axis])))
    top, bottom = np.argmax(rig.tails[:, tall]), np.argmin(rig.tails[:, tall])
    # The head is in the middle, the feet are not.
    up = np.eye(3)[tall] * (1.0 if abs(rig.tails[top, across]) <= abs(rig.tails[bottom, across]) else -1.0)
    deep = next(axis for axis in range(3) if axis not in (across, tall))
    lowest = rig.tails[np.argsort(rig.tails @ up)[:4], deep].mean()
    front = np.eye(3)[deep] * (1.0 if lowest > rig.heads[:, deep].mean() else -1.0)  # toes point forwards
    return np.cross(up, front), up


def _mirror_error(places: np.ndarray, axis: int) -> float:
    mirrored = places * np.where(np.arange(3) == axis, -1.0, 1.0)
    return float(np.linalg.norm(mirrored[:, None] - places[None], axis=-1).min(1).mean())
