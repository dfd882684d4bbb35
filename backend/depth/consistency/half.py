"""The step at half resolution: maps halved without mixing surfaces, and their agreement carried back to all pixels.

On the way back a pixel takes the coarse surfaces around it, continued as planes, that agree with its own raw depth, so
that edges stay as sharp as the engine found them; where none does, those that look like it (joint bilateral upsampling:
Kopf et al., SIGGRAPH 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor

from backend.depth.frame import MEASURED

from .fill import MOST_FILLED
from .surfaces import Surface, slopes

_ONE_SURFACE = 0.03
"""Relative difference of inverse depth that still is one surface."""

_ALIKE = 0.05
"""Standard deviation of the weight by difference of gray, 0..1."""


@dataclass(frozen=True)
class FullSize:
    """A frame's raw map, for the way back. inverse, confidence, gray float32 [H, W]; moving bool [H, W]."""

    inverse: Tensor
    confidence: Tensor
    gray: Tensor
    moving: Tensor


def halved(inverse: Tensor, confidence: Tensor, moving: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """inverse, confidence float32 [H, W] and moving bool [H, W] at half the size: of every 2 x 2 px the most confident,
    averaged with those on its surface. An odd last row or column is dropped."""
    rank = torch.where(moving, torch.full_like(confidence, -1.0), confidence)
    ranks, values = (_quarters(one) for one in (rank, confidence))
    # At the middle of the cell: a slant would come out moved otherwise, by which of the four are sure.
    place = torch.tensor([0.5, -0.5], device=inverse.device)
    cells, across, down = (_quarters(one) for one in (inverse, *slopes(inverse)))
    cells = cells + across * place.repeat(2)[:, None, None] + down * place.repeat_interleave(2)[:, None, None]
    cells = cells.clamp_min(0.0)
    best = ranks.argmax(0, keepdim=True)
    chosen = cells.gather(0, best)
    same = ((cells - chosen).abs() <= _ONE_SURFACE * chosen) & (ranks > 0)
    weight = (same * values).clamp_min(1e-9) * same + 1e-12 * (ranks == ranks.gather(0, best))
    mean = (weight * cells).sum(0) / weight.sum(0).clamp_min(1e-12)
    return mean, values.gather(0, best)[0], ranks.gather(0, best)[0] < 0


def at_full_size(coarse: Surface, raw: FullSize) -> tuple[Tensor, Tensor]:
    """inverse and confidence [H, W] of the pixels of `raw`, from the surface of half the size."""
    height, width = raw.inverse.shape
    y = (torch.arange(height, device=raw.gray.device) + 0.5) / 2.0 - 0.5
    x = (torch.arange(width, device=raw.gray.device) + 0.5) / 2.0 - 0.5
    total, by_gray, sure, sure_by_gray, weight, gray_weight = (torch.zeros_like(raw.inverse) for _ in range(6))
    for j in (0, 1):
        for i in (0, 1):
            row = (y.floor().long() + j).clamp(0, coarse.size[0] - 1)
            column = (x.floor().long() + i).clamp(0, coarse.size[1] - 1)
            dy, dx = (y - row)[:, None], (x - column)[None]
            value, across, down, confidence, gray, known = (
                one[row][:, column]
                for one in (coarse.inverse, coarse.across, coarse.down, coarse.confidence, coarse.gray, coarse.trust)
            )
            here = (value + across * dx + down * dy).clamp_min(0.0)
            near = (1.0 - dy.abs()).clamp_min(0.0) * (1.0 - dx.abs()).clamp_min(0.0) + 1e-3
            near = near * (known > 0)
            away = (here - raw.inverse) / (_ONE_SURFACE * raw.inverse).clamp_min(1e-9)
            same = near * (away.abs() <= 1.0)
            alike = near * torch.exp(-0.5 * ((gray - raw.gray) / _ALIKE) ** 2) + 1e-9 * near
            for sums, share in (((total, sure, weight), same), ((by_gray, sure_by_gray, gray_weight), alike)):
                sums[0].add_(share * here)
                sums[1].add_(share * confidence)
                sums[2].add_(share)
    agrees = (weight > 0) & (raw.confidence >= MEASURED)
    inverse = torch.where(agrees, total / weight.clamp_min(1e-12), by_gray / gray_weight.clamp_min(1e-12))
    guess = (sure_by_gray / gray_weight.clamp_min(1e-12)).clamp_max(MOST_FILLED)
    found = torch.where(agrees, sure / weight.clamp_min(1e-12), guess)
    known = ((weight > 0) | (gray_weight > 0)) & ~raw.moving
    return inverse, torch.where(known, found, torch.zeros_like(found))


def _quarters(picture: Tensor) -> Tensor:
    """[H, W] as [4, H // 2, W // 2]."""
    height, width = (size // 2 * 2 for size in picture.shape)
    cut = picture[:height, :width]
    return nnf.pixel_unshuffle(cut[None, None], 2)[0]
