"""Where depth jumps."""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor


def rim(inverse: Tensor, step: Tensor, radius: int) -> Tensor:
    """bool [H, W]: where depth jumps within `radius` px, a slope taken off: highest and lowest are not equally far."""
    high, low = highest(inverse, radius), -highest(-inverse, radius)
    return (high + low - 2.0 * inverse).abs() > torch.maximum(0.03 * inverse, 1.5 * step)


def highest(picture: Tensor, radius: int) -> Tensor:
    """The largest within `radius` px along rows and columns [H, W]."""
    side = 2 * radius + 1
    rows = nnf.max_pool2d(picture[None, None], (side, 1), 1, (radius, 0))
    return nnf.max_pool2d(rows, (1, side), 1, (0, radius))[0, 0]
