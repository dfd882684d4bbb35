"""Blank areas: where the picture says nothing about depth, what lies around does.

A homogeneous area is one surface more often than not, and a plane in space is linear in inverse depth over the picture.
An edge of the picture belongs to the nearer of its two sides: what is known along the rim of an area is on its surface
or before it, never behind. So the area's plane is the one of many tried (RANSAC: Fischler, Bolles, CACM 1981) that most
of the rim lies on with hardly anything behind it: a backdrop between near things takes the depth of what hangs on it,
not of the things.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_LEAST_AREA = 60
"""Smaller areas (px) are left to the planes of their surroundings."""

_RIM_PX = 8
"""How far from an area what is known counts as its rim. Half of it matching windows reach over the edge anyway."""

_MOST_SEEDS, _LEAST_SEEDS = 600, 12
_TRIES, _LEVEL_TRIES = 300, 100

_SAME = 0.01
"""Share of inverse depth within which a seed is on the plane (or one px in the sources)."""

_BEHIND, _BEHIND_COST = 2.0, 20.0
"""A seed so many tolerances behind the plane costs as much as so many on it give: a few may be mismatched."""

_STRETCHED = 0.3
"""How far beyond the depths of its rim, as a share of inverse depth, an area may reach; a plane that goes farther costs
a quarter of the seeds."""

_TURNS, _RIDGE = 3, 1e-2


@dataclass(frozen=True)
class Seeds:
    """What is known around an area. at [N, 3]: 1, x, y (px). inverse [N]. tolerance [N]: of inverse depth."""

    at: Floats
    inverse: Floats
    tolerance: Floats


@dataclass(frozen=True)
class Surface:
    """plane [3]: inverse depth = plane . (1, x, y). share 0..1: of the seeds, those on it."""

    plane: Floats
    share: float


def closed(inverse: Tensor, step: Tensor, blank: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """inverse [H, W] with the blank areas (bool [H, W]) as planes, and of each of their pixels the share of the area's
    rim that lies on its plane (0 outside, and where too little is known to tell). step [H, W] as in a DepthMap. known:
    bool [H, W]."""
    value, unit = (one.cpu().numpy().astype(np.float64) for one in (inverse, step))
    sure = (known & ~blank).cpu().numpy()
    out, share = value.copy(), np.zeros_like(value)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(blank.cpu().numpy().astype(np.uint8), connectivity=4)
    for label in range(1, count):
        if boxes[label, cv2.CC_STAT_AREA] < _LEAST_AREA:
            continue
        window = _window([int(one) for one in boxes[label]], value.shape)
        area = labels[window] == label
        seeds = _seeds(value[window], unit[window], area, sure[window])
        found = None if seeds is None else _surface(seeds, _places(np.nonzero(area)))
        if seeds is None or found is None:
            continue
        reach = _reach(seeds)
        out[window][area] = np.clip(_places(np.nonzero(area)) @ found.plane, *reach)
        share[window][area] = found.share
    return torch.from_numpy(out).to(inverse), torch.from_numpy(share).to(inverse)


def _window(box: list[int], size: tuple[int, ...]) -> tuple[slice, slice]:
    """The rows and columns of an area's box (x, y, width, height, ...) and its rim."""
    x, y, width, height = box[:4]
    rows = slice(max(y - _RIM_PX, 0), min(y + height + _RIM_PX, size[0]))
    return rows, slice(max(x - _RIM_PX, 0), min(x + width + _RIM_PX, size[1]))


def _seeds(value: Floats, unit: Floats, area: Mask, sure: Mask) -> Seeds | None:
    """What is known in the rim of an area; None when that is too little."""
    side = 2 * _RIM_PX + 1
    around = cv2.dilate(area.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    y, x = np.nonzero(around & ~area & sure)
    if len(y) < _LEAST_SEEDS:
        return None
    picked = np.random.default_rng(0).permutation(len(y))[:_MOST_SEEDS]
    y, x = y[picked], x[picked]
    return Seeds(_places((y, x)), value[y, x], np.maximum(_SAME * value[y, x], unit[y, x]))


def _places(rows_columns: tuple[NDArray[np.intp], ...]) -> Floats:
    """1, x, y [N, 3]."""
    y, x = (one.astype(np.float64) for one in rows_columns)
    return np.stack([np.ones_like(x), x, y], 1)


def _reach(seeds: Seeds) -> tuple[float, float]:
    """Least and largest inverse depth that an area between the seeds may have."""
    return (1.0 - _STRETCHED) * float(seeds.inverse.min()), (1.0 + _STRETCHED) * float(seeds.inverse.max())


def _surface(seeds: Seeds, places: Floats) -> Surface | None:
    """The plane behind which next to no seed lies, and on which most do; None when too few do."""
    planes = _tried(seeds)
    off = (seeds.inverse - planes @ seeds.at.T) / seeds.tolerance
    score = np.clip(1.0 - off**2, 0.0, None).sum(1) - _BEHIND_COST * (off < -_BEHIND).sum(1)
    low, high = places[:, 1:].min(0), places[:, 1:].max(0)
    corners = np.array([[1.0, x, y] for x in (low[0], high[0]) for y in (low[1], high[1])])
    least, most = _reach(seeds)
    ends = planes @ corners.T
    score[(ends.min(1) < least) | (ends.max(1) > most)] -= 0.25 * len(seeds.inverse)
    plane = _settled(planes[score.argmax()], seeds)
    on = np.abs(seeds.inverse - seeds.at @ plane) < 1.5 * seeds.tolerance
    return Surface(plane, float(on.mean())) if on.sum() >= _LEAST_SEEDS else None


def _tried(seeds: Seeds) -> Floats:
    """Planes [N, 3] through three seeds each, and level ones through one."""
    rng = np.random.default_rng(1)
    three = rng.integers(0, len(seeds.inverse), (_TRIES, 3))
    # Of triangles of less than half a px or so nothing is learnt.
    three = three[np.abs(np.linalg.det(seeds.at[three])) > 1.0]
    through: Floats = np.linalg.solve(seeds.at[three], seeds.inverse[three][..., None])[..., 0]
    level = np.zeros((min(_LEVEL_TRIES, len(seeds.inverse)), 3))
    level[:, 0] = seeds.inverse[: len(level)]
    return np.concatenate([through, level])


def _settled(plane: Floats, seeds: Seeds) -> Floats:
    """Least squares over the seeds that are on the plane, reweighted as it moves. Slopes change only as far as the
    seeds know them."""
    for _ in range(_TURNS):
        ahead = seeds.inverse - seeds.at @ plane
        off = ahead / seeds.tolerance
        weight = np.where(np.abs(off) < 3.0, 1.0 / (1.0 + (off / 0.7) ** 4), 0.0)
        ridge = np.diag([1e-9, 1.0, 1.0]) * (_RIDGE * weight.sum()) + 1e-9 * np.eye(3)
        normal = seeds.at.T @ (seeds.at * weight[:, None]) + ridge
        plane = plane + np.linalg.solve(normal, seeds.at.T @ (weight * ahead))
    return plane
