"""The body's motion: everything that is known of it at once, over a window of frames.

A kinematic body with one set of bones for the clip is fitted to what every camera saw, to the detector's guess of its
shape, to how people bend and move, and to the floor that its feet stand on: Gauss-Newton with Marquardt's damping on a
bordered band matrix. Contacts are found from the motion itself and held, in turn (after Rempe et al., "HuMoR", ICCV
2021, and Shimada et al., "PhysCap", SIGGRAPH Asia 2020, whose contacts come from networks; here from a two-state
Markov chain over the feet's speeds and heights, contacts.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .band import Normals
from .body import Body
from .contacts import Floor, doubt_of, find_contacts
from .evidence import Cameras, Evidence, View
from .sightings import picture_rows, shape_rows
from .skeleton import STATURE_M, Floats, Skeleton
from .start import first_body
from .terms import (
    MEASURE_SPREAD,
    Bones,
    Contacts,
    State,
    add_bends,
    add_bones,
    add_contacts,
    add_growth,
    add_motion,
    add_stillness,
    add_turning,
)

_USUAL_SIZE, _SIZE_SPREAD = 0.98, 0.08
_GIVEN_SPREAD, _ANY_SPREAD = 0.01, 0.25
"""Stature of grown-ups over the skeleton's, its standard deviation, that of a height somebody gives, and that of a body
in a world whose unit is only about a metre."""

_SAME_PLACE = 1e-4
"""Of the body's size: way of a camera that only turns."""

_CONTACT_ROUNDS = 3
_ROUGH_GAIN, _LEAST_GAIN = 1e-3, 2e-4


@dataclass(frozen=True)
class MotionSettings:
    """fps: frames a second. floor: what feet stand on, None when it is not known. height_m: of the person, or None.
    any_size: the world's unit is only about a metre, so that the body may come out larger or smaller. iterations: of
    each round."""

    fps: float
    floor: Floor | None = None
    height_m: float | None = None
    any_size: bool = False
    iterations: int = 25


@dataclass(frozen=True)
class BodyMotion:
    """contacts: which foot joints stand on the floor, None without a floor."""

    body: Body
    contacts: Contacts | None


@dataclass(frozen=True)
class Known:
    """What a window of frames takes from the rest of its clip. bones: what other frames told of them. held_bones: they
    stay so. before: bodies of the first frames of the window, which stay so; their contacts touching [N,F]. stand [F]:
    height of foot joints over the floor while they stand."""

    bones: Bones | None = None
    held_bones: bool = False
    before: BodyMotion | None = None
    stand: Floats | None = None

    @property
    def held(self) -> int:
        return 0 if self.before is None else self.before.body.frames


def solve_motion(
    skeleton: Skeleton,
    cameras: Cameras,
    evidence: Evidence,
    settings: MotionSettings,
    checkpoint: Callable[[], None] = lambda: None,
) -> BodyMotion:
    """The motion of one person. Raises `TooLittleSeen`, and what checkpoint raises."""
    return solve_window(skeleton, [View(cameras, evidence)], settings, Known(), checkpoint)


def solve_window(
    skeleton: Skeleton,
    views: Sequence[View],
    settings: MotionSettings,
    known: Known,
    checkpoint: Callable[[], None] = lambda: None,
) -> BodyMotion:
    """The motion of one person whom all views show at the same times. Raises as `solve_motion`."""
    window = _Window(tuple(views), settings, known, checkpoint)
    body = window.fit(window.start(skeleton), None, _ROUGH_GAIN)
    window = replace(window, still=True)
    if settings.floor is None:
        return BodyMotion(window.likely_size(window.fit(body, None, _LEAST_GAIN)), None)
    for left in reversed(range(_CONTACT_ROUNDS)):
        contacts = window.contacts(body, settings.floor, rough=left == _CONTACT_ROUNDS - 1 and not known.held)
        body = window.fit(body, contacts, _ROUGH_GAIN if left else _LEAST_GAIN)
    return BodyMotion(body, contacts)


def bones_of(views: Sequence[View], settings: MotionSettings, known: Known, motion: BodyMotion) -> Bones:
    """What a window, and what it knew before, tell of the bones."""
    normals = _Window(tuple(views), settings, known, lambda: None).normals(motion.body, motion.contacts)
    return Bones(motion.body.shared_numbers(), normals.known_of_shared())


