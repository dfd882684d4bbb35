"""When heels and toes stand on the floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import Body
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

_STAY = 0.92
"""Chance that a foot goes on doing what it does for another 1/24 s."""


@dataclass(frozen=True)
class Floor:
    """normal [3], unit, up: normal . x = offset."""

    normal: Floats
    offset: float


def find_contacts(
    body: Body, floor: Floor, fps: float, stand: Floats | None = None, *, rough: bool = False
) -> Contacts:
    """The likeliest sequence of standing and swinging of each foot joint, from its speed and height: a two-state
    hidden Markov chain (Viterbi 1967). stand [4]: height of each joint over the floor while it stands, if known. rough:
    the body has not been held to the floor yet, and may stand too high as a whole."""
    skeleton = body.skeleton
    at = tuple(skeleton.index(name) for name in FEET)
    joints = body.joints()[:, list(at)]
    height = joints @ floor.normal - floor.offset
    speed = np.linalg.norm(np.gradient(joints, axis=0), axis=-1) * fps if len(joints) > 1 else np.zeros(height.shape)
    if stand is None:
        stand = np.array([_standing_height(height[:, f], speed[:, f]) for f in range(len(at))])
        stand = np.tile(stand.reshape(2, 2).mean(0), 2)  # both feet wear the same shoes
    over = _too_high(height - stand) if rough else 0.0
    touching = likely_standing(speed, height - stand - over, fps)
    return Contacts(at, touching, stand, floor.normal, floor.offset)


def likely_standing(speed: Floats, lift: Floats, fps: float) -> Floats:
    """[T,F], 1 where a joint stands: from its speed (m/s) and its height over where it is while standing (m) [T,F]."""
    odds = _speed_odds(speed) + _height_odds(lift)
    return np.stack([_likeliest(odds[:, f], _STAY ** (24.0 / fps)) for f in range(odds.shape[1])], 1)


def _standing_height(height: Floats, speed: Floats) -> float:
    """Of a joint over the floor while it stands: the middle of the lowest places where it is slow, weighed against what
    it is in people."""
    slow = height[speed <= max(float(np.quantile(speed, 0.25)), _STILL_M_S)]
    low = slow[slow <= slow.min() + 2.0 * _STAND_M]
    usual, measured = 1.0 / _SOLE_SD_M**2, len(low) / _STAND_M**2 / _TOGETHER
    found = (usual * _SOLE_M + measured * float(np.median(low))) / (usual + measured)
    return float(np.clip(found, 0.0, _SOLE_M + 2.5 * _SOLE_SD_M))


def _too_high(lift: Floats) -> float:
    """How far the lower foot is over the floor at its lowest; 0 when that is too far for an error."""
    lowest = float(np.quantile(lift.min(1), _LOWEST))
    return lowest if 0.0 < lowest < _ERROR_M else 0.0


def _speed_odds(speed: Floats) -> Floats:
    """Log odds of standing: half-normal against Rayleigh-like densities of speed."""
    standing = -0.5 * (speed / _STILL_M_S) ** 2 - np.log(_STILL_M_S)
    moving = -speed / _MOVING_M_S - np.log(_MOVING_M_S)
    odds: Floats = standing - moving
    return np.maximum(odds, -8.0)


def _height_odds(lift: Floats) -> Floats:
    standing = -0.5 * (lift / _STAND_M) ** 2 - np.log(_STAND_M)
    moving = -np.abs(lift) / _LIFT_M - np.log(_LIFT_M)
    odds: Floats = standing - moving
    return np.maximum(odds, -8.0)


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
