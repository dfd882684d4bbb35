"""How two bodies at rest go together, however armatures, rest poses, rolls and proportions differ (numpy)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ..shared.motion_arrays import multiply
from . import turns
from .rig import Rig

LIMBS = (("upper_arm", "forearm", "hand"), ("thigh", "shin", "foot"))
_SNAP = np.radians(25.0)
"""Rest poses look along an axis of their armature; a spine that leans this much does not mean another one."""
_FLAT = 0.2


@dataclass(frozen=True)
class Body:
    """A rig with its bone map, in one space. index: slot -> bone. turn: from the armature to that space; scale and
    place likewise."""

    rig: Rig
    index: dict[str, int]
    turn: np.ndarray
    scale: float
    place: np.ndarray

    def at(self, points: np.ndarray) -> np.ndarray:
        return self.place + self.scale * turns.turned(self.turn, points)

    def head(self, slot: str) -> np.ndarray:
        """[3] at rest."""
        return self.at(self.rig.heads[self.index[slot]])

    def rest(self, slot: str) -> np.ndarray:
        """[4] orientation at rest."""
        return multiply(self.turn, self.rig.rests[self.index[slot]])

    def before(self, slot: str) -> str:
        """The slot whose bone carries another one: the nearest above it in the armature, else the pelvis."""
        above = self.rig.above(self.index[slot])
        slots = {bone: name for name, bone in self.index.items()}
        return next((slots[bone] for bone in above if bone in slots), "pelvis")

    @property
    def hips(self) -> np.ndarray:
        """[3]: the middle between the legs."""
        return 0.5 * (self.head("thigh.L") + self.head("thigh.R"))

    @property
    def leg(self) -> float:
        """Length of thigh and shin, the mean of both sides."""
        return float(np.mean([sum(self.lengths(f"thigh.{s}", f"shin.{s}", f"foot.{s}")) for s in "LR"]))

    def lengths(self, *slots: str) -> tuple[float, ...]:
        """Between the heads of each slot and the next."""
        heads = [self.head(slot) for slot in slots]
        return tuple(float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(heads))

    def basis(self) -> np.ndarray:
        """[4]: takes x to the body's left, z to its up, at rest."""
        left = self.head("thigh.L") - self.head("thigh.R")
        top = next((slot for slot in ("neck", "head", "chest", "spine") if slot in self.index), "")
        up = self.head(top) - self.hips if top else self.hips - 0.5 * (self.head("foot.L") + self.head("foot.R"))
        up, left = self._snapped(up), self._snapped(left)
        left = left - (left @ up) * up
        left /= np.linalg.norm(left)
        return turns.of_axes(left, np.cross(up, left), up)

    def along(self, slot: str, after: str) -> np.ndarray:
        """[3]: where a bone points at rest: to the joint after it; a hand or foot to what hangs on it."""
        if after in self.index:
            return self.head(after) - self.head(slot)
        bone = self.index[slot]
        below = self.rig.children(bone)
        tip = self.rig.heads[below].mean(0) if len(below) else self.rig.tails[bone]
        way = self.at(tip) - self.head(slot)
        return way if np.linalg.norm(way) > 1e-6 * self.leg else self.at(self.rig.tails[bone]) - self.head(slot)

    def sole(self, up: np.ndarray) -> float:
        """How high the ankles are over the soles at rest."""
        found = []
        for side in "LR":
            foot = self.index[f"foot.{side}"]
            below = [foot, *(b for b in range(len(self.rig.names)) if foot in self.rig.above(b))]
            points = self.at(np.concatenate([self.rig.heads[below], self.rig.tails[below]]))
            found.append(float((self.head(f"foot.{side}") - points).dot(up).max()))
        return float(np.mean(found))

    def _snapped(self, direction: np.ndarray) -> np.ndarray:
        unit = direction / np.linalg.norm(direction)
        axes = np.stack([turns.turned(self.turn, axis) for axis in np.eye(3)])
        axes = np.concatenate([axes, -axes])
        best = axes[int(np.argmax(axes @ unit))]
        return best if best @ unit > np.cos(_SNAP) else unit


@dataclass(frozen=True)
class Alignment:
    """across [4]: takes the target's rest pose to the source's heading. settled: slot -> [4], what then brings that
    bone of the target into the source's rest pose (arms of an A-pose up, feet to the same heading). scale: leg lengths,
    target to source. lift: how much higher the target's ankles stand over its soles than the source's, scaled."""

    across: np.ndarray
    settled: dict[str, np.ndarray]
    scale: float
    lift: float
    up: np.ndarray


def align(source: Body, target: Body) -> Alignment:
    """Both bodies in one space, with the same slots at least."""
    across = multiply(source.basis(), turns.inverse(target.basis()))
    up = turns.turned(source.basis(), np.array([0.0, 0.0, 1.0]))
    settled: dict[str, np.ndarray] = dict.fromkeys(target.index, turns.IDENTITY)
    for side in "LR":
        for chain in LIMBS:
            _settle_limb(source, target, across, settled, [f"{part}.{side}" for part in chain])
        _settle_foot(source, target, across, settled, side, up)
    scale = target.leg / source.leg
    return Alignment(across, settled, scale, target.sole(up) - scale * source.sole(up), up)


def _settle_limb(
    source: Body, target: Body, across: np.ndarray, settled: dict[str, np.ndarray], chain: list[str]
) -> None:
    """From the trunk outwards: each bone takes the turn before along, so that limbs do not twist."""
    before = turns.IDENTITY
    for slot, after in zip(chain, [*chain[1:], ""], strict=True):
        if slot.startswith("foot") or slot not in target.index or slot not in source.index:
            continue
        now = turns.turned(multiply(before, across), target.along(slot, after))
        before = multiply(turns.shortest(now, source.along(slot, after)), before)
        settled[slot] = before


def _settle_foot(
    source: Body, target: Body, across: np.ndarray, settled: dict[str, np.ndarray], side: str, up: np.ndarray
) -> None:
    """Feet at rest stand flat on the floor: only their heading differs, whatever the height of the heel."""
    foot, toe = f"foot.{side}", f"toe.{side}"
    now = turns.turned(across, target.along(foot, toe))
    wanted = source.along(foot, toe)
    now, wanted = (way - (way @ up) * up for way in (now, wanted))
    if min(np.linalg.norm(now), np.linalg.norm(wanted)) > _FLAT * 0.1 * source.leg:
        settled[foot] = turns.shortest(now, wanted)
    if toe in settled:
        settled[toe] = settled[foot]