@dataclass(frozen=True)
class _Window:
    views: tuple[View, ...]
    settings: MotionSettings
    known: Known
    checkpoint: Callable[[], None]
    still: bool = False
    """Whether the body is where it should be, so that feet can be told to rest."""

    def start(self, skeleton: Skeleton) -> Body:
        known = self.known
        body = first_body(skeleton, self.views, self.settings.fps, _size(self.settings)[0])
        if known.bones is not None:
            body = body.with_shared(known.bones.mean)
        if known.before is not None:
            body.root[: known.held], body.turns[: known.held] = known.before.body.root, known.before.body.turns
        return body

    def contacts(self, body: Body, floor: Floor, rough: bool) -> Contacts:
        fps = self.settings.fps
        doubt = doubt_of(body, self.views, fps)
        found = find_contacts(body, floor, fps, self.known.stand, rough=rough, doubt=doubt)
        before = self.known.before
        if before is not None and before.contacts is not None:
            found.touching[: self.known.held] = before.contacts.touching
        return found

    def fit(self, body: Body, contacts: Contacts | None, enough: float) -> Body:
        """enough: share of the cost that a step no longer takes off."""
        damping = 1e-3
        normals = self.normals(body, contacts)
        for _ in range(self.settings.iterations):
            self.checkpoint()
            moved = body.moved(*normals.solve(damping))
            after = self.normals(moved, contacts)
            gain = (normals.cost - after.cost) / normals.cost
            # Weights move with the body, so that the cost may rise a little on the way to where it is least.
            if gain > -1e-3:
                body, normals = moved, after
                damping = max(damping * 0.3, 1e-6)
                if abs(gain) < enough:
                    break
            else:
                damping *= 10.0
        return body

    def likely_size(self, body: Body) -> Body:
        """A camera that stays in one place sees a body of another size just as well, at another distance. Steps along
        that valley gain so little that they end anywhere in it: its deepest place follows from what is known of sizes,
        and of the detector's measure."""
        centres = np.concatenate([-np.einsum("tji,tj->ti", one.rotation, one.translation) for one in self._cameras])
        if self.known.held_bones or self.known.held or np.ptp(centres, axis=0).max() > _SAME_PLACE * body.size:
            return body
        usual, spread = _size(self.settings)
        numbers = np.array([body.size / spread, body.measure / MEASURE_SPREAD])
        factor = float(numbers @ [usual / spread, 1.0 / MEASURE_SPREAD] / (numbers @ numbers))
        root = centres[0] + factor * (body.root - centres[0])
        return replace(body, root=root, rest=factor * body.rest, size=factor * body.size, measure=factor * body.measure)

    @property
    def _cameras(self) -> list[Cameras]:
        return [view.cameras for view in self.views]

    def normals(self, body: Body, contacts: Contacts | None) -> Normals:
        settings, known = self.settings, self.known
        state = State.of(body)
        normals = Normals.empty(body.frames, body.per_frame, body.shared)
        for view in self.views:
            picture_rows(state, view.cameras, view.evidence).add_to(normals)
            shape_rows(state, view.cameras, view.evidence).add_to(normals)
        add_motion(normals, state, settings.fps)
        add_turning(normals, state, settings.fps)
        add_bends(normals, state)
        if known.bones is None:
            add_growth(normals, body, _size(settings))
        else:
            add_bones(normals, body, known.bones)
        if contacts is not None:
            add_contacts(normals, state, contacts)
        if self.still:
            add_stillness(normals, state, settings.fps)
        normals.hold(known.held, known.held_bones)
        return normals


def _size(settings: MotionSettings) -> tuple[float, float]:
    usual = _USUAL_SIZE if settings.height_m is None else settings.height_m / STATURE_M
    if settings.any_size:
        return usual, _ANY_SPREAD
    return usual, _SIZE_SPREAD if settings.height_m is None else _GIVEN_SPREAD


def contact_speed(body: Body, contacts: Contacts) -> float:
    """Mean travel, m a frame, of joints while they touch the floor; NaN when nothing does."""
    joints = body.joints()[:, list(contacts.joints)]
    both = np.minimum(contacts.touching[1:], contacts.touching[:-1]) > 0.5
    travel = np.linalg.norm(joints[1:] - joints[:-1], axis=-1)
    return float(travel[both].mean()) if both.any() else float("nan")
