"""The sweep: every plane of constant inverse depth, against every source, at half resolution.

Inverse depth is uniform because equal steps of it are equal steps in the sources' pixels (Collins 1996). The planes
reach infinity, so that sky and far hills have a place to go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .matching import box as box_mean
from .matching import grain, normalised
from .settings import Checkpoint, MvsSettings
from .sgm import semi_global
from .views import Passage, View, looked_up, marked, other_pixels, passage

_CHUNK = 16
"""Planes that are matched at a time: bounds the memory."""

_LEAST_PLANES = 32
"""However little parallax there is: layers a fraction of a px apart are still layers."""

_SMALL, _LARGE = 0.06, 0.7
"""Penalties of SGM, in units of 1 - ZNCC."""


_HANDICAP = 0.1
"""How much better, in ZNCC, a part of the sources must be to count alone."""


@dataclass(frozen=True)
class Swept:
    """inverse [h, w]; step: of the planes, 1 / units. score [h, w]: ZNCC of the depth taken."""

    inverse: Tensor
    step: float
    score: Tensor


def halves(view: View, sources: Sequence[View]) -> list[list[int]]:
    """The sources before and after the view: what hides a surface from one half seldom hides it from the other. At an
    end of the clip, the nearer and the farther half. Together they are all."""
    before = [i for i, one in enumerate(sources) if one.number < view.number]
    after = [i for i, one in enumerate(sources) if one.number > view.number]
    if before and after:
        return [before, after]
    by_time = sorted(range(len(sources)), key=lambda i: abs(sources[i].number - view.number))
    middle = (len(by_time) + 1) // 2
    return [half for half in (by_time[:middle], by_time[middle:]) if half]


def plane_step(view: View, sources: Sequence[View], near: float) -> float:
    """Inverse depth per plane: one px of the source that moves most, half of it, typically, in the others."""
    steps = []
    for source in sources:
        way = passage(view, source)
        middle = torch.full_like(way.ray[0], near / 4)
        x0, y0, _ = other_pixels(way, middle)
        x1, y1, _ = other_pixels(way, middle * 1.01)
        moved = torch.hypot(x1 - x0, y1 - y0).nan_to_num().median()
        steps.append(float(near / 4 * 0.01 / moved.clamp_min(1e-9)))
    return min(steps)


def sweep(view: View, sources: Sequence[View], near: float, settings: MvsSettings, checkpoint: Checkpoint) -> Swept:
    """Depth of a (half resolution) view by a sweep from infinity to the inverse depth `near`."""
    step = max(min(plane_step(view, sources, near), near / _LEAST_PLANES), near / settings.most_planes)
    planes = torch.arange(0.0, near + step, step, device=view.gray.device)
    cost = _cost_volume(view, sources, planes, settings, checkpoint)
    total = semi_global(cost, _edges(view.gray), _SMALL, _LARGE)
    return _winner(total, cost, step)


def _edges(gray: Tensor) -> Tensor:
    """How strong the picture's edges are [h, w], in units of its own typical gradient."""
    dx = torch.zeros_like(gray)
    dy = torch.zeros_like(gray)
    dx[:, 1:] = (gray[:, 1:] - gray[:, :-1]).abs()
    dy[1:] = (gray[1:] - gray[:-1]).abs()
    strength = torch.maximum(dx, dy)
    return strength / (2.0 * strength.mean()).clamp_min(1e-6)


def _cost_volume(
    view: View, sources: Sequence[View], planes: Tensor, settings: MvsSettings, checkpoint: Checkpoint
) -> Tensor:
    """1 - ZNCC [h, w, D] of the better half of the sources."""
    noise = grain(view.gray)
    radius = settings.sweep_radius
    mine = normalised(view.gray, radius, noise) * view.usable
    theirs = [marked(normalised(one.gray, radius, noise), one.usable) for one in sources]
    ways = [passage(view, one) for one in sources]
    height, width = view.size
    volume = torch.empty(height, width, len(planes), device=planes.device)
    groups = halves(view, sources)
    for start in range(0, len(planes), _CHUNK):
        checkpoint()
        part = planes[start : start + _CHUNK, None, None]
        each = (_plane_scores(mine, picture, way, part, radius) for picture, way in zip(theirs, ways, strict=True))
        best = better_half(each, groups)
        volume[..., start : start + _CHUNK] = 1.0 - best.permute(1, 2, 0)
    return volume


def _plane_scores(mine: Tensor, picture: Tensor, way: Passage, planes: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    """Correlation [D, h, w] with one source on some planes, and where that source sees them."""
    x, y, _ = other_pixels(way, planes)
    warped, seen = looked_up(picture, x, y)
    return box_mean(warped.mul_(mine), radius), seen


def better_half(each: Iterable[tuple[Tensor, Tensor]], groups: Sequence[Sequence[int]]) -> Tensor:
    """Mean score over all sources that see a pixel, or over a group that scores clearly better: the others do not see
    the surface. 0 where none does. each: of every source its score, and where it sees the pixel (bool). Without the
    handicap a group of little parallax, which is content with any depth, would outvote the precise ones."""
    sums: dict[int, tuple[Tensor, Tensor]] = {}
    place = {i: k for k, group in enumerate(groups) for i in group}
    for i, (score, seen) in enumerate(each):
        part, count = score.mul_(seen), seen.to(score.dtype)
        if place[i] in sums:
            part, count = sums[place[i]][0].add_(part), sums[place[i]][1].add_(count)
        sums[place[i]] = part, count
    halves_ = list(sums.values())
    total, seen_by = (torch.stack([one[k] for one in halves_]).sum(0) for k in (0, 1))
    best: Tensor = total / seen_by.clamp_min(1.0)
    for part, count in halves_ if len(halves_) > 1 else []:
        best = torch.maximum(best, part / count.clamp_min(1.0) - _HANDICAP)
    return best


def _winner(total: Tensor, cost: Tensor, step: float) -> Swept:
    """The cheapest plane of every pixel, between planes by the parabola through its neighbours."""
    depth_count = total.shape[-1]
    index = total.argmin(-1)
    around = index.clamp(1, depth_count - 2)[..., None]
    left, middle, right = (total.gather(-1, around + i)[..., 0] for i in (-1, 0, 1))
    bend = (left - 2.0 * middle + right).clamp_min(1e-6)
    offset = (0.5 * (left - right) / bend).clamp(-0.5, 0.5)
    inner = (index > 0) & (index < depth_count - 1)
    inverse = (index + torch.where(inner, offset, torch.zeros_like(offset))) * step
    score = 1.0 - cost.gather(-1, index[..., None])[..., 0]
    return Swept(inverse, step, score)
