"""How alike windows of two pictures are: zero-mean normalised cross-correlation, with the grain of the pictures in it.

A window without texture correlates by its grain alone. The variance of the grain (Immerkaer, "Fast noise variance
estimation", CVIU 1996) is added to the windows' own: such windows then say nothing (0) in place of noise.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor


def box(pictures: Tensor, radius: int) -> Tensor:
    """Mean over windows of 2 radius + 1 px of pictures [..., H, W]; at the border over what lies inside."""
    height, width = pictures.shape[-2:]
    flat = pictures.reshape(1, -1, height, width)
    side = 2 * radius + 1
    along = nnf.avg_pool2d(flat, (1, side), 1, (0, radius), count_include_pad=False)
    out = nnf.avg_pool2d(along, (side, 1), 1, (radius, 0), count_include_pad=False)
    return out.reshape(pictures.shape)


def grain(gray: Tensor) -> float:
    """Standard deviation of the noise of gray [H, W]: median form of Immerkaer's Laplacian difference."""
    kernel = torch.tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]], device=gray.device)
    response = nnf.conv2d(gray[None, None], kernel[None, None])
    return float(response.abs().median() / 0.6745 / 6.0)


def normalised(gray: Tensor, radius: int, noise: float) -> Tensor:
    """gray [H, W] less its window's mean, over its window's deviation; about 0 where there is only grain."""
    mean = box(gray, radius)
    centred = gray - mean
    variance = box(gray * gray, radius) - mean * mean
    return centred * torch.rsqrt(variance.clamp_min(0.0) + (2.0 * noise) ** 2 + 1e-6)


def correlation(warped: Tensor, gray: Tensor, mean: Tensor, variance: Tensor, radius: int, noise: float) -> Tensor:
    """ZNCC -1..1 of warped [..., H, W] and gray [H, W], whose window mean and variance [H, W] are known."""
    other = box(warped, radius)
    spread = (box(warped * warped, radius) - other * other).clamp_min(0.0)
    common = box(warped * gray, radius) - other * mean
    floor = (2.0 * noise) ** 2 + 1e-6
    return common * torch.rsqrt((spread + floor) * (variance + floor))
