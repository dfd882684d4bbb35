"""When heels and toes stand on the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .body import Body
from .evidence import Flags, View
from .skeleton import Floats
from .terms import FEET, Contacts

_STILL_M_S, _MOVING_M_S = 0.12, 1.2
"""Speed of a foot that stands, as far as it can be measured, and of one that swings."""

_STAND_M, _LIFT_M = 0.025, 0.12
"""How far from its standing height a touching joint is measured to be, and a swinging one lifted."""

_SOLE_M, _SOLE_SD_M = 0.04, 0.015
"""Heel or ball of the foot over the floor it stands on, in people and their shoes."""

_LOWEST, _ERROR_M = 0.1, 0.3
"""Share of the frames in which somebody stands at the least, and by how much a height is off when only the detector's
guess has told it."""

_TOGETHER = 6.0
"""Frames whose errors are one error."""

_FARTHEST = 4.0
"""Standard deviations of a sole from which on a joint that is slow does not stand on the floor."""

_SEEN_M, _LENT_S = 0.05, 0.25
"""Standard deviation of a foot that is seen, across the line of sight; for how long that tells of it afterwards."""

_TRUNK = ("pelvis", "chest", "neck", "head")
_GRAVITY, _ALOFT = 9.81, 0.4
"""m/s^2; and by how much the log odds of falling grow with each, in a frame of 1/24 s."""

_STAY = 0.92
"""Chance that a foot goes on doing what it does for another 1/24 s."""


@dataclass(frozen=True)
class Floor:
    """normal [3], unit, up: normal . x = offset."""

    normal: Floats
    offset: float


@dataclass(frozen=True)
class Doubt:
    """How badly feet are seen for a moment. speed [T,F] m/s, height [T,F] m: standard deviations of what is read off
    the motion; 0 where a foot is seen well, and where it is not for longer than frames near by tell of it: then there
    is nothing better to go by. told [T]: whether something is known of every joint there, or near by."""

    speed: Floats
    height: Floats
    told: Flags


def doubt_of(body: Body, views: Sequence[View], fps: float) -> Doubt:
    """Of the foot joints: what the picture leaves open, less what frames near by lend, from which they have moved."""
    at = [body.skeleton.index(name) for name in FEET]
    joints, sd = body.joints(), np.full((body.frames, len(at)), np.inf)
    for view in views:
        depth = np.maximum(view.cameras.seen(joints)[:, at, 2], 0.0)
        focal = view.cameras.matrix[:, 0, 0][:, None]
        sd = np.minimum(sd, view.evidence.sd_px[:, at] * depth / focal)
    off = np.where(sd <= _SEEN_M, 0.0, np.inf)
    pace = body.skeleton.acceleration[at] * body.size
    for away in range(1, round(_LENT_S * fps) + 1):
        moved = 0.5 * pace * (away / fps) ** 2
        for here, there in ((slice(away, None), slice(None, -away)), (slice(None, -away), slice(away, None))):
            off[here] = np.minimum(off[here], np.where(sd[there] <= _SEEN_M, moved, np.inf))
    told = np.isfinite(off)
    off = np.where(told, off, 0.0)
    return Doubt(np.sqrt(2.0) * fps * off, off, np.asarray(told.all(1)))


def find_contacts(
    body: Body,
    floor: Floor,
    fps: float,
    stand: Floats | None = None,
    *,
    rough: bool = False,
    doubt: Doubt | None = None,
) -> Contacts:
    """The likeliest sequence of standing and swinging of each foot joint, from its speed and height: a hidden Markov
    chain (Viterbi 1967) over what all of them do: when none stands, the body falls. stand [4]: height of each joint
    over the floor while it stands, if known. rough: the body has not been held to the floor yet, and may stand too high
    as a whole. doubt: of speeds and heights; none without."""
    skeleton = body.skeleton
    at = tuple(skeleton.index(name) for name in FEET)
    joints = body.joints()
    feet = joints[:, list(at)]
    height = feet @ floor.normal - floor.offset
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * fps if len(feet) > 1 else np.zeros(height.shape)
    if stand is None:
        stand = np.tile(_standing_heights(height, speed), 2)  # both feet wear the same shoes
    over = _too_high(height - stand) if rough else 0.0
    doubt = doubt or Doubt(np.zeros(1), np.zeros(1), np.ones(len(feet), np.bool_))
    odds = _speed_odds(speed, doubt.speed) + _height_odds(height - stand - over, doubt.height)
    trunk = joints[:, [skeleton.index(name) for name in _TRUNK]].mean(1) @ floor.normal
    aloft = np.where(doubt.told, _aloft_odds(trunk, fps), 0.0)
    touching = _likeliest_of_all(odds, aloft, _STAY ** (24.0 / fps))
    return Contacts(at, touching, stand, floor.normal, floor.offset)


def likely_standing(speed: Floats, lift: Floats, fps: float) -> Floats:
    """[T,F], 1 where a joint stands: from its speed (m/s) and its height over where it is while standing (m) [T,F]."""
    odds = _speed_odds(speed, np.zeros(1)) + _height_odds(lift, np.zeros(1))
    return np.stack([_likeliest(odds[:, f], _STAY ** (24.0 / fps)) for f in range(odds.shape[1])], 1)


def _standing_heights(height: Floats, speed: Floats) -> Floats:
    """[2] of heels and toes over the floor while they stand: the middle of the lowest places where they are slow,
    weighed against what it is in people. [T,F] as in `FEET`. A foot that is never as low as the other tells nothing."""
    found = []
    for kind in (0, 1):
        lows = [_low(height[:, f], speed[:, f]) for f in (kind, kind + 2)]
        lows = [low for low in lows if np.median(low) <= _SOLE_M + _FARTHEST * _SOLE_SD_M]
        usual = 1.0 / _SOLE_SD_M**2
        each = [_weighed(low, usual) for low in lows]
        found.append(float(np.mean(each)) if each else _SOLE_M)
    return np.clip(found, 0.0, _SOLE_M + 2.5 * _SOLE_SD_M)


def _weighed(low: Floats, usual: float) -> float:
    """The middle of measured heights, and what is usual, whose information that is."""
    measured = len(low) / _STAND_M**2 / _TOGETHER
    return (usual * _SOLE_M + measured * float(np.median(low))) / (usual + measured)


def _low(height: Floats, speed: Floats) -> Floats:
    """The lowest heights of a joint while it is slow."""
    slow = height[speed <= max(float(np.quantile(speed, 0.25)), _STILL_M_S)]
    low: Floats = slow[slow <= slow.min() + 2.0 * _STAND_M]
    return low


def _too_high(lift: Floats) -> float:
    """How far the lower foot is over the floor at its lowest; 0 when that is too far for an error."""
    lowest = float(np.quantile(lift.min(1), _LOWEST))
    return lowest if 0.0 < lowest < _ERROR_M else 0.0


def _speed_odds(speed: Floats, doubt: Floats) -> Floats:
    """Log odds of standing: half-normal against Rayleigh-like densities of speed."""
    sd = np.hypot(_STILL_M_S, doubt)
    standing = -0.5 * (speed / sd) ** 2 - np.log(sd)
    moving = -speed / _MOVING_M_S - np.log(_MOVING_M_S)
    odds: Floats = standing - moving
    return np.maximum(odds, -8.0)


def _height_odds(lift: Floats, doubt: Floats) -> Floats:
    sd = np.hypot(_STAND_M, doubt)
    standing = -0.5 * (lift / sd) ** 2 - np.log(sd)
    moving = -np.abs(lift) / _LIFT_M - np.log(_LIFT_M)
    odds: Floats = standing - moving
    return np.maximum(odds, -8.0)


def _aloft_odds(height: Floats, fps: float) -> Floats:
    """[T]: log odds that nothing holds the body, whose trunk's height [T] is given: then it falls."""
    if len(height) < 3:
        return np.full(len(height), -_ALOFT * _GRAVITY / 2.0)
    fall = np.gradient(np.gradient(height)) * fps**2
    odds: Floats = -_ALOFT * (np.clip(fall, -_GRAVITY, 0.0) + 0.5 * _GRAVITY)
    return odds * (24.0 / fps)


