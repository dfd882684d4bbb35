"""How alike windows of two pictures are: zero-mean normalised cross-correlation, with the grain of the pictures in it.

A window without texture correlates by its grain alone. The variance of the grain (Immerkaer, "Fast noise variance
estimation", CVIU 1996) is added to the windows' own: such windows then say nothing (0) in place of noise.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor


def box(pictures: Tensor, radius: int) -> Tensor:
    """Mean over windows of 2 radius + 1 px of pictures [..., H, W]; at the border over what lies inside. Sums of moved
    copies: on a processor ten times as fast as torch's pooling."""
    height, width = pictures.shape[-2:]
    out = _window_sums(_window_sums(pictures, radius, -1), radius, -2)
    area = _window_sizes(height, radius)[:, None] * _window_sizes(width, radius)
    return out.mul_(area.reciprocal_().to(out))


def _window_sums(pictures: Tensor, radius: int, dim: int) -> Tensor:
    size = pictures.shape[dim]
    out = pictures.clone()
    for away in range(1, min(radius, size - 1) + 1):
        out.narrow(dim, away, size - away).add_(pictures.narrow(dim, 0, size - away))
        out.narrow(dim, 0, size - away).add_(pictures.narrow(dim, away, size - away))
    return out


def _window_sizes(size: int, radius: int) -> Tensor:
    """How many px of a window around every px lie in a picture of `size` px."""
    place = torch.arange(size)
    return ((place + radius).clamp_max(size - 1) - (place - radius).clamp_min(0) + 1).float()


_LEAST_GRAIN = 1.0 / 255.0
"""Compression takes grain away and leaves errors of about a level of 8 bits in its place; so does interpolation."""

_CLIPPED = 0.02
"""Black and white within so much of the ends hold no grain."""


def grain(gray: Tensor) -> float:
    """Standard deviation of the noise of gray [H, W]: median form of Immerkaer's Laplacian difference, where the
    picture is not clipped."""
    if min(gray.shape) < 3:
        return _LEAST_GRAIN
    kernel = torch.tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]], device=gray.device)
    response = nnf.conv2d(gray[None, None], kernel[None, None])[0, 0].abs()
    inner = gray[1:-1, 1:-1]
    response = response[(inner > _CLIPPED) & (inner < 1.0 - _CLIPPED)]
    return max(float(response.median()) / 0.6745 / 6.0, _LEAST_GRAIN) if response.numel() else _LEAST_GRAIN


def normalised(gray: Tensor, radius: int, noise: float) -> Tensor:
    """gray [H, W] less its window's mean, over its window's deviation; about 0 where there is only grain."""
    mean = box(gray, radius)
    centred = gray - mean
    variance = box(gray * gray, radius) - mean * mean
    return centred * torch.rsqrt(variance.clamp_min(0.0) + (2.0 * noise) ** 2 + 1e-6)


def texture(gray: Tensor, radius: int) -> Tensor:
    """Variance of the windows of gray [H, W], in variances of the grain."""
    variance = box(gray * gray, radius) - box(gray, radius) ** 2
    return variance.clamp_min(0.0) / grain(gray) ** 2


def structure(gray: Tensor, radius: int) -> Tensor:
    """Energy of the gradients in windows of gray [H, W] beyond that of grain, in variances of the grain: below 0 there
    is no more than grain. Soft shading, which looks the same at every depth, has none."""
    across, down = torch.zeros_like(gray), torch.zeros_like(gray)
    across[:, 1:-1] = 0.5 * (gray[:, 2:] - gray[:, :-2])
    down[1:-1] = 0.5 * (gray[2:] - gray[:-2])
    # Each of the two differences has half the variance of the grain.
    return box(across * across + down * down, radius) / grain(gray) ** 2 - 1.0


def correlation(warped: Tensor, gray: Tensor, mean: Tensor, variance: Tensor, radius: int, noise: float) -> Tensor:
    """ZNCC -1..1 of warped [..., H, W] and gray [H, W], whose window mean and variance [H, W] are known."""
    other, square, common = box(torch.stack([warped, warped * warped, warped * gray]), radius)
    spread = square.addcmul_(other, other, value=-1.0).clamp_min_(0.0)
    floor = (2.0 * noise) ** 2 + 1e-6
    return common.addcmul_(other, mean, value=-1.0).mul_(spread.add_(floor).mul_(variance + floor).rsqrt_())
