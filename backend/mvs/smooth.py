"""Noise out of a map: every pixel on the plane that its surroundings lie on.

A plane in space is linear in inverse depth over the picture, so a weighted linear fit around a pixel smooths walls and
floors at any slant without a bias (moving least squares: Levin 1998; with the bilateral weights of Tomasi and Manduchi,
ICCV 1998). Weights: how sharp the match of a pixel is, how near its depth is to the fitted plane in px of the sources,
how alike the picture is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor

_NEAR_PX = (1.5, 0.75)
"""Standard deviation of the weight by distance from the plane, in px of the sources: first with a level plane, then
with the fitted one."""

_ALIKE = 0.08
"""Standard deviation of the weight by difference of gray, 0..1, beyond the grain."""

_LEVEL = 1e-2
"""Ridge on the slopes, so that few samples in a row make no plane."""


@dataclass(frozen=True)
class Plane:
    """w(x + dx, y + dy) = inverse + dx * across + dy * down; px. weight [H, W]: of the samples that lie on it.
    share [H, W] 0..1: those, of all that look alike; low at rims and in foliage. support [H, W] 0..1: those, of what
    the window can hold."""

    inverse: Tensor
    across: Tensor
    down: Tensor
    weight: Tensor
    share: Tensor
    support: Tensor


def fitted(
    inverse: Tensor,
    step: Tensor,
    trust: Tensor,
    gray: Tensor,
    reach: int = 3,
    stride: int = 3,
    near_px: Sequence[float] = _NEAR_PX,
) -> Plane:
    """The local planes of inverse [H, W]. step [H, W]: inverse depth per px in the sources. trust [H, W] >= 0.
    Samples: (2 reach + 1)^2, `stride` px apart. near_px: for one fit after the other, the first about a level plane."""
    plane = Plane(inverse, torch.zeros_like(inverse), torch.zeros_like(inverse), trust, trust, trust)
    for near in near_px:
        plane = _fit(inverse, step, trust, gray, plane, near, reach, stride)
    return plane


def _fit(
    inverse: Tensor, step: Tensor, trust: Tensor, gray: Tensor, plane: Plane, near: float, reach: int, stride: int
) -> Plane:
    """One weighted fit about a plane known so far: sums of weight times 1, x, y, xx, xy, yy, w, xw, yw."""
    pad = reach * stride
    stack = nnf.pad(torch.stack([inverse, trust, gray])[None], (pad, pad, pad, pad), mode="replicate")[0]
    height, width = inverse.shape
    sums = [torch.zeros_like(inverse) for _ in range(9)]
    alike = torch.zeros_like(inverse)
    for j in range(-reach, reach + 1):
        for i in range(-reach, reach + 1):
            y, x = pad + j * stride, pad + i * stride
            value, sure, shade = stack[:, y : y + height, x : x + width]
            ahead = value - plane.inverse - (i * stride) * plane.across - (j * stride) * plane.down
            near_by = -0.5 * (i * i + j * j) / (reach * reach)
            similar = sure * torch.exp(near_by - 0.5 * ((shade - gray) / _ALIKE) ** 2)
            weight = similar * torch.exp(-0.5 * (ahead / (near * step)) ** 2)
            alike += similar
            gone = value - inverse
            for k, factor in enumerate((1.0, i, j, i * i, i * j, j * j)):
                if factor:
                    sums[k] += factor * weight
            moment = weight * gone
            sums[6] += moment
            sums[7] += i * moment
            sums[8] += j * moment
    room = sum(math.exp(-0.5 * (i / reach) ** 2) for i in range(-reach, reach + 1)) ** 2
    return _solved(inverse, sums, (alike, room), stride)


def _solved(inverse: Tensor, sums: list[Tensor], totals: tuple[Tensor, float], stride: int) -> Plane:
    """The 3 x 3 normal equations in closed form, about the weighted mean. totals: weights of the look-alikes, and
    of a full window."""
    n, sx, sy, sxx, sxy, syy, sw, sxw, syw = sums
    total = n.clamp_min(1e-9)
    mx, my, mw = sx / total, sy / total, sw / total
    xx, xy, yy = sxx / total - mx * mx + _LEVEL, sxy / total - mx * my, syy / total - my * my + _LEVEL
    xw, yw = sxw / total - mx * mw, syw / total - my * mw
    determinant = (xx * yy - xy * xy).clamp_min(1e-9)
    across, down = (yy * xw - xy * yw) / determinant, (xx * yw - xy * xw) / determinant
    middle = inverse + mw - mx * across - my * down
    middle = torch.where(n > 1e-6, middle, inverse)
    share = n / totals[0].clamp_min(1e-9)
    return Plane(middle, across / stride, down / stride, n, share, n / totals[1])
