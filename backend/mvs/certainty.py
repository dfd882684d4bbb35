"""How probable it is that a pixel's depth is within 3 % of the truth.

A logistic model of what is known about the pixel, fitted to rendered scenes (leaving each out in turn changes no factor
by more than a fifth, and the probabilities hold on the one left out to some percent).
"""

from __future__ import annotations

import torch
from torch import Tensor

from backend.depth.frame import MEASURED

from .consistency import Agreed
from .estimate import Estimate
from .rims import rim

_OFFSET = 1.2
_SUPPORT = 0.45
"""Per factor e of the support of the pixel's plane."""

_OFF = -0.26
"""Per px (in the sources) between what was matched and the plane."""

_AGAINST = -0.57
"""Per neighbour that sees through the pixel."""

_SHARE = 0.4
"""Per factor e of the share of look-alikes around it that lie on its own map's plane."""

_FAR = -0.9
"""Per factor e of relative depth per px in the sources: what a px of error costs."""

_RESIDUAL, _TEXTURE = -0.8, 0.26
"""Per factor e of what the match leaves unexplained, and of what there was to explain, in variances of the grain:
leaves before leaves never match as a surface does, however well their outlines do."""

_RIMS = ((2, -0.2), (3, -0.1), (5, -0.35))
"""For a jump of depth within so many px."""

_SURE = 0.75
"""Probability from which a pixel is called measured."""


def certainty(own: Estimate, said: Agreed, inverse: Tensor, support: Tensor, off: Tensor) -> Tensor:
    """Probability [H, W] of being right. inverse: the depth taken. support: of its plane, 0..1. off: distance of what
    was matched from the plane, px."""
    relative = own.map.step / inverse.clamp_min(1e-9)
    odds = (
        _OFFSET
        + _SUPPORT * torch.log(2.0 * support + 0.02)
        + _OFF * off
        + _AGAINST * said.against.clamp_max(3.0)
        + _SHARE * torch.log(own.share + 0.05)
        + _FAR * torch.log(relative.clamp(1e-9, 1e9))
        + _RESIDUAL * torch.log1p((1.0 - own.score).clamp_min(0.0) * own.texture)
        + _TEXTURE * torch.log1p(own.texture)
    )
    for radius, factor in _RIMS:
        odds = odds + factor * rim(own.map.inverse, own.map.step, radius)
    return torch.sigmoid(odds)


def confidence(sure: Tensor, matched: Tensor) -> Tensor:
    """Confidence [H, W] in the product's terms, from the probability: from 0.5 measured, below it not."""
    measured = MEASURED + (1.0 - MEASURED) * (sure - _SURE) / (1.0 - _SURE)
    guessed = (0.98 * MEASURED) * sure.clamp_min(0.02)
    return torch.where(matched & (sure >= _SURE), measured, guessed)
