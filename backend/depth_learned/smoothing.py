"""The likeliest parameters of every frame, from those that single frames were fitted with.

A Kalman filter and the smoother of Rauch, Tung and Striebel (AIAA 1965). How much parameters change from frame to frame
is measured, not set: the spread of the steps less what the fits' own uncertainty explains, so that a steady model is
smoothed and one whose scale jumps is followed. A frame whose fit its neighbours contradict counts less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from backend.depth.poses import Floats

_ROUNDS = 3
_SURPRISING = 9.0
"""Squared distance, in standard deviations, from what all other frames say, beyond which a fit is trusted less."""

_STUDENT = 4.0
_LEAST_SHARE = 1e-3
"""Of the spread of the steps that is real change at least."""

_LEAST_STEPS = 4
_STEP = 0.02
"""Relative change from frame to frame, on top of what is seen, where too few frames were fitted to tell noise."""


@dataclass(frozen=True)
class Step:
    """How a frame's parameters follow from those of the frame before: transition [k, k] times them plus offset [k], and
    the covariance [k, k] of what comes on top. None: not known better than that they change as usual (or, at a cut, as
    much as they ever do). whole: this is all that is known; else that they change as usual is weighed against it."""

    transition: Floats | None = None
    offset: Floats | None = None
    covariance: Floats | None = None
    cut: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Observed:
    """A frame's own parameters: value [k], covariance [k, k]."""

    value: Floats
    covariance: Floats


@dataclass(frozen=True)
class Smoothed:
    """Of every frame: value [T, k], covariance [T, k, k]."""

    value: Floats
    covariance: Floats


def smooth(observed: Sequence[Observed | None], steps: Sequence[Step]) -> Smoothed:
    """The parameters of T frames. steps [T]: of each from the one before (the first is not looked at). At least one
    frame must be observed."""
    there = [i for i, one in enumerate(observed) if one is not None]
    if not there:
        raise ValueError("no frame has parameters of its own")
    usual, largest = _usual_change(observed, steps, there)
    motions = [_motion(step, usual, largest) for step in steps]
    trust = np.ones(len(observed))
    found = _pass(observed, motions, trust)
    for _ in range(_ROUNDS):
        trust = _trust(observed, found, trust, there)
        found = _pass(observed, motions, trust)
    return found


def _motion(step: Step, usual: Floats, largest: Floats) -> tuple[Floats, Floats, Floats]:
    """Transition, offset and covariance of a step."""
    size = len(usual)
    if step.cut or step.transition is None:
        return np.eye(size), np.zeros(size), largest if step.cut else usual
    offset = np.zeros(size) if step.offset is None else step.offset
    noise = usual if step.covariance is None else step.covariance
    if step.whole:
        return step.transition, offset, noise
    share = np.linalg.solve((usual + noise).T, usual.T).T
    return share @ step.transition + np.eye(size) - share, share @ offset, share @ noise


def _usual_change(
    observed: Sequence[Observed | None], steps: Sequence[Step], there: Sequence[int]
) -> tuple[Floats, Floats]:
    """Covariance of the change from one frame to the next, and of the parameters over the whole clip."""
    values = np.array([_at(observed, i).value for i in there])
    size = values.shape[1]
    typical = np.maximum(np.abs(np.median(values, 0)), 1e-6 if size > 1 else 1.0)
    least = np.diag((1e-4 * typical) ** 2)
    pairs = [(i, j) for i, j in pairwise(there) if not any(step.cut for step in steps[i + 1 : j + 1])]
    largest = _student(values - np.median(values, 0)) + np.diag((0.5 * typical) ** 2)
    guess = np.diag((_STEP * typical) ** 2)
    if not pairs:
        return guess, largest
    moves = np.array([(_at(observed, j).value - _at(observed, i).value) / np.sqrt(j - i) for i, j in pairs])
    if len(pairs) < _LEAST_STEPS:
        return guess + moves.T @ moves / len(moves), largest
    spread = _student(moves) + least
    shares = [(_at(observed, i).covariance + _at(observed, j).covariance) / (j - i) for i, j in pairs]
    explained = np.median(shares, axis=0)
    values_of, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(values_of)
    back = (vectors / np.sqrt(values_of)).T
    share, turn = np.linalg.eigh(np.eye(size) - back @ explained @ back.T)
    real = turn @ np.diag(np.maximum(share, _LEAST_SHARE)) @ turn.T
    return np.asarray(root @ real @ root.T), largest


