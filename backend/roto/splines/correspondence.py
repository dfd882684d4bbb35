"""Which place of an outline is which on the next frame, so that control points ride on the shape and do not slide.

Both outlines are closed, so the places of the second follow those of the first in order, once around. Among all such
ways the cheapest is taken by dynamic programming (dynamic time warping, Sakoe & Chiba 1978, on a ring): places should
be near each other once the shape's own movement is taken off, go in the same direction, and keep their distances along
the outline. Distances lean a little to equal ones, so that no part of the outline runs out of places over time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .contours import Points

Places = NDArray[np.float64]
"""[M] positions along a closed outline, in shares of its length; increasing, over less than one round."""

_FINE = 2
"""Places to choose from on the new outline for every one on the old."""

_STRETCH = 3
"""Most that a stretch of outline grows from one frame to the next, as a factor."""

_EVEN = 0.05
"""How far distances go towards equal ones in a frame."""


class Outline:
    """A closed polygon by its length: from places to points and back."""

    def __init__(self, points: Points) -> None:
        closed = np.concatenate([points, points[:1]])
        self._at = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
        self._closed = closed
        self.length = float(self._at[-1])

    @property
    def vertices(self) -> Places:
        """Where its own points are, from 0."""
        return self._at[:-1] / self.length

    def points(self, places: Places) -> Points:
        at = (places % 1.0) * self.length
        return np.stack([np.interp(at, self._at, self._closed[:, k]) for k in (0, 1)], axis=1)


def even_places(count: int) -> Places:
    return np.arange(count) / count


def follow(old: Outline, places: Places, new: Outline) -> Places:
    """Where the places of `old` are on `new`."""
    count = len(places)
    grid = even_places(count * _FINE)
    source, target = old.points(places), new.points(grid)
    source = _carried(source, target)
    spacing = new.length / count
    costs = _costs(source, target, spacing)
    steps = np.diff(places, append=places[0] + 1.0) * (1.0 - _EVEN) + _EVEN / count
    steps = steps * count * _FINE
    shift = _best_shift(costs)
    # A first way with free ends finds a place in the middle that is sure; the second goes around from there.
    rough = _way(costs, steps, shift, shift, closed=False)
    middle = count // 2
    turned = np.roll(np.arange(count), -middle)
    way = _way(costs[turned], steps[turned], int(rough[middle]), shift + middle * _FINE, closed=True)
    found = np.empty(count)
    found[turned] = _smooth(way, count * _FINE)
    found[:middle] -= count * _FINE
    return _increasing(found / (count * _FINE))


def _carried(source: Points, target: Points) -> Points:
    """The old points moved, turned and scaled as a whole onto the new outline: their distances along its normals are
    brought down (Chen & Medioni 1992), so that a turn of a long shape is seen at once. The parts that moved by
    themselves count little."""
    carried: Points = source - source.mean(axis=0) + target.mean(axis=0)
    tree = cKDTree(target)
    normals = _directions(target)[:, ::-1] * (-1.0, 1.0)
    for _ in range(5):
        at = tree.query(carried)[1]
        normal, middle = normals[at], carried.mean(axis=0)
        arm = carried - middle
        off = ((target[at] - carried) * normal).sum(axis=1)
        turn = arm[:, 0] * normal[:, 1] - arm[:, 1] * normal[:, 0]
        rows = np.column_stack([normal, turn, (arm * normal).sum(axis=1)])
        weight = 1.0 / (1.0 + (off / (2.0 * np.median(np.abs(off)) + 0.5)) ** 2)
        x, y, angle, grown = np.linalg.lstsq(rows * weight[:, None], off * weight, rcond=1e-3)[0]
        turned = arm @ np.array([[1.0 + grown, angle], [-angle, 1.0 + grown]])
        carried = turned + middle + (x, y)
    return carried


def _costs(source: Points, target: Points, spacing: float) -> NDArray[np.float64]:
    """[M, J]: squared distance in spacings, and what the directions differ by."""
    apart = ((source[:, None] - target[None]) ** 2).sum(axis=2) / spacing**2
    costs: NDArray[np.float64] = apart + 2.0 * (1.0 - _directions(source) @ _directions(target).T)
    return costs


def _directions(points: Points) -> Points:
    way = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    found: Points = way / np.maximum(np.hypot(*way.T), 1e-9)[:, None]
    return found


def _best_shift(costs: NDArray[np.float64]) -> int:
    """The place on the ring of the first point when all distances stay as they are."""
    count, fine = costs.shape
    even = np.arange(count) * (fine // count)
    sums = [costs[np.arange(count), (even + shift) % fine].sum() for shift in range(fine)]
    return int(np.argmin(sums))


def _way(costs: NDArray[np.float64], steps: NDArray[np.float64], start: int, middle: int, closed: bool) -> Places:
    """The cheapest way around in places of the ring, [M], counted on beyond one round. It stays within a band about
    the even way from `middle`; a closed one starts at `start` and ends there."""
    count, fine = costs.shape
    half = max(fine // 8, 8)
    band = np.arange(-half, half + 1)
    even = np.round(np.arange(count + 1) * (fine / count)).astype(int)
    total = np.where(band + middle == start, 0.0, np.inf) if closed else np.zeros(len(band))
    total = total + costs[0, (middle + band) % fine]
    came = np.zeros((count + 1, len(band)), np.int64)
    moves = np.arange(0, _STRETCH * _FINE + 1)
    for i in range(1, count + 1):
        drift = even[i] - even[i - 1]
        before = band[:, None] + drift - moves[None] + half  # where in the band each move comes from
        known = (before >= 0) & (before < len(band))
        price = 0.3 * (moves - steps[i - 1]) ** 2
        options = np.where(known, total[np.clip(before, 0, len(band) - 1)], np.inf) + price
        best = options.argmin(axis=1)
        came[i] = before[np.arange(len(band)), best]
        total = options[np.arange(len(band)), best] + costs[i % count, (middle + even[i] + band) % fine]
    end = start - middle + half if closed else int(total.argmin())
    if not np.isfinite(total[min(max(end, 0), len(band) - 1)]):
        return np.asarray(middle + even[:count], np.float64)
    places = np.empty(count + 1)
    for i in range(count, -1, -1):
        places[i] = middle + even[i] + band[end]
        end = came[i][end]
    return places[:count]


def _smooth(way: Places, round_: int) -> Places:
    """Without the steps of the grid: the mean of five neighbours on the ring."""
    count = len(way)
    long = np.concatenate([way[-2:] - round_, way, way[:2] + round_])
    weights = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
    return np.convolve(long, weights, "valid")[:count]


def _increasing(places: Places) -> Places:
    """The same with every two neighbours a little apart."""
    count = len(places)
    steps = np.diff(places, append=places[0] + 1.0)
    steps = np.maximum(steps, 0.2 / count)
    steps = steps / steps.sum()
    found: Places = places[0] + np.concatenate([[0.0], np.cumsum(steps[:-1])])
    return found
