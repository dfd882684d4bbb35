"""Holes closed along the picture's edges: a marked guess, never a measurement.

Pyramid push-pull (Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4) with weights by likeness of gray: a hole
takes the depth of measured surroundings that look like it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor

_ALIKE = 0.06
"""Standard deviation of the weight by difference of gray, 0..1."""


def filled(inverse: Tensor, known: Tensor, gray: Tensor) -> Tensor:
    """inverse [H, W] with values where known (bool [H, W]) is False, interpolated. All 0 when nothing is known."""
    return _closed(torch.where(known, inverse, torch.zeros_like(inverse)), known.to(inverse.dtype), gray)


def _closed(value: Tensor, weight: Tensor, gray: Tensor) -> Tensor:
    height, width = value.shape
    if bool((weight > 0).all()) or min(height, width) < 2:
        return value
    pooled = _halved(torch.stack([value * weight, weight, gray]))
    coarse_weight = pooled[1]
    coarse = pooled[0] / coarse_weight.clamp_min(1e-9)
    below = _closed(
        torch.where(coarse_weight > 0, coarse, torch.zeros_like(coarse)), (coarse_weight > 0).to(value.dtype), pooled[2]
    )
    return torch.where(weight > 0, value, _joint_upsampled(below, pooled[2], gray))


def _halved(stack: Tensor) -> Tensor:
    return nnf.avg_pool2d(stack[None], 2, ceil_mode=True, count_include_pad=False)[0]


def _joint_upsampled(coarse: Tensor, coarse_gray: Tensor, gray: Tensor) -> Tensor:
    """coarse at the size of gray: of 3 x 3 coarse pixels, those that look alike (Kopf et al., SIGGRAPH 2007)."""
    size = gray.shape
    padded = nnf.pad(torch.stack([coarse, coarse_gray])[None], (1, 1, 1, 1), mode="replicate")[0]
    height, width = coarse.shape
    total, weight = torch.zeros_like(gray), torch.full_like(gray, 1e-9)
    for j in range(3):
        for i in range(3):
            near = padded[:, j : j + height, i : i + width]
            large = nnf.interpolate(near[None], scale_factor=2, mode="nearest")[0, :, : size[0], : size[1]]
            near_weight = 0.5 ** (abs(i - 1) + abs(j - 1))
            alike = near_weight * torch.exp(-0.5 * ((large[1] - gray) / _ALIKE) ** 2) + 1e-6
            total += alike * large[0]
            weight += alike
    return total / weight