def _likeliest_of_all(odds: Floats, aloft: Floats, stay: float) -> Floats:
    """[T,F] 0 or 1: as `_likeliest`, of all joints at once. aloft [T]: log odds of the state in which none stands."""
    frames, joints = odds.shape
    states = (np.arange(2**joints)[:, None] >> np.arange(joints)) & 1
    change = np.log((1.0 - stay) / stay) * (states[:, None] != states[None]).sum(-1)
    here = odds @ states.T.astype(np.float64)
    here[:, 0] += aloft
    best, came = here[0], np.zeros((frames, len(states)), np.int64)
    for t in range(1, frames):
        ways = best[None] + change
        came[t] = ways.argmax(1)
        best = ways.max(1) + here[t]
    path = np.zeros(frames, np.int64)
    path[-1] = int(best.argmax())
    for t in range(frames - 1, 0, -1):
        path[t - 1] = came[t, path[t]]
    return states[path].astype(np.float64)


def _likeliest(odds: Floats, stay: float) -> Floats:
    """bool [T] by Viterbi over log odds [T] of one state against the other."""
    change = np.log(stay / (1.0 - stay))
    best = np.array([0.0, odds[0]])
    came = np.zeros((len(odds), 2), np.int64)
    for t in range(1, len(odds)):
        kept, switched = best + change, best[::-1]
        came[t] = np.where(kept >= switched, [0, 1], [1, 0])
        best = np.maximum(kept, switched) + np.array([0.0, odds[t]])
    path = np.zeros(len(odds), np.int64)
    path[-1] = int(best.argmax())
    for t in range(len(odds) - 1, 0, -1):
        path[t - 1] = came[t, path[t]]
    return path.astype(np.float64)
