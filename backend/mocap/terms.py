"""What a body is held to besides what is seen of it (sightings.py): how bodies bend, grow and move, and the floor.

Each function adds its part to the normal equations of a Gauss-Newton step; robust ones weigh by Cauchy's loss
(iteratively reweighted least squares: Holland & Welsch 1977). Lengths and accelerations are measured in units of the
body's own size: one camera sees a small body near by as a large one far away, and a smooth path must not be had by
shrinking. What tells the size is the floor, and how tall people are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from backend.sfm.rotations import skew

from .band import Normals
from .body import MEASURE, SIZE, Body, free_rest
from .skeleton import Floats, Skeleton, Slopes

_CAUCHY = 2.0
"""Standard deviations from which on a residual counts for less."""

_LIMIT_DEG = 4.0
"""Standard deviation of going beyond the end of a joint's range."""

_GROWTH, _GROWTH_M = 0.12, 0.01
"""Standard deviation of a bone's length between people of one stature: relative, and at least."""

MEASURE_SPREAD = 0.15
"""Standard deviation of the detector's metre: it has never seen how large the person is."""

_TIED = 1e-3
"""Standard deviation of the bones' common size from the body's."""

FEET = ("left_heel", "left_foot_index", "right_heel", "right_foot_index")
_STILL_M_S, _STILL_SHARE = 0.08, 0.1
"""Speed of a foot at rest, as far as it can be told from one that moves."""

_TURN_DEG_PER_S2, _ROOT_SHARE = 4000.0, 2.0
"""Angular acceleration of a segment, typical; and how many times as much the body turns as a whole."""


@dataclass(frozen=True)
class State:
    """A body with all that several terms need of it: joints [T,J,3], own [T,J,3,P] and shared [T,J,3,G] slopes."""

    body: Body
    joints: Floats
    own: Slopes
    shared: Slopes

    @classmethod
    def of(cls, body: Body) -> State:
        own, shared = body.slopes()
        return cls(body, body.joints(), own.astype(np.float32), shared.astype(np.float32))


def cauchy(scaled: Floats) -> Floats:
    """Weight of residuals that are given in standard deviations."""
    weight: Floats = 1.0 / (1.0 + (scaled / _CAUCHY) ** 2)
    return weight


def add_motion(normals: Normals, state: State, fps: float) -> None:
    """Joints are accelerated by as much as people do, and now and then by far more."""
    if state.body.frames < 3:
        return
    size = state.body.size
    sd = state.body.skeleton.acceleration / fps**2
    off = (state.joints[2:] - 2.0 * state.joints[1:-1] + state.joints[:-2]) / size
    weight = cauchy(np.linalg.norm(off, axis=-1) / (1.7 * sd)) / sd**2
    count = len(off)
    rows = (count, -1)
    parts = {0: state.own[:-2] / size, 1: -2.0 / size * state.own[1:-1], 2: state.own[2:] / size}
    shared = (state.shared[2:] - 2.0 * state.shared[1:-1] + state.shared[:-2]) / size
    shared[..., SIZE] -= off / size
    normals.add(
        off.reshape(rows),
        np.repeat(weight, 3, axis=1),
        {k: part.reshape(*rows, part.shape[3]) for k, part in parts.items()},
        shared.reshape(*rows, shared.shape[3]),
    )


def add_stillness(normals: Normals, state: State, fps: float) -> None:
    """Feet are at rest for much of the time, wherever they are, and else move freely: a prior on speed with heavy
    tails."""
    if state.body.frames < 2:
        return
    at = [state.body.skeleton.index(name) for name in FEET]
    size, sd = state.body.size, _STILL_M_S / fps
    joints, own, shared = state.joints[:, at], state.own[:, at] / size, state.shared[:, at] / size
    off = (joints[1:] - joints[:-1]) / size
    weight = _STILL_SHARE * cauchy(np.linalg.norm(off, axis=-1) / sd) / sd**2
    rows = (len(off), -1)
    across = shared[1:] - shared[:-1]
    across[..., SIZE] -= off / size
    normals.add(
        off.reshape(rows), np.repeat(weight, 3, axis=1),
        {0: -own[:-1].reshape(*rows, own.shape[3]), 1: own[1:].reshape(*rows, own.shape[3])},
        across.reshape(*rows, across.shape[3]),
    )  # fmt: skip


