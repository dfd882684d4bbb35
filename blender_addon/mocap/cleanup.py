"""Foot lock and smoothing of a person's motion, after its import (numpy).

Smoothing makes the body's motion calmer; the foot lock then holds standing feet where they stand, as the contact curves
say, and bends the legs to it. Between contacts what the lock moved a foot by fades away.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..shared.motion_arrays import multiply, without_jumps
from . import limbs, turns
from .rig import Poses, Rig, posed

_STANDS = 0.5
"""Contact from which a foot stands."""
_LEG = ("thigh", "shin", "foot")
_POINTS = ("heel", "toe")


@dataclass(frozen=True)
class Settings:
    """lock: 0..1, how firmly standing feet are held. blend: frames in which a held foot comes and goes. smooth: frames
    about each that are averaged (standard deviation of a Gaussian), 0 for none."""

    lock: float = 1.0
    blend: int = 4
    smooth: float = 0.0

    @property
    def does_nothing(self) -> bool:
        return self.lock <= 0 and self.smooth <= 0


@dataclass(frozen=True)
class Cleaned:
    """own [T,B,4], moved [T,B,3]: channels of the bones. before, after: how far standing feet slide in a frame,
    thousandths of a unit; None where nothing stands."""

    own: np.ndarray
    moved: np.ndarray
    before: float | None
    after: float | None


def clean(rig: Rig, poses: Poses, contacts: dict[str, np.ndarray], settings: Settings) -> Cleaned:
    """contacts: bone of a contact joint (`heel.L`, `toe.L`, ...) -> [T] 0..1. Other bones' channels come back as they
    were."""
    own, moved = poses.own.copy(), poses.moved.copy()
    if settings.smooth > 0:
        for run in _runs(poses.frames):
            own[run] = _smooth_turns(own[run], settings.smooth)
            moved[run] = _averaged(moved[run], settings.smooth)
    calm = posed(rig, poses.frames, own, moved)
    for side in "LR":
        slots = [f"{part}.{side}" for part in _LEG]
        points = [
            f"{part}.{side}" for part in _POINTS if f"{part}.{side}" in contacts and f"{part}.{side}" in rig.index
        ]
        if points and all(slot in rig.index for slot in slots):
            _lock(rig, poses, calm, own, [rig.index[slot] for slot in slots], points, contacts, settings)
    after = posed(rig, poses.frames, own, moved)
    return Cleaned(own, moved, slide(rig, poses, contacts), slide(rig, after, contacts))


def slide(rig: Rig, poses: Poses, contacts: dict[str, np.ndarray]) -> float | None:
    """Mean way of standing contact joints, thousandths of a unit a frame."""
    found = []
    for bone, contact in contacts.items():
        if bone in rig.index:
            stands = (contact[1:] > _STANDS) & (contact[:-1] > _STANDS) & (np.diff(poses.frames) == 1)
            found.append(np.linalg.norm(np.diff(poses.places[:, rig.index[bone]], axis=0), axis=1)[stands])
    steps = np.concatenate(found) if found else np.zeros(0)
    return float(1000 * steps.mean()) if len(steps) else None


def _lock(
    rig: Rig,
    raw: Poses,
    calm: Poses,
    own: np.ndarray,
    leg: list[int],
    points: list[str],
    contacts: dict[str, np.ndarray],
    settings: Settings,
) -> None:
    """Changes the channels of one leg. leg: thigh, shin and foot."""
    foot = leg[-1]
    wanted, stands = [], []
    for point in points:
        contact = contacts[point]
        path = raw.places[:, rig.index[point]]
        wanted.append(path + settings.lock * (_held(path, contact, raw.frames) - path))
        stands.append(contact > _STANDS)
    turn = _foot_turn(rig, calm, foot, points, wanted, stands)
    shift, share = np.zeros((len(raw.frames), 3)), np.zeros(len(raw.frames))
    for point, goal, on in zip(points, wanted, stands, strict=True):
        arm = calm.places[:, rig.index[point]] - calm.places[:, foot]
        off = goal - (calm.places[:, foot] + turns.turned(turn, arm))
        shift += np.where(on[:, None], off, 0.0)
        share += on
    on = share > 0
    shift[on] /= share[on, None]
    shift = faded(shift, on, raw.frames, settings.blend)
    turn = turns.of_vectors(faded(turns.vectors(turn), on, raw.frames, settings.blend))
    _bend_leg(rig, calm, own, leg, calm.places[:, foot] + shift, turn)


def _foot_turn(
    rig: Rig, calm: Poses, foot: int, points: list[str], wanted: list[np.ndarray], stands: list[np.ndarray]
) -> np.ndarray:
    """[T,4]: where heel and toe both stand, what brings the line between them to where it shall be."""
    turn = np.tile(turns.IDENTITY, (len(calm.frames), 1))
    if len(points) == 2:
        both = stands[0] & stands[1]
        here = calm.places[:, rig.index[points[1]]] - calm.places[:, rig.index[points[0]]]
        turn[both] = turns.shortest(here, wanted[1] - wanted[0])[both]
    return turn


def _bend_leg(rig: Rig, calm: Poses, own: np.ndarray, leg: list[int], goals: np.ndarray, turn: np.ndarray) -> None:
    """Lays the ankle on its goal; the foot keeps its heading but for `turn`."""
    thigh, shin, foot = leg
    roots, middles, ends = (calm.places[:, bone] for bone in leg)
    lengths = [float(np.linalg.norm(rig.heads[b] - rig.heads[a])) for a, b in pairwise(leg)]
    usual = turns.directions(calm.turns[:, thigh], 2) * -1.0  # bones of legs have their z axis at the back
    bent = limbs.bend(roots, goals, lengths[0], lengths[1], limbs.sides_of(roots, middles, ends, usual))
    first = turns.shortest(middles - roots, bent.middles - roots)
    upper = multiply(first, calm.turns[:, thigh])
    lower = multiply(first, calm.turns[:, shin])
    lower = limbs.swung(lower, turns.turned(first, ends - middles), bent.ends - bent.middles)
    sole = multiply(turn, calm.turns[:, foot])
    above = calm.turns[:, rig.parents[thigh]]
    for bone, parent, turned in ((thigh, above, upper), (shin, upper, lower), (foot, lower, sole)):
        own[:, bone] = multiply(turns.inverse(rig.from_parent(bone, parent)), turned)


def _held(path: np.ndarray, contact: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """[T,3]: in each stretch in which the point stands, one place: the mean of its path by its contacts."""
    held = path.copy()
    for run in _stretches(contact > _STANDS, frames):
        weights = contact[run] ** 2
        held[run] = (path[run] * weights[:, None]).sum(0) / weights.sum()
    return held


def faded(values: np.ndarray, on: np.ndarray, frames: np.ndarray, blend: int) -> np.ndarray:
    """Values [T,3] that count where `on`; elsewhere what they are at the nearest such frames, fading to nothing within
    `blend` frames."""
    found = np.where(on[:, None], values, 0.0)
    for run in _stretches(on, frames):
        for edge, way in ((run[0], -1), (run[-1], 1)):
            for step in range(1, blend + 1):
                at = edge + way * step
                if not 0 <= at < len(on) or on[at] or abs(frames[at] - frames[edge]) != step:
                    break
                left = 1.0 - step / (blend + 1)
                found[at] += values[edge] * left * left * (3.0 - 2.0 * left)
    return found


def _stretches(on: np.ndarray, frames: np.ndarray) -> list[np.ndarray]:
    """Indices of each run of frames in a row in which `on` is true."""
    index = np.nonzero(on)[0]
    if not len(index):
        return []
    broken = (np.diff(index) > 1) | (np.diff(frames[index]) > 1)
    return np.split(index, np.nonzero(broken)[0] + 1)


def _runs(frames: np.ndarray) -> list[np.ndarray]:
    return _stretches(np.ones(len(frames), bool), frames)


def _smooth_turns(own: np.ndarray, sigma: float) -> np.ndarray:
    """[T,B,4]: weighted means of neighbouring rotations, on one side of the sphere (Markley et al., 2007, to first
    order)."""
    return turns.normalised(_averaged(without_jumps(own), sigma))


def _averaged(values: np.ndarray, sigma: float) -> np.ndarray:
    """Along time; at the ends the values are mirrored at the last one, so that ways do not shrink."""
    reach = min(int(np.ceil(3 * sigma)), len(values) - 1)
    if reach < 1:
        return values
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    before = 2 * values[:1] - values[reach:0:-1]
    after = 2 * values[-1:] - values[-2 : -reach - 2 : -1]
    padded = np.concatenate([before, values, after])
    return sum(weight * padded[at : at + len(values)] for at, weight in enumerate(weights))
