"""A picture with its camera, as tensors, and how two of them see each other.

Pixels have their edges at integers; pictures are pinhole (undistorted). Inverse depth is 1 / planar depth, 1 / world
units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as nnf
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """number: of the plate. gray: float32 [H, W], 0..1. usable: float32 [H, W], 1 where pixels may be matched, 0 where
    something moves or nothing is. K [3, 3] px. world_from_camera [4, 4]."""

    number: int
    gray: Tensor
    usable: Tensor
    K: Floats
    world_from_camera: Floats

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.gray.shape
        return int(height), int(width)

    @property
    def centre(self) -> Floats:
        """Camera centre [3] in the world."""
        return self.world_from_camera[:3, 3]

    def halved(self) -> View:
        """The view at half resolution: means of 2 x 2 px (an odd last row or column is dropped)."""
        K = self.K.copy()
        K[:2] /= 2.0
        small = nnf.avg_pool2d(torch.stack([self.gray * self.usable, self.usable])[None], 2)[0]
        gray = nnf.avg_pool2d(self.gray[None, None], 2)[0, 0]
        seen = small[1]
        gray = torch.where(seen > 0, small[0] / seen.clamp_min(1e-6), gray)
        return replace(self, gray=gray, usable=(seen > 0.5).to(gray.dtype), K=K)


@dataclass(frozen=True)
class Passage:
    """From pixels of one view at an inverse depth w to another view's: homogeneous pixel = ray + w * epipole, with
    ray [3, H, W] for every pixel centre and epipole [3]."""

    ray: Tensor
    epipole: Tensor


def passage(view: View, other: View) -> Passage:
    """How `other` sees the pixels of `view`."""
    other_from_view = np.linalg.inv(other.world_from_camera) @ view.world_from_camera
    turn = other.K @ other_from_view[:3, :3] @ np.linalg.inv(view.K)
    epipole = other.K @ other_from_view[:3, 3]
    height, width = view.size
    device, dtype = view.gray.device, torch.float32
    y, x = torch.meshgrid(
        torch.arange(height, device=device, dtype=dtype) + 0.5,
        torch.arange(width, device=device, dtype=dtype) + 0.5,
        indexing="ij",
    )
    m = turn.tolist()
    ray = torch.stack([row[0] * x + row[1] * y + row[2] for row in m])
    return Passage(ray, torch.as_tensor(epipole, dtype=dtype, device=device))


def other_pixels(way: Passage, inverse: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x, y (px, edges at integers) and the ratio of depths z_other / z_view, each shaped like `inverse` [..., H, W]."""
    scale = way.ray[2] + inverse * way.epipole[2]
    ahead = 1.0 / torch.where(scale > 1e-6, scale, torch.full_like(scale, torch.nan))
    return (way.ray[0] + inverse * way.epipole[0]) * ahead, (way.ray[1] + inverse * way.epipole[1]) * ahead, scale


def sampled(picture: Tensor, x: Tensor, y: Tensor, mode: str = "bilinear") -> Tensor:
    """picture [C, H, W] at pixels x, y [..., h, w] (edges at integers): [C, ..., h, w]; 0 outside and behind."""
    out = nnf.grid_sample(picture[None], _grid(picture, x, y), mode=mode, padding_mode="zeros", align_corners=False)
    return out[0].reshape(picture.shape[0], *x.shape)


def _grid(picture: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """x, y as grid_sample wants them [1, N, w, 2]; what is not a number lies outside."""
    height, width = picture.shape[-2:]
    grid = torch.empty(*x.shape, 2, device=x.device)
    torch.mul(x, 2.0 / width, out=grid[..., 0])
    torch.mul(y, 2.0 / height, out=grid[..., 1])
    grid.sub_(1.0).nan_to_num_(nan=-9.0, posinf=9.0, neginf=-9.0).clamp_(-9.0, 9.0)
    return grid.reshape(1, -1, x.shape[-1], 2)


_BLANK = -1e6
"""Stands for pixels that may not be matched: far from every value, so that it is known again when mixed with one."""

_LEAST = -50.0
"""Below every value of a picture: gray, or normalised in a window of up to 50^2 px."""


def marked(picture: Tensor, usable: Tensor) -> Tensor:
    """picture [H, W] for `looked_up` [1, H + 2, W + 2]: with a mark around it and where usable [H, W] is 0."""
    kept = torch.where(usable > 0.5, picture, torch.full_like(picture, _BLANK))
    return nnf.pad(kept[None], (1, 1, 1, 1), value=_BLANK)


def looked_up(picture: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """A marked picture at pixels x, y [..., h, w]: the values, 0 where there are none, and where there are (bool)."""
    grid = _grid(picture, x + 1.0, y + 1.0)
    out = nnf.grid_sample(picture[None], grid, mode="bilinear", padding_mode="border", align_corners=False)
    value = out.reshape(x.shape)
    seen = value > _LEAST
    return torch.where(seen, value, torch.zeros_like(value)), seen
