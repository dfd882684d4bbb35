"""How far two frames' maps lie apart where they see the same: the scale against which agreement is judged.

Measured from the maps themselves, so that a stereo engine's fractions of a percent and a network's waves of several
percent are both judged by what is usual for them, and over inverse depth, because the far is less sure than the near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .sight import centres, sight, table_of
from .surfaces import Surface

_BINS = 6
_LEAST_PIXELS = 50
_FARTHEST = 0.4
"""Relative difference beyond which two depths are no noisy pair but two things."""

_LEAST_SCALE = 3e-4
"""Relative: agreement is never judged more strictly, however calm the maps are (the far ones: of the median)."""

_MAD = 1.4826


@dataclass(frozen=True)
class Noise:
    """at [B]: inverse depths in rising order. scale [B]: standard deviation of the difference of two maps there."""

    at: Tensor
    scale: Tensor

    def of(self, inverse: Tensor) -> Tensor:
        """The scale at inverse depths [...], linear between the known ones."""
        if len(self.at) == 1:
            return self.scale.expand(inverse.shape)
        after = torch.searchsorted(self.at, inverse.contiguous()).clamp(1, len(self.at) - 1)
        low, high = self.at[after - 1], self.at[after]
        share = ((inverse - low) / (high - low).clamp_min(1e-12)).clamp(0.0, 1.0)
        return torch.lerp(self.scale[after - 1], self.scale[after], share)


def noise_between(own: Surface, others: Sequence[Surface]) -> Noise:
    """From the differences of `own` to some neighbours, robustly (median absolute deviation)."""
    x, y = centres(own)
    known = own.trust > 0
    pixels: list[Tensor] = []
    apart: list[Tensor] = []
    for other in others:
        seen = sight(own, (x, y), own.inverse, other, table_of(other))
        pair = known & (seen.trust > 0) & (own.inverse > 0)
        pair &= (seen.candidate - own.inverse).abs() < _FARTHEST * own.inverse
        pixels.append(own.inverse[pair])
        apart.append((seen.candidate - own.inverse)[pair].abs())
    return _by_depth(own, torch.cat(pixels) if pixels else own.inverse[:0, 0], torch.cat(apart) if apart else None)


def _by_depth(own: Surface, inverse: Tensor, apart: Tensor | None) -> Noise:
    usual = own.inverse[own.trust > 0]
    middle = float(usual.median()) if len(usual) else 1.0
    if apart is None or len(inverse) < _LEAST_PIXELS * _BINS:
        at = torch.tensor([middle], device=own.inverse.device)
        return Noise(at, 0.02 * at)
    order = inverse.argsort()
    groups = order.tensor_split(_BINS)
    at = torch.stack([inverse[group].median() for group in groups])
    scale = torch.stack([_MAD * apart[group].median() for group in groups])
    return Noise(at, torch.maximum(scale, _LEAST_SCALE * at.clamp_min(0.05 * middle)))