def add_turning(normals: Normals, state: State, fps: float) -> None:
    """Segments turn against what they hang on no more than they must: nothing else sees how they turn about their own
    axes. In a pirouette all turn with the body."""
    body, skeleton = state.body, state.body.skeleton
    if body.frames < 2:
        return
    above = skeleton.parents[skeleton.segments]
    holds = np.where(above >= 0, skeleton.segment_of[above], -1)
    held = np.where((holds >= 0)[None, :, None, None], body.turns[:, holds], np.eye(3))
    sd = np.radians(_TURN_DEG_PER_S2) / fps**2
    own = np.swapaxes(held, -1, -2) @ body.turns
    turn = rotation_vectors(np.swapaxes(own[:-1], -1, -2) @ own[1:])
    sd = np.where(holds >= 0, sd, _ROOT_SHARE * sd)
    weight = cauchy(np.linalg.norm(turn, axis=-1) / (1.7 * sd)) / sd**2
    slope = np.matmul(inverse_jacobian(turn), np.swapaxes(body.turns[1:], -1, -2))
    before = slope @ held[1:] @ np.swapaxes(held[:-1], -1, -2)
    count, segments = turn.shape[:2]
    earlier, later = (np.zeros((count, segments, 3, body.per_frame), np.float32) for _ in range(2))
    for s, hold in enumerate(holds):
        later[:, s, :, 3 + 3 * s : 6 + 3 * s] = slope[:, s]
        earlier[:, s, :, 3 + 3 * s : 6 + 3 * s] = -before[:, s]
        if hold >= 0:
            later[:, s, :, 3 + 3 * hold : 6 + 3 * hold] = -slope[:, s]
            earlier[:, s, :, 3 + 3 * hold : 6 + 3 * hold] = before[:, s]
    rows = (count, 3 * segments)
    normals.add(
        turn.reshape(rows), np.repeat(weight, 3, axis=1),
        {0: earlier.reshape(*rows, -1), 1: later.reshape(*rows, -1)},
    )  # fmt: skip


def add_bends(normals: Normals, state: State) -> None:
    """Joints bend about rest by as much as they do in people, and not beyond their range."""
    body, skeleton = state.body, state.body.skeleton
    bent = [s for s, joint in enumerate(skeleton.segments) if skeleton.parents[joint] >= 0]
    joints = skeleton.segments[bent]
    holds = skeleton.segment_of[skeleton.parents[joints]]
    turn = rotation_vectors(np.swapaxes(body.turns[:, holds], -1, -2) @ body.turns[:, bent])
    spread, least, most = (np.radians([getattr(skeleton.bends[j], name) for j in joints]) for name in _BEND_PARTS)
    slope = np.matmul(inverse_jacobian(turn), np.swapaxes(body.turns[:, bent], -1, -2))
    frames = body.frames
    own = np.zeros((frames, len(bent), 3, body.per_frame))
    for i, (segment, holder) in enumerate(zip(bent, holds, strict=True)):
        own[:, i, :, 3 + 3 * segment : 6 + 3 * segment] = slope[:, i]
        own[:, i, :, 3 + 3 * holder : 6 + 3 * holder] = -slope[:, i]
    rows = (frames, 3 * len(bent))
    flat = own.reshape(*rows, -1)
    normals.add(turn.reshape(rows), np.broadcast_to(1.0 / spread.ravel() ** 2, rows), {0: flat})
    beyond = turn - np.clip(turn, least, most)
    weight = np.where(beyond != 0.0, 1.0 / np.radians(_LIMIT_DEG) ** 2, 0.0)
    normals.add(beyond.reshape(rows), weight.reshape(rows), {0: flat})


_BEND_PARTS = ("spread", "least", "most")


def add_growth(normals: Normals, body: Body, size: tuple[float, float]) -> None:
    """Bones are as long as people's of some size. size: expected, over the skeleton's, and its standard deviation."""
    skeleton = body.skeleton
    free = free_rest(skeleton)
    usual, rest = skeleton.rest[free].ravel(), body.rest[free].ravel()
    slope = np.zeros((len(usual), body.shared))
    slope[np.arange(len(usual)), np.arange(len(usual))] = 1.0 / body.size
    slope[:, SIZE] = -rest / body.size**2
    sd = np.repeat(growth_sd(skeleton)[free], 3)
    _add_shared(normals, rest / body.size - usual, 1.0 / sd**2, slope)
    # The size is that of the bones taken together, not a number of its own that may run away from them.
    share = usual / (usual**2).sum()
    mean = float(share @ rest) / body.size
    tie = np.zeros(body.shared)
    tie[: len(usual)] = share / body.size
    tie[SIZE] = -mean / body.size
    _add_number(normals, mean - 1.0, _TIED, tie)
    at = np.eye(body.shared)
    _add_number(normals, body.size - size[0], size[1], at[SIZE])
    _add_number(normals, body.measure - 1.0, MEASURE_SPREAD, at[MEASURE])


