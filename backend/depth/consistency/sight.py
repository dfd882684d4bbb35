"""What one frame's map says of another frame's pixels.

A pixel's ray is cut with the other map's surface, which is taken as the plane through the nearest pixel (one Newton
step from the depth that the pixel has now), so maps of slanted surfaces are compared without the error of a pixel's
size. Where the other surface lies clearly nearer, it hides the pixel; where it lies clearly farther, the other frame
looks through the pixel's depth and contradicts it (the two depth tests of Merrell et al., "Real-time visibility-based
fusion of depth maps", ICCV 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .surfaces import Surface

_LEAST_TURN = 0.3
"""A ray that grazes the other surface gets no larger step than 1 / this of the difference in depth."""


@dataclass(frozen=True)
class Sight:
    """candidate [...]: the inverse depth that the other map gives the pixels. trust [...]: that map's there, 0 where it
    does not see them or says nothing."""

    candidate: Tensor
    trust: Tensor


def sight(own: Surface, at: tuple[Tensor, Tensor], inverse: Tensor, other: Surface, table: Tensor) -> Sight:
    """at: x and y (px, edges at integers) of pixels of `own`, shaped to broadcast to `inverse` [...], where they are
    thought to be. table [H * W, 4]: the other's `table_of`."""
    other_from_own = np.linalg.inv(other.world_from_camera) @ own.world_from_camera
    turn = (other.K @ other_from_own[:3, :3] @ np.linalg.inv(own.K)).tolist()
    e = (other.K @ other_from_own[:3, 3]).tolist()
    ray = [row[0] * at[0] + (row[1] * at[1] + row[2]) for row in turn]
    scale = ray[2] + inverse * e[2]
    ahead = scale > 1e-6
    over = 1.0 / torch.where(ahead, scale, torch.ones_like(scale))
    x, y = (ray[0] + inverse * e[0]) * over, (ray[1] + inverse * e[1]) * over
    height, width = other.size
    seen = ahead & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    column, row = x.clamp(0, width - 1).floor(), y.clamp(0, height - 1).floor()
    found = table[(row * width + column).long().reshape(-1)].reshape(*x.shape, 4)
    value, across, down, trust = found.unbind(-1)
    there = value + across * (x - column - 0.5) + down * (y - row - 0.5)
    turned = ray[2] * over * over
    along = (across * (e[0] - x * e[2]) + down * (e[1] - y * e[2])) * over
    step = (there - inverse * over) / torch.maximum(turned - along, _LEAST_TURN * turned.abs() + 1e-6)
    candidate = inverse + step
    # A plane that the ray only meets behind infinity was too steep to be continued so far: it says nothing.
    seen &= (candidate > 0) | (value <= 0)
    return Sight(candidate.clamp_min(0.0), trust * seen)


def table_of(surface: Surface) -> Tensor:
    """inverse, across, down, trust of every pixel side by side, [H * W, 4], to be looked up together."""
    return torch.stack([surface.inverse, surface.across, surface.down, surface.trust], -1).reshape(-1, 4)


def centres(surface: Surface) -> tuple[Tensor, Tensor]:
    """x [1, W] and y [H, 1] of the pixels' centres; edges are at integers."""
    height, width = surface.size
    device, dtype = surface.inverse.device, surface.inverse.dtype
    x, y = (torch.arange(length, device=device, dtype=dtype) + 0.5 for length in (width, height))
    return x[None], y[:, None]
