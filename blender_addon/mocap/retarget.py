"""One body's motion on another body (numpy).

Every bone of the target turns as the source's does, from a common rest pose. The way is scaled by the leg lengths;
then legs and arms are bent so that ankles and wrists are where the scaled source has them. Twist is never added, so
that nothing flips.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..shared.motion_arrays import multiply
from . import limbs, turns
from .alignment import Alignment, Body, align
from .rig import Poses

_LEAN = {"spine": np.radians(10.0), "chest": np.radians(15.0)}
"""How far a trunk leans to bring shoulders nearer to what hands do not reach."""
_SHRUG = np.radians(25.0)
"""How far a collarbone goes to help an arm that is too short."""
_EASE = 0.02
"""Share of an arm's length on which it stretches ever more slowly: elbows must not snap; legs stand and may not."""
_NEAR = 0.98
"""Share of an arm's length that hands reach without help."""
_FLOOR = 2.0
"""Percentile of the lowest foot points that counts as the floor."""
_TRUNK = ("pelvis", "spine", "chest", "neck", "head")


@dataclass(frozen=True)
class Options:
    """hands, feet: 0..1, how much their places follow the source rather than the angles. on_floor: soles stand as high
    as the source's. scale_way: the way is scaled by the leg lengths (else the rig was scaled to the person)."""

    hands: float = 1.0
    feet: float = 1.0
    on_floor: bool = True


@dataclass(frozen=True)
class Retargeted:
    """In the space of the bodies. turns: slot -> [T,4] and places: slot -> [T,3] of the target's bones. goals: slot ->
    [T,3], where hands and feet should be. middles: slot of the upper bone -> [T,3], where knees and elbows point.
    scale: leg lengths, target to source."""

    turns: dict[str, np.ndarray]
    places: dict[str, np.ndarray]
    goals: dict[str, np.ndarray]
    middles: dict[str, np.ndarray]
    alignment: Alignment
    errors: dict[str, np.ndarray] = field(default_factory=dict)


def retarget(source: Body, poses: Poses, target: Body, options: Options) -> Retargeted:
    """poses: of the source, in its armature. The slots of the target are in the source's too."""
    fit = align(source, target)
    deltas = {slot: _delta(source, poses, slot) for slot in target.index}
    rested = {slot: multiply(fit.settled[slot], multiply(fit.across, target.rest(slot))) for slot in target.index}
    turned = {slot: multiply(deltas[slot], rested[slot]) for slot in target.index}
    seen = {slot: source.at(poses.places[:, source.index[slot]]) for slot in target.index}
    lift = fit.lift * fit.up if options.on_floor else np.zeros(3)
    pivot = _pivot(source, poses, fit)
    scaled = {slot: pivot + fit.scale * (places - pivot) for slot, places in seen.items()}
    hips = 0.5 * (scaled["thigh.L"] + scaled["thigh.R"]) + lift
    work = _Work(target, turned, {}, rested, hips)
    work.place_trunk()
    hands = [f"hand.{side}" for side in "LR" if set(_arm(side)) <= set(target.index)]
    if options.hands > 0:
        work.lean({slot: scaled[slot] for slot in hands})
    goals: dict[str, np.ndarray] = {}
    middles: dict[str, np.ndarray] = {}
    for side in "LR":
        foot = f"foot.{side}"
        goals[foot] = scaled[foot] + lift
        middles[f"thigh.{side}"] = work.leg(side, goals[foot], scaled[f"shin.{side}"], options.feet)
        if f"hand.{side}" in hands:
            goals[f"hand.{side}"] = scaled[f"hand.{side}"]
            middles[f"upper_arm.{side}"] = work.arm(side, goals[f"hand.{side}"], options.hands)
    errors = {slot: np.linalg.norm(work.places[slot] - goal, axis=1) for slot, goal in goals.items()}
    return Retargeted(work.turned, work.places, goals, middles, fit, errors)


def _arm(side: str) -> list[str]:
    return [f"{part}.{side}" for part in ("upper_arm", "forearm", "hand")]


def _delta(source: Body, poses: Poses, slot: str) -> np.ndarray:
    """[T,4]: how a bone of the source is turned from rest."""
    bone = source.index[slot]
    return multiply(multiply(source.turn, poses.turns[:, bone]), turns.inverse(source.rest(slot)))


def _pivot(source: Body, poses: Poses, fit: Alignment) -> np.ndarray:
    """[3]: on the floor, under where the person stands first."""
    rig, feet = source.rig, [source.index[f"foot.{side}"] for side in "LR"]
    below = [bone for bone in range(len(rig.names)) if set(rig.above(bone)) & set(feet)] or feet
    points = source.at(poses.places[:, below])
    floor = np.percentile((points @ fit.up).min(1), _FLOOR)
    start = source.at(poses.places[0, source.index["pelvis"]])
    return start + (floor - start @ fit.up) * fit.up


