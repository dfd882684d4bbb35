"""Holes closed along the picture's edges: a marked guess, never a measurement, and never a mean of two surfaces.

A pyramid as in push-pull (Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4), but every cell holds one patch
of surface - an inverse depth with its slopes - picked from its children and never averaged from them. On the way down a
hole takes the patches around it that look like it (joint bilateral weights: Kopf et al., SIGGRAPH 2007), continued as
planes, which are straight in inverse depth, and only those that agree with the best of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor

from backend.mvs.smooth import fitted

FILLED, MOST_FILLED = 0.1, 0.45
"""Confidence of a filled depth of which the engine says nothing, and the most that a guess may have."""

_LEAST_ALIKE = 0.02
_GRAINS = 3.0
"""Standard deviation of the weight by difference of gray (0..1): so many of the picture's grain, at least the first."""

_ONE_SURFACE = 0.05
"""Relative difference of inverse depth up to which two patches continue one surface."""

_FARTHEST = 1.5
"""A patch is continued to no more than so many times its inverse depth, nor less than the inverse of that."""

_CHANNELS = 6


@dataclass(frozen=True)
class _Level:
    """patches [6, h, w]: inverse depth, slopes (per px of the finest level) across and down, and x, y (px, finest
    level) and gray of the place where it was measured. known bool [h, w]. gray [h, w]: mean of the picture there.
    confidence [h, w]: of the patch. cell: px of the finest level per cell."""

    patches: Tensor
    known: Tensor
    gray: Tensor
    confidence: Tensor
    cell: int


def filled(inverse: Tensor, known: Tensor, confidence: Tensor, gray: Tensor) -> Tensor:
    """inverse float32 [H, W] (1 / planar depth, 0 sky) with values where `known` (bool [H, W]) is False, made from
    those where it is True. confidence [H, W] picks between neighbours. gray [H, W] 0..1: the picture, which holds the
    edges. Returned as it is when nothing is known or nothing is missing."""
    if bool(known.all()) or not bool(known.any()):
        return inverse
    levels = [_finest(inverse, known, confidence, gray)]
    while not bool(levels[-1].known.all()) and min(levels[-1].gray.shape) > 1:
        levels.append(_pulled(levels[-1]))
    alike = max(_LEAST_ALIKE, _GRAINS * _grain(gray))
    below = levels.pop()
    while levels:
        below = _pushed(levels.pop(), below, alike)
    return torch.where(known, inverse, below.patches[0])


def _finest(inverse: Tensor, known: Tensor, confidence: Tensor, gray: Tensor) -> _Level:
    height, width = inverse.shape
    y, x = torch.meshgrid(
        torch.arange(height, device=gray.device, dtype=gray.dtype),
        torch.arange(width, device=gray.device, dtype=gray.dtype),
        indexing="ij",
    )
    scale = 0.5 * _ONE_SURFACE * inverse + 1e-9
    plane = fitted(inverse, scale, known.to(gray.dtype) + 1e-6, gray, reach=2, stride=2)
    calm = nnf.avg_pool2d(nnf.pad(gray[None, None], (1, 1, 1, 1), mode="replicate"), 3, 1)[0, 0]
    slopes = [torch.where(inverse > 0, one, torch.zeros_like(one)) for one in (plane.across, plane.down)]
    return _Level(torch.stack([inverse, *slopes, x, y, calm]), known, calm, confidence, 1)


def _pulled(level: _Level) -> _Level:
    """Half the size: of every 2 x 2 cells the most confident known patch."""
    height, width = level.gray.shape
    pad = (0, width % 2, 0, height % 2)
    rank = nnf.pad(torch.where(level.known, level.confidence + 1.0, 0.0)[None], pad)[0]
    best = _quarters(rank).argmax(0, keepdim=True)
    patches = torch.stack(
        [_quarters(nnf.pad(one[None], pad)[0]).gather(0, best)[0] for one in (*level.patches, level.confidence)]
    )
    gray = nnf.avg_pool2d(level.gray[None, None], 2, ceil_mode=True, count_include_pad=False)[0, 0]
    known = _quarters(rank).gather(0, best)[0] > 0
    return _Level(patches[:_CHANNELS], known, gray, patches[_CHANNELS], 2 * level.cell)


def _quarters(picture: Tensor) -> Tensor:
    """[2h, 2w] as [4, h, w]."""
    return torch.stack([picture[j::2, i::2] for j in (0, 1) for i in (0, 1)])


def _pushed(level: _Level, coarse: _Level, alike: float) -> _Level:
    """The level with its holes filled from the patches of the one below."""
    where = (~level.known).nonzero(as_tuple=True)
    row, column = where
    height, width = coarse.gray.shape
    x, y = (column + 0.5) * level.cell - 0.5, (row + 0.5) * level.cell - 0.5
    shade = level.gray[where]
    near = [
        coarse.patches[:, ((row // 2) + j).clamp(0, height - 1), ((column // 2) + i).clamp(0, width - 1)]
        for j in (-1, 0, 1)
        for i in (-1, 0, 1)
    ]
    patches = torch.stack(near, 1)
    value, across, down, px, py, gray = patches
    there = value + across * (x - px) + down * (y - py)
    there = torch.minimum(torch.maximum(there, value / _FARTHEST), value * _FARTHEST)
    away = ((x - px) ** 2 + (y - py) ** 2) / level.cell**2
    weight = torch.exp(-0.5 * ((gray - shade) / alike) ** 2) / (1.0 + away) + 1e-9 / (1.0 + away)
    best = weight.argmax(0, keepdim=True)
    chosen = there.gather(0, best)
    weight = weight * ((there - chosen).abs() <= _ONE_SURFACE * chosen)
    total = weight.sum(0)
    out = level.patches.clone()
    mean = [(weight * one).sum(0) / total for one in (there, across, down)]
    for k, one in enumerate((*mean, x, y, shade)):
        out[k][where] = one
    return _Level(out, torch.ones_like(level.known), level.gray, level.confidence, level.cell)


def _grain(gray: Tensor) -> float:
    """Standard deviation of the picture's noise, robustly (Immerkaer, CVIU 1996, with the median)."""
    middle = gray[1:-1, 1:-1]
    bent = (
        4.0 * middle
        - 2.0 * (gray[1:-1, :-2] + gray[1:-1, 2:] + gray[:-2, 1:-1] + gray[2:, 1:-1])
        + gray[:-2, :-2] + gray[:-2, 2:] + gray[2:, :-2] + gray[2:, 2:]
    )  # fmt: skip
    return float(bent.abs().median()) * 1.4826 / 6.0
