"""Which depths the neighbours' maps confirm, and their common value.

A pixel is taken into a neighbour's view, and the neighbour's depth there back: it is confirmed when it comes back to
where it was and as deep (Schoenberger et al., ECCV 2016, section 4.3; Galliani et al., ICCV 2015, section 5). Confirmed
depths are averaged by their weights: the maps' errors are partly independent, so the mean of a few is calmer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .views import View, other_pixels, passage, sampled

_BACK_PX = 1.0
"""How far from itself a pixel may come back."""

_PIXELS = 1.5
"""Differences of depth that are explained by so many px in the sources are no contradiction, however far the depth."""


@dataclass(frozen=True)
class DepthMap:
    """The estimate of one view. inverse [H, W]. weight [H, W] > 0: inverse variance up to a factor. step [H, W]:
    inverse depth that counts as one px in the sources (less than that where the map's noise is less)."""

    view: View
    inverse: Tensor
    weight: Tensor
    step: Tensor


@dataclass(frozen=True)
class Agreed:
    """inverse [H, W]: mean over the maps that agree. votes [H, W]: how many neighbours do. against [H, W]: how many see
    the pixel as something else."""

    inverse: Tensor
    votes: Tensor
    against: Tensor


def agreed(own: DepthMap, neighbours: Sequence[DepthMap], tolerance: float) -> Agreed:
    """What the neighbours say of a map. tolerance: relative difference of depth that confirms."""
    total, weight = own.inverse * own.weight, own.weight.clone()
    votes, against = torch.zeros_like(own.inverse), torch.zeros_like(own.inverse)
    for other in neighbours:
        value, back, seen = _through(own, other)
        ratio = (value - own.inverse).abs() / own.inverse.clamp_min(1e-9)
        near = (ratio < tolerance) | ((value - own.inverse).abs() < 0.5 * own.step)
        same = seen & near & (back < _BACK_PX)
        apart = (value - own.inverse).abs() > torch.maximum(3.0 * tolerance * own.inverse, _PIXELS * own.step)
        sure = torch.where(same, _weight_there(own, other), torch.zeros_like(value))
        total += sure * torch.where(same, value, torch.zeros_like(value))
        weight += sure
        votes += same
        against += seen & apart & (value < own.inverse)
    return Agreed(total / weight.clamp_min(1e-12), votes, against)


def _through(own: DepthMap, other: DepthMap) -> tuple[Tensor, Tensor, Tensor]:
    """The other map's surface as inverse depth in the own view [H, W], how far from its pixel it comes back (px), and
    where the other view sees it at all."""
    x, y, scale = other_pixels(passage(own.view, other.view), own.inverse)
    found = sampled(other.inverse[None], x, y, mode="nearest")[0]
    K_inverse = np.linalg.inv(other.view.K)
    own_from_other = np.linalg.inv(own.view.world_from_camera) @ other.view.world_from_camera
    back = own.view.K @ own_from_other[:3, :3] @ K_inverse
    epipole = own.view.K @ own_from_other[:3, 3]
    # Through the centre of the other's pixel, whose depth it is.
    cx, cy = torch.floor(x) + 0.5, torch.floor(y) + 0.5
    u, v, z = (
        float(m[0]) * cx + float(m[1]) * cy + float(m[2]) + float(e) * found for m, e in zip(back, epipole, strict=True)
    )
    height, width = own.view.size
    ahead = z > 1e-6
    z = torch.where(ahead, z, torch.ones_like(z))
    gy, gx = torch.meshgrid(
        torch.arange(height, device=x.device) + 0.5, torch.arange(width, device=x.device) + 0.5, indexing="ij"
    )
    away = torch.hypot(u / z - gx - (cx - x) * scale, v / z - gy - (cy - y) * scale)
    inside = (x >= 0) & (y >= 0) & (x < other.view.size[1]) & (y < other.view.size[0])
    usable = sampled(other.view.usable[None], x, y, mode="nearest")[0] > 0.5
    return found / z, away.nan_to_num(torch.inf), inside & ahead & usable & (other_valid(found))


def other_valid(found: Tensor) -> Tensor:
    """Where a map says anything (its inverse depth is not the mark for unknown, -1)."""
    return found >= 0.0


def _weight_there(own: DepthMap, other: DepthMap) -> Tensor:
    x, y, _ = other_pixels(passage(own.view, other.view), own.inverse)
    return sampled(other.weight[None], x, y, mode="nearest")[0]