@dataclass
class _Work:
    """The target's bones while they come to their places. hips [T,3]: the middle between the legs."""

    target: Body
    turned: dict[str, np.ndarray]
    places: dict[str, np.ndarray]
    rested: dict[str, np.ndarray]
    hips: np.ndarray

    def place_trunk(self) -> None:
        pelvis = self.target.head("pelvis") - self.target.hips
        turn = self._from_rest("pelvis")
        self.places["pelvis"] = self.hips + turns.turned(turn, pelvis)
        sided = [f"{part}.{side}" for side in "LR" for part in ("shoulder", "upper_arm", "thigh")]
        for slot in (*_TRUNK[1:], *sided):
            if slot in self.target.index:
                self._hang(slot)

    def lean(self, goals: dict[str, np.ndarray]) -> None:
        """Turns spine and chest, with the collarbones, towards hands that the arms do not reach; the head stays."""
        for slot, most in _LEAN.items():
            if slot not in self.target.index:
                continue
            turn = turns.of_vectors(sum(self._leaning(slot, hand, goal) for hand, goal in goals.items()) + np.zeros(3))
            angle = turns.angle_between(turn, turns.IDENTITY)
            turn = turns.part(turn, np.minimum(1.0, most / np.maximum(angle, 1e-9)))
            moved = [s for s in _LEAN if s in self.target.index and self._is_on(s, slot)]
            moved += [f"shoulder.{side}" for side in "LR" if f"shoulder.{side}" in self.target.index]
            for other in moved:
                self.turned[other] = multiply(turn, self.turned[other])
            self.place_trunk()

    def _leaning(self, slot: str, hand: str, goal: np.ndarray) -> np.ndarray:
        """[T,3]: the turn about a bone, as a rotation vector, that brings a shoulder as far as its hand lacks."""
        arm = _arm(hand[-1])
        pivot, shoulder = self.places[slot], self.places[arm[0]]
        way = goal - shoulder
        far = np.linalg.norm(way, axis=1, keepdims=True)
        lacking = np.maximum(far - _NEAR * sum(self.target.lengths(*arm)), 0.0)
        wanted = shoulder + lacking * way / np.maximum(far, 1e-9)
        return turns.vectors(turns.shortest(shoulder - pivot, wanted - pivot))

    def _is_on(self, slot: str, below: str) -> bool:
        return slot == below or self.target.index[below] in self.target.rig.above(self.target.index[slot])

    def leg(self, side: str, goal: np.ndarray, knee: np.ndarray, weight: float) -> np.ndarray:
        upper, lower, end, toe = (f"{part}.{side}" for part in ("thigh", "shin", "foot", "toe"))
        self._hang(lower)
        self._hang(end)
        middle = self._reach(upper, lower, end, goal, weight)
        if toe in self.target.index:
            self._hang(toe)
        return middle

    def arm(self, side: str, goal: np.ndarray, weight: float) -> np.ndarray:
        upper, lower, end, shoulder = (f"{part}.{side}" for part in ("upper_arm", "forearm", "hand", "shoulder"))
        if shoulder in self.target.index and weight > 0:
            self._shrug(shoulder, upper, goal, sum(self.target.lengths(upper, lower, end)))
        self._hang(lower)
        self._hang(end)
        return self._reach(upper, lower, end, goal, weight, _EASE)

    def _shrug(self, shoulder: str, upper: str, goal: np.ndarray, length: float) -> None:
        """Turns the collarbone towards a goal that is out of the arm's reach."""
        collar, here = self.places[shoulder], self.places[upper]
        way = here - collar
        wanted = here.copy()
        for _ in range(8):
            to_goal = goal - wanted
            far = np.linalg.norm(to_goal, axis=1, keepdims=True)
            missing = np.maximum(far - _NEAR * length, 0.0)
            arm = wanted + missing * to_goal / np.maximum(far, 1e-9) - collar
            arm *= np.linalg.norm(way, axis=1, keepdims=True) / np.maximum(
                np.linalg.norm(arm, axis=1, keepdims=True), 1e-9
            )
            wanted = collar + arm
        turn = turns.shortest(way, wanted - collar)
        angle = turns.angle_between(turn, turns.IDENTITY)
        turn = turns.part(turn, np.minimum(1.0, _SHRUG / np.maximum(angle, 1e-9)))
        self.turned[shoulder] = multiply(turn, self.turned[shoulder])
        self.places[upper] = collar + turns.turned(turn, way)

    def _reach(
        self, upper: str, lower: str, end: str, goal: np.ndarray, weight: float, ease: float = 0.0
    ) -> np.ndarray:
        """Bends a limb; returns where its middle joint then is."""
        roots, middles, ends = (self.places[slot] for slot in (upper, lower, end))
        aim = ends + weight * (goal - ends)
        one, two = self.target.lengths(upper, lower, end)
        sides = limbs.sides_of(roots, middles, ends, self._usual(upper))
        bent = limbs.bend(roots, aim, one, two, sides, ease)
        self.turned[upper] = limbs.swung(self.turned[upper], middles - roots, bent.middles - roots)
        # The lower bone goes along, then swings by itself.
        carried = multiply(turns.shortest(middles - roots, bent.middles - roots), self.turned[lower])
        was = turns.turned(turns.shortest(middles - roots, bent.middles - roots), ends - middles)
        self.turned[lower] = limbs.swung(carried, was, bent.ends - bent.middles)
        self.places[lower], self.places[end] = bent.middles, bent.ends
        return bent.middles

    def _usual(self, upper: str) -> np.ndarray:
        """[T,3]: knees point forwards, elbows backwards, from the bone's own turn."""
        forwards = -1.0 if upper.startswith("thigh") else 1.0
        back = turns.turned(self.target.basis(), np.array([0.0, forwards, 0.0]))
        return turns.turned(self._from_rest(upper), back)

    def _hang(self, slot: str) -> None:
        """The place of a bone on the one that carries it."""
        before = self.target.before(slot)
        way = self.target.head(slot) - self.target.head(before)
        self.places[slot] = self.places[before] + turns.turned(self._from_rest(before), way)

    def _from_rest(self, slot: str) -> np.ndarray:
        """[T,4]: takes directions of the target at rest to where they are now."""
        return multiply(self.turned[slot], turns.inverse(self.target.rest(slot)))