def _add_number(normals: Normals, off: float, sd: float, slope: Floats) -> None:
    _add_shared(normals, np.array([off]), np.array([1.0 / sd**2]), slope[None])


def growth_sd(skeleton: Skeleton) -> Floats:
    """[J] m"""
    sd: Floats = np.maximum(_GROWTH * np.linalg.norm(skeleton.rest, axis=1), _GROWTH_M)
    return sd


def _add_shared(normals: Normals, off: Floats, weight: Floats, slope: Floats) -> None:
    normals.cost += 0.5 * float((weight * off**2).sum())
    normals.shared += slope.T @ (weight[:, None] * slope)
    normals.right_shared -= slope.T @ (weight * off)


@dataclass(frozen=True)
class Bones:
    """What is known of the numbers that all frames share (`Body.shared_numbers`): mean [G], information [G,G]."""

    mean: Floats
    information: Floats


def add_bones(normals: Normals, body: Body, bones: Bones) -> None:
    """Bones are what other frames of the clip showed."""
    off = body.shared_numbers() - bones.mean
    pull = bones.information @ off
    normals.cost += 0.5 * float(off @ pull)
    normals.shared += bones.information
    normals.right_shared -= pull


@dataclass(frozen=True)
class Contacts:
    """Feet on the floor. joints [F]: of the skeleton. touching [T,F]: 0..1. height [F]: of each joint over the floor
    while it touches, m. normal [3] (unit) and offset: the floor, normal . x = offset. slip_m, height_sd_m: standard
    deviations of a touching joint's travel in one frame and of its height."""

    joints: tuple[int, ...]
    touching: NDArray[np.floating]
    height: Floats
    normal: Floats
    offset: float
    slip_m: float = 0.002
    height_sd_m: float = 0.01

    def scaled(self, factor: float) -> Contacts:
        """In a world `factor` times as large."""
        return replace(self, height=self.height * factor, offset=self.offset * factor)

    def heights(self, joints: Floats) -> Floats:
        """[T,F] over the floor, of world joints [T,J,3]."""
        found: Floats = joints[:, list(self.joints)] @ self.normal - self.offset
        return found


def add_contacts(normals: Normals, state: State, contacts: Contacts) -> None:
    """What touches the floor stays where it is, at its height; nothing goes below."""
    at = list(contacts.joints)
    joints, own, shared = state.joints[:, at], state.own[:, at], state.shared[:, at]
    both = np.minimum(contacts.touching[1:], contacts.touching[:-1])
    rows = (len(both), 3 * len(at))
    size = state.body.size
    slide = ((joints[1:] - joints[:-1]) / size).reshape(rows)
    weight = np.repeat(both, 3, axis=1) / contacts.slip_m**2
    across = ((shared[1:] - shared[:-1]) / size).reshape(*rows, -1)
    across[..., SIZE] -= slide / size
    normals.add(
        slide, weight, {0: -own[:-1].reshape(*rows, -1) / size, 1: own[1:].reshape(*rows, -1) / size}, across
    )  # fmt: skip
    off = contacts.heights(state.joints) - contacts.height
    up = contacts.normal.astype(np.float32)
    holds = np.where(off < 0.0, 1.0, contacts.touching)
    own, shared = np.einsum("a,tfap->tfp", up, own), np.einsum("a,tfag->tfg", up, shared)
    normals.add(off, holds / contacts.height_sd_m**2, {0: own}, shared)


def rotation_vectors(turns: Floats) -> Floats:
    """[...,3,3] -> [...,3]"""
    found: Floats = Rotation.from_matrix(turns.reshape(-1, 3, 3)).as_rotvec().reshape(turns.shape[:-1])
    return found


def inverse_jacobian(vectors: Floats) -> Floats:
    """[...,3] -> [...,3,3]: how a rotation vector v answers when exp(v) is followed by a small turn: the inverse right
    Jacobian of SO(3) (Chirikjian, "Stochastic Models, Information Theory, and Lie Groups", 2012)."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    cross = skew(vectors)
    safe = np.clip(angle, 1e-4, np.pi - 1e-3)
    square = np.where(angle < 1e-4, 1.0 / 12.0, 1.0 / safe**2 - (1.0 + np.cos(safe)) / (2.0 * safe * np.sin(safe)))
    found: Floats = np.eye(3) + 0.5 * cross + square * (cross @ cross)
    return found
