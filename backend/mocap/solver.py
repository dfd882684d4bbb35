"""The body's motion: everything that is known of it at once, over a window of frames.

A kinematic body with one set of bones for the clip is fitted to what every camera saw, to the detector's guess of its
shape, to how people bend and move, and to the floor that its feet stand on: Gauss-Newton with Marquardt's damping on a
bordered band matrix. Contacts are found from the motion itself and held, in turn (after Rempe et al., "HuMoR", ICCV
2021, and Shimada et al., "PhysCap", SIGGRAPH Asia 2020, whose contacts come from networks; here from a two-state
Markov chain over the feet's speeds and heights, contacts.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .band import Normals
from .body import Body
from .contacts import Floor, find_contacts
from .evidence import Cameras, Evidence
from .skeleton import STATURE_M, Skeleton
from .start import first_body
from .terms import (
    Contacts,
    State,
    add_bends,
    add_contacts,
    add_growth,
    add_motion,
    add_picture,
    add_shape,
    add_turning,
)

_USUAL_SIZE, _SIZE_SPREAD = 0.98, 0.08
_GIVEN_SPREAD = 0.01
"""Stature of grown-ups over the skeleton's, its standard deviation, and that of a height somebody gives."""

_CONTACT_ROUNDS = 3
_LEAST_GAIN = 1e-4


@dataclass(frozen=True)
class MotionSettings:
    """fps: frames a second. floor: what feet stand on, None when it is not known. height_m: of the person, or None.
    iterations: of each round."""

    fps: float
    floor: Floor | None = None
    height_m: float | None = None
    iterations: int = 25


@dataclass(frozen=True)
class BodyMotion:
    """contacts: which foot joints stand on the floor, None without a floor."""

    body: Body
    contacts: Contacts | None


def solve_motion(
    skeleton: Skeleton,
    cameras: Cameras,
    evidence: Evidence,
    settings: MotionSettings,
    checkpoint: Callable[[], None] = lambda: None,
) -> BodyMotion:
    """The motion of one person. Raises `ValueError` when no frame shows enough joints, and what checkpoint raises."""
    size = _size(settings)
    body = first_body(skeleton, cameras, evidence, settings.fps, size[0])
    body = _fit(body, cameras, evidence, settings, None, checkpoint)
    contacts: Contacts | None = None
    if settings.floor is not None:
        for _ in range(_CONTACT_ROUNDS):
            contacts = find_contacts(body, settings.floor, settings.fps)
            body = _fit(body, cameras, evidence, settings, contacts, checkpoint)
    return BodyMotion(body, contacts)


def _size(settings: MotionSettings) -> tuple[float, float]:
    if settings.height_m is None:
        return _USUAL_SIZE, _SIZE_SPREAD
    return settings.height_m / STATURE_M, _GIVEN_SPREAD


def _fit(
    body: Body,
    cameras: Cameras,
    evidence: Evidence,
    settings: MotionSettings,
    contacts: Contacts | None,
    checkpoint: Callable[[], None],
) -> Body:
    damping = 1e-3
    normals = _normals(body, cameras, evidence, settings, contacts)
    for _ in range(settings.iterations):
        checkpoint()
        moved = body.moved(*normals.solve(damping))
        after = _normals(moved, cameras, evidence, settings, contacts)
        gain = (normals.cost - after.cost) / normals.cost
        # Weights move with the body, so that the cost may rise a little on the way to where it is least.
        if gain > -1e-3:
            body, normals = moved, after
            damping = max(damping * 0.3, 1e-6)
            if abs(gain) < _LEAST_GAIN:
                break
        else:
            damping *= 10.0
    return body


def _normals(
    body: Body, cameras: Cameras, evidence: Evidence, settings: MotionSettings, contacts: Contacts | None
) -> Normals:
    state = State.of(body)
    normals = Normals.empty(body.frames, body.per_frame, body.shared)
    add_picture(normals, state, cameras, evidence)
    add_shape(normals, state, cameras, evidence)
    add_motion(normals, state, settings.fps)
    add_turning(normals, state, settings.fps)
    add_bends(normals, state)
    add_growth(normals, body, _size(settings))
    if contacts is not None:
        add_contacts(normals, state, contacts)
    return normals


def contact_speed(body: Body, contacts: Contacts) -> float:
    """Mean travel, m a frame, of joints while they touch the floor; NaN when nothing does."""
    joints = body.joints()[:, list(contacts.joints)]
    both = np.minimum(contacts.touching[1:], contacts.touching[:-1]) > 0.5
    travel = np.linalg.norm(joints[1:] - joints[:-1], axis=-1)
    return float(travel[both].mean()) if both.any() else float("nan")
