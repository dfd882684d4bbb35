"""One frame brought into agreement with its neighbours in time.

Every neighbour gives each pixel a depth (sight.py); the pixel takes their robust mean, its own raw depth among them,
weighted by confidence and by distance in time. That minimises, pixel by pixel and in closed form, the geometric
consistency term of Consistent Video Depth (Luo et al., SIGGRAPH 2020) in inverse depth with the Geman-McClure loss and
a pull to the raw depth as in MegaSaM (Li et al., CVPR 2025) by iteratively reweighted least squares; the weights fade
out with time, so no frame's entry or exit is seen. Pixels that the neighbours contradict are tried at the neighbours'
depth, and stay there if more of them agree with it (stability: Merrell et al., ICCV 2007).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .noise import Noise
from .sight import centres, sight, table_of
from .surfaces import MEASURED_TRUST, Surface

_ROUNDS = 3
"""Reweightings; the weights change little after."""

_LOSS_SCALE = 2.0
"""Scale of the loss, in standard deviations of the noise."""

_CONFLICT = 4.0
"""Standard deviations from which two depths are two things."""

_NO_WEIGHT = 1e-9
"""Less is no word for a depth: all have gone too far from it."""

_SURER = 2.0
"""How many times more weight must be for a depth than for the pixel's own, and than against it, to take its place."""

_STRIP_PIXELS = 40_000
"""Pixels worked on at once: with all their candidates they stay in a processor's cache."""

_BELIEF = 2.0
"""Change of the log-odds of a depth when all that see it agree. Maps of one engine err together, so many of them that
agree are not as sure as that many independent ones."""


@dataclass(frozen=True)
class Fused:
    """inverse [...]: the common inverse depth. weight [...]: of all that agree with it; 0 where nothing is known.
    agreed, against, seen [...]: weights of measured neighbours that confirm it, look through it, and could tell."""

    inverse: Tensor
    weight: Tensor
    agreed: Tensor
    against: Tensor
    seen: Tensor


@dataclass(frozen=True)
class Neighbour:
    """surface: its map. table [H * W, 4]: see `table_of`. nearness 0..1: weight by distance in time."""

    surface: Surface
    table: Tensor
    nearness: float


@dataclass(frozen=True)
class _Said:
    """What N neighbours say of some pixels, each [N, ...]: inverse depths, their weights, and the weights of those that
    were measured (0 for filled ones)."""

    candidates: Tensor
    weights: Tensor
    measured: Tensor


def neighbour(surface: Surface, away: int, reach: int) -> Neighbour:
    """A map `away` frames off, of at most `reach`."""
    return Neighbour(surface, table_of(surface), math.cos(0.5 * math.pi * away / (reach + 1)) ** 2)


def fused(own: Surface, neighbours: Sequence[Neighbour], noise: Noise) -> Fused:
    """The frame's map [H, W] in agreement with its neighbours'."""
    x, y = centres(own)
    height, width = own.size
    tall = max(1, _STRIP_PIXELS // width)
    strips = []
    for first in range(0, height, tall):
        rows = slice(first, min(first + tall, height))
        at = (x.expand(rows.stop - first, -1), y[rows].expand(-1, width))
        strips.append(_fused(own, at, own.inverse[rows], own.trust[rows], neighbours, noise))
    return Fused(*(torch.cat([getattr(one, name) for one in strips]) for name in Fused.__dataclass_fields__))


def _fused(
    own: Surface,
    at: tuple[Tensor, Tensor],
    inverse: Tensor,
    trust: Tensor,
    neighbours: Sequence[Neighbour],
    noise: Noise,
) -> Fused:
    """Pixels at x, y [h, W] with their own inverse depth and trust."""
    said = _asked(own, at, inverse, neighbours)
    found = _mean(inverse, trust, said, noise)
    # More weight against than for: perhaps the pixel lies where most of the others put it.
    doubted = (trust <= 0) | (found.against + _hidden(found.inverse, said, noise) > found.agreed)
    doubted &= said.weights.sum(0) > 0
    if not bool(doubted.any()):
        return found
    few = (at[0][doubted], at[1][doubted])
    guess = _middle(said.candidates[:, doubted], said.weights[:, doubted])
    for _ in range(2):
        again = _asked(own, few, guess, neighbours)
        other = _mean(guess, torch.zeros_like(guess), again, noise)
        guess = other.inverse
    better = (other.agreed > _SURER * (found.agreed + trust)[doubted]) & (other.agreed > _SURER * other.against)
    parts = []
    for name in Fused.__dataclass_fields__:
        mine = getattr(found, name).clone()
        mine[doubted] = torch.where(better, getattr(other, name), mine[doubted])
        parts.append(mine)
    return Fused(*parts)


def _asked(own: Surface, at: tuple[Tensor, Tensor], inverse: Tensor, neighbours: Sequence[Neighbour]) -> _Said:
    said = _Said(*(inverse.new_empty((len(neighbours), *inverse.shape)) for _ in range(3)))
    for k, one in enumerate(neighbours):
        seen = sight(own, at, inverse, one.surface, one.table)
        said.candidates[k], said.weights[k] = seen.candidate, one.nearness * seen.trust
        said.measured[k] = said.weights[k] * (seen.trust >= MEASURED_TRUST)
    return said


def _mean(start: Tensor, trust: Tensor, said: _Said, noise: Noise) -> Fused:
    """The robust mean about `start` [...], which itself counts `trust`."""
    scale = noise.of(start)
    value = start
    for _ in range(_ROUNDS):
        over = 1.0 / (_LOSS_SCALE * scale)
        mine = trust * _loss_weight((start - value) * over)
        each = said.weights * _loss_weight((said.candidates - value) * over)
        total = mine + each.sum(0)
        mean = (mine * start + (each * said.candidates).sum(0)) / total.clamp_min(_NO_WEIGHT)
        value = torch.where(total > _NO_WEIGHT, mean, start)
    apart = (said.candidates - value) / scale
    agreed = (said.measured * (apart.abs() < _CONFLICT)).sum(0)
    against = (said.measured * (apart <= -_CONFLICT)).sum(0)
    return Fused(value, total, agreed, against, agreed + against)


def _hidden(value: Tensor, said: _Said, noise: Noise) -> Tensor:
    """Weight of the neighbours that have something else before the pixel."""
    return (said.measured * (said.candidates - value >= _CONFLICT * noise.of(value))).sum(0)


def _middle(candidates: Tensor, weights: Tensor) -> Tensor:
    """Weighted median over the first axis."""
    order = candidates.argsort(0)
    passed = weights.gather(0, order).cumsum(0)
    place = (passed < 0.5 * passed[-1]).sum(0).clamp_max(len(candidates) - 1)
    return candidates.gather(0, order).gather(0, place[None])[0]


def _loss_weight(residual: Tensor) -> Tensor:
    """Geman and McClure's, of residuals in scales of the loss."""
    return (1.0 + residual * residual).pow(-2)


def belief(confidence: Tensor, found: Fused) -> Tensor:
    """The engine's confidence [H, W] 0..1 after the neighbours have spoken: log-odds up with the share of those who
    agree, down twice as fast with the share of those who look through the depth."""
    odds = torch.logit(confidence.clamp(0.02, 0.98))
    change = _BELIEF * (found.agreed - 2.0 * found.against) / (found.seen + 1.0)
    return torch.where(found.weight > 0, torch.sigmoid(odds + change), torch.zeros_like(odds))