def _at(observed: Sequence[Observed | None], index: int) -> Observed:
    one = observed[index]
    assert one is not None
    return one


def _student(samples: Floats) -> Floats:
    """Scatter [k, k] about zero of samples [n, k] with heavy tails (Lange, Little and Taylor, JASA 1989)."""
    size = samples.shape[1]
    scatter = np.cov(samples.T, bias=True).reshape(size, size) + 1e-24 * np.eye(size)
    for _ in range(20):
        far = np.einsum("ni,ij,nj->n", samples, np.linalg.pinv(scatter), samples)
        weight = (_STUDENT + size) / (_STUDENT + far)
        scatter = np.einsum("n,ni,nj->ij", weight, samples, samples) / len(samples) + 1e-24 * np.eye(size)
    return np.asarray(scatter)


def _pass(
    observed: Sequence[Observed | None], motions: Sequence[tuple[Floats, Floats, Floats]], trust: Floats
) -> Smoothed:
    first = next(one for one in observed if one is not None)
    size, count = len(first.value), len(observed)
    ahead, ahead_spread = np.zeros((count, size)), np.zeros((count, size, size))
    value, covariance = np.zeros((count, size)), np.zeros((count, size, size))
    state = first.value
    known = 1e4 * (np.diag(first.value**2) + np.trace(first.covariance) * np.eye(size) + 1e-6 * np.eye(size))
    for i, one in enumerate(observed):
        if i:
            turn, offset, noise = motions[i]
            state, known = turn @ state + offset, turn @ known @ turn.T + noise
        ahead[i], ahead_spread[i] = state, known
        if one is not None:
            state, known = _corrected(state, known, one.value, one.covariance / trust[i])
        value[i], covariance[i] = state, known
    for i in range(count - 2, -1, -1):
        gain = np.linalg.solve(ahead_spread[i + 1], motions[i + 1][0] @ covariance[i]).T
        value[i] = value[i] + gain @ (value[i + 1] - ahead[i + 1])
        covariance[i] = covariance[i] + gain @ (covariance[i + 1] - ahead_spread[i + 1]) @ gain.T
    return Smoothed(value, covariance)


def _corrected(state: Floats, known: Floats, seen: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """State and covariance after an observation (in Joseph's form, which stays symmetric)."""
    gain = np.linalg.solve(known + noise, known).T
    keep = np.eye(len(state)) - gain
    return state + gain @ (seen - state), keep @ known @ keep.T + gain @ noise @ gain.T


def _trust(observed: Sequence[Observed | None], found: Smoothed, before: Floats, there: Sequence[int]) -> Floats:
    """What each fit counts, 0..1: by how surprising it is to all the other frames."""
    trust = before.copy()
    for i in there:
        one = _at(observed, i)
        noise = one.covariance / before[i]
        rest = np.linalg.inv(found.covariance[i]) - np.linalg.inv(noise)
        values_of = np.linalg.eigvalsh((rest + rest.T) / 2.0)
        if values_of.min() <= 1e-9 * max(values_of.max(), 1e-30):
            continue  # nobody else says anything
        others = np.linalg.inv(rest)
        centre = others @ (np.linalg.solve(found.covariance[i], found.value[i]) - np.linalg.solve(noise, one.value))
        missed = one.value - centre
        far = float(missed @ np.linalg.solve(others + one.covariance, missed))
        trust[i] = min(1.0, _SURPRISING / max(far, 1e-12))
    return trust
