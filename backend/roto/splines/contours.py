"""The outline of a mask: closed curves at level one half, exact between the pixels.

Marching squares (Lorensen & Cline 1987, in the plane) on the pixel centres. A binary mask's outline goes half-way
between the centres inside and outside, so that filling it gives the same mask again; a soft mask's where it is 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .raster import filled

Points = NDArray[np.float64]
"""[N, 2] x, y in px of the plate, edges at integers."""

_TOP, _RIGHT, _BOTTOM, _LEFT = range(4)
_STEPS: tuple[tuple[tuple[int, int], ...], ...] = (
    (),
    ((_LEFT, _BOTTOM),),
    ((_BOTTOM, _RIGHT),),
    ((_LEFT, _RIGHT),),
    ((_RIGHT, _TOP),),
    ((_LEFT, _BOTTOM), (_RIGHT, _TOP)),
    ((_BOTTOM, _TOP),),
    ((_LEFT, _TOP),),
    ((_TOP, _LEFT),),
    ((_TOP, _BOTTOM),),
    ((_TOP, _LEFT), (_BOTTOM, _RIGHT)),
    ((_TOP, _RIGHT),),
    ((_RIGHT, _LEFT),),
    ((_RIGHT, _BOTTOM),),
    ((_BOTTOM, _LEFT),),
    (),
    ((_LEFT, _TOP), (_RIGHT, _BOTTOM)),  # 5, its two corners joined
    ((_TOP, _RIGHT), (_BOTTOM, _LEFT)),  # 10, its two corners joined
)
"""Case (top-left 8, top-right 4, bottom-right 2, bottom-left 1) -> the ways through a cell, inside on the right."""


@dataclass(frozen=True)
class Contour:
    """One closed curve, the last point joined to the first; clockwise on the screen around what is inside. area: px^2,
    above 0. depth: how many contours lie around it: even for outlines, odd for holes."""

    points: Points
    area: float
    depth: int

    @property
    def is_hole(self) -> bool:
        return self.depth % 2 == 1

    @property
    def box(self) -> tuple[float, float, float, float]:
        (x0, y0), (x1, y1) = self.points.min(axis=0), self.points.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)


def outlines(mask: NDArray[np.generic], smallest: float = 1.5, share: float = 0.005) -> tuple[Contour, ...]:
    """The contours of a mask: bool, uint8 0..255 or float 0..1, [H, W]; what is around comes before what is within.

    Specks and pinholes are left out while no point of theirs is further than `smallest` px from their rim and while
    all of them together are less than `share` of the mask: a curve of that precision cannot tell them from nothing.
    """
    level = _levels(mask)
    box = _box(level)
    if box is None:
        return ()
    x0, y0, x1, y1 = box
    padded = np.pad(level[y0:y1, x0:x1], 1)
    loops = [loop + np.array([x0, y0]) for loop in _loops(padded)]
    loops = _without_specks(loops, smallest, share * float((level >= 0.5).sum()))
    return _nested(loops)


def _levels(mask: NDArray[np.generic]) -> NDArray[np.float32]:
    scale = 255.0 if mask.dtype == np.uint8 else 1.0
    return np.asarray(mask, np.float32) / np.float32(scale)


def _box(level: NDArray[np.float32]) -> tuple[int, int, int, int] | None:
    """Where the mask is above nothing, with a rim of one pixel as far as there is one."""
    rows, columns = np.flatnonzero((level > 0).any(axis=1)), np.flatnonzero((level > 0).any(axis=0))
    if not len(rows):
        return None
    height, width = level.shape
    return max(columns[0] - 1, 0), max(rows[0] - 1, 0), min(columns[-1] + 2, width), min(rows[-1] + 2, height)


def _loops(padded: NDArray[np.float32]) -> list[Points]:
    """Closed curves of a level picture whose rim is 0; (0.5, 0.5) is the centre of its pixel [1, 1]."""
    inside = padded >= 0.5
    corners = inside[:-1, :-1] * 8 + inside[:-1, 1:] * 4 + inside[1:, 1:] * 2 + inside[1:, :-1] * 1
    rows, columns = np.nonzero((corners > 0) & (corners < 15))
    cases = corners[rows, columns]
    around = [padded[rows + down, columns + right] for down in (0, 1) for right in (0, 1)]
    joined = sum(around) >= 2.0  # the mean of the four is inside
    cases = np.where(joined & (cases == 5), 16, np.where(joined & (cases == 10), 17, cases))
    starts, ends = _steps(cases, rows, columns, padded.shape[1], padded.size)
    return [_places(np.array(chain), padded) for chain in _chains(starts, ends)]


def _steps(
    cases: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64], width: int, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """From which grid edge to which every step goes. Edge p: from pixel p to its right; size + p: to the one below."""
    here = rows * width + columns
    edges = np.stack([here, size + here + 1, here + width, size + here])  # top, right, bottom, left
    starts, ends = [], []
    for case, ways in enumerate(_STEPS):
        chosen = cases == case
        for start, end in ways:
            starts.append(edges[start, chosen])
            ends.append(edges[end, chosen])
    return np.concatenate(starts), np.concatenate(ends)


def _chains(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[list[int]]:
    """Steps joined to loops; every edge is the start of one step and the end of one. In order of the first edge."""
    follows = dict(zip(starts.tolist(), ends.tolist(), strict=True))
    chains = []
    for first in sorted(follows):
        if first not in follows:
            continue
        chain, edge = [first], follows.pop(first)
        while edge != first:
            chain.append(edge)
            edge = follows.pop(edge)
        chains.append(chain)
    return chains


def _places(edges: NDArray[np.int64], padded: NDArray[np.float32]) -> Points:
    size, width = padded.size, padded.shape[1]
    below = edges >= size
    pixel = np.where(below, edges - size, edges)
    row, column = pixel // width, pixel % width
    here = padded[row, column]
    there = padded[row + below, column + ~below]
    part = (0.5 - here) / (there - here)
    return np.stack([column - 0.5 + part * ~below, row - 0.5 + part * below], axis=1).astype(np.float64)


def signed_area(points: Points) -> float:
    """px^2, above 0 for a curve that goes clockwise on the screen."""
    x, y = points.T
    return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def _without_specks(loops: list[Points], smallest: float, budget: float) -> list[Points]:
    areas = [abs(signed_area(loop)) for loop in loops]
    kept: list[int] = []
    for i in sorted(range(len(loops)), key=lambda i: (areas[i], i)):
        if areas[i] <= budget and len(loops) - len(kept) > 1 and _inner_radius(loops[i], smallest) <= smallest:
            budget -= areas[i]
        else:
            kept.append(i)
    return [loops[i] for i in sorted(kept)]


def _inner_radius(points: Points, enough: float) -> float:
    """How far the innermost point is from the curve, px; a bound above `enough` where it is plain to see."""
    low = np.floor(points.min(axis=0)) - 1
    width, height = (np.ceil(points.max(axis=0)) - low + 1).astype(int)
    area = abs(signed_area(points))
    if area > np.pi * (8 * enough + 2) ** 2 and area > 8 * enough * np.hypot(width, height):
        return float("inf")
    inside = filled([points - low], int(height), int(width))
    return float(cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5).max())


def _nested(loops: list[Points]) -> tuple[Contour, ...]:
    """The loops as contours; one is within another when its first point is."""
    areas = [signed_area(loop) for loop in loops]
    order = sorted(range(len(loops)), key=lambda i: (-abs(areas[i]), i))
    found = []
    for place, i in enumerate(order):
        around = sum(_holds(loops[j], loops[i][0]) for j in order[:place])
        found.append(Contour(loops[i], abs(areas[i]), around))
    # A hole whose own outline was left out as a speck is left out with it.
    found = [c for c, i in zip(found, order, strict=True) if (areas[i] < 0) == c.is_hole]
    return tuple(sorted(found, key=lambda contour: contour.depth))


def _holds(loop: Points, point: Points) -> bool:
    """Whether the point is within the closed curve, by the parity of crossings to its right."""
    (x0, y0), (x1, y1) = loop.T, np.roll(loop, -1, axis=0).T
    crosses = (y0 <= point[1]) != (y1 <= point[1])
    at = x0[crosses] + (point[1] - y0[crosses]) / (y1[crosses] - y0[crosses]) * (x1[crosses] - x0[crosses])
    return bool(np.count_nonzero(at > point[0]) % 2)
