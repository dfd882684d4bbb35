"""Which frames of a spline get a key: as few as keep every frame's curve near its outline.

1. Every frame has its own fitted curve. The fewest of them between which the others are linear interpolations, to the
   tolerance, are found by dynamic programming over all spans (the exact form of Douglas & Peucker's question; Perez &
   Vidal 1994), with the distance along the normals.
2. The curves of the keys are moved, all together, for the frames between them (least squares with the weight on what
   is furthest off), and a frame that is still too far off becomes a key.
3. Keys are taken away one by one, the least needed first, when their neighbours, moved, can do without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from .bezier import Normal, Polygon, Shape, Values
from .track import Fitted, Frame

_LONGEST = 120
"""Frames between two keys at most: what is looked through stays linear in the length of a clip."""

Checkpoint = Callable[[], None]


@dataclass(frozen=True)
class Keyed:
    """keys: frames (counted from 0) with a key. polygons: their curves. error: largest distance, px, of any frame."""

    keys: tuple[int, ...]
    polygons: tuple[Polygon, ...]
    error: float


@dataclass(frozen=True)
class _Found:
    """Keys with what the frames' points are on the curve between them, and how far each frame is off."""

    keys: tuple[int, ...]
    polygons: tuple[Polygon, ...]
    places: tuple[Values, ...]
    errors: tuple[float, ...]


def choose_keys(
    frames: Sequence[Frame],
    shape: Shape,
    own: Sequence[Fitted],
    tolerance: float,
    limit: float,
    checkpoint: Checkpoint,
) -> Keyed:
    """Few keys whose curves, linearly interpolated, stay within `tolerance` px of every frame's outline, both ways, at
    the points that are looked at, and within `limit` between them. own: every frame's own curve."""
    fits, places = tuple(one.polygon for one in own), tuple(one.places for one in own)
    work = _Work(frames, shape, tolerance, checkpoint, fits, places)
    found = work.start(_fewest(*_sampled(shape, work.fits), tolerance))
    found = work.exactly(work.without_spare(work.complete(found)), limit)
    return Keyed(found.keys, found.polygons, max(found.errors))


def _sampled(shape: Shape, fits: Sequence[Polygon]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[T, S, 2] points of every frame's curve, and their normals."""
    curves = np.stack([shape.samples(polygon)[::4] for polygon in fits])
    way = np.roll(curves, -1, axis=1) - np.roll(curves, 1, axis=1)
    way /= np.maximum(np.hypot(way[..., 0], way[..., 1]), 1e-9)[..., None]
    return curves, np.stack([-way[..., 1], way[..., 0]], axis=-1)


def _fewest(curves: NDArray[np.float64], normals: NDArray[np.float64], tolerance: float) -> tuple[int, ...]:
    """The fewest frames between which all others are interpolations; among as few, those with the least error."""
    count = len(curves)
    alone, never = (1, 0.0, -1), (count + 1, 0.0, -1)
    best = [alone if _held(curves, normals, b, range(b)) <= tolerance else never for b in range(count)]
    for a in range(count):
        for b in range(a + 1, min(a + _LONGEST, count)):
            error = span_error(curves, normals, a, b)
            if error > 3.0 * tolerance:
                break  # a span that is this far off is not mended by going on
            if error <= tolerance:
                best[b] = min(best[b], (best[a][0] + 1, best[a][1] + error**2, a))
    ends = [b for b in range(count) if _held(curves, normals, b, range(b + 1, count)) <= tolerance]
    at = min(ends, key=lambda b: (best[b][0], best[b][1], b))
    keys = []
    while at >= 0:
        keys.append(at)
        at = best[at][2]
    return tuple(reversed(keys))


def span_error(curves: NDArray[np.float64], normals: NDArray[np.float64], a: int, b: int) -> float:
    """px: the furthest that a frame between a and b is from the interpolation of their curves, along its normals."""
    if b - a < 2:
        return 0.0
    share = (np.arange(1, b - a) / (b - a))[:, None, None]
    off = curves[a] * (1.0 - share) + curves[b] * share - curves[a + 1 : b]
    return float(np.abs((off * normals[a + 1 : b]).sum(axis=2)).max())


def _held(curves: NDArray[np.float64], normals: NDArray[np.float64], at: int, frames: range) -> float:
    """px: how far the frames are from the curve of the frame `at`."""
    if not len(frames):
        return 0.0
    rows = slice(frames.start, frames.stop)
    return float(np.abs(((curves[at] - curves[rows]) * normals[rows]).sum(axis=2)).max())


@dataclass(frozen=True)
class _Work:
    """Moves the keys of one spline. fits, places: every frame's own curve and where its points are on it."""

    frames: Sequence[Frame]
    shape: Shape
    tolerance: float
    checkpoint: Checkpoint
    fits: tuple[Polygon, ...]
    places: tuple[Values, ...]

    def start(self, keys: tuple[int, ...]) -> _Found:
        unknown = (float("inf"),) * len(self.frames)
        found = _Found(keys, tuple(self.fits[k] for k in keys), self.places, unknown)
        return self._all_moved(found)

    def complete(self, found: _Found) -> _Found:
        """With keys added until every frame is near enough. A frame with a key of its own fit is as near as can be."""
        while True:
            self.checkpoint()
            worst = self._worst_between(found)
            if not worst:
                return found
            keys = sorted([*found.keys, *worst])
            old = dict(zip(found.keys, found.polygons, strict=True))
            polygons = tuple(self.fits[k] if k in worst else old[k] for k in keys)
            found = self._all_moved(replace(found, keys=tuple(keys), polygons=polygons))

    def without_spare(self, found: _Found) -> _Found:
        """With keys taken away as long as all frames stay near enough."""
        curves, normals = _sampled(self.shape, self.fits)
        refused: set[tuple[int, tuple[int, ...]]] = set()
        while len(found.keys) > 1:
            options = []
            for i in range(len(found.keys)):
                around = (*found.keys[max(i - 1, 0) : i], found.keys[i], *found.keys[i + 1 : i + 2])
                cost = self._cost(curves, normals, found.keys, i)
                if (found.keys[i], around) not in refused and cost <= 3.0 * self.tolerance:
                    options.append((cost, i, around))
            if not options:
                return found
            _, i, around = min(options)
            refused.add((found.keys[i], around))
            fewer = self._without(found, i)
            if fewer is not None:
                found = fewer
        return found

    def exactly(self, found: _Found, limit: float) -> _Found:
        """With errors measured everywhere, and frames that are off by more than `limit` px there keyed with their own
        curves."""
        while True:
            self.checkpoint()
            curves = (self.shape.samples(_between(found, f)) for f in range(len(self.frames)))
            errors = tuple(frame.distance(curve) for frame, curve in zip(self.frames, curves, strict=True))
            known = dict(zip(found.keys, found.polygons, strict=True))
            bad = [f for f, error in enumerate(errors) if error > limit and known.get(f) is not self.fits[f]]
            found = replace(found, errors=errors)
            if not bad:
                return found
            known.update((f, self.fits[f]) for f in bad)
            keys = tuple(sorted(known))
            found = replace(found, keys=keys, polygons=tuple(known[k] for k in keys))

    def _cost(self, curves: Values, normals: Values, keys: tuple[int, ...], i: int) -> float:
        """px: how far frames would be off without key i and with its neighbours as they are, or about so."""
        if i == 0:
            return _held(curves, normals, keys[1], range(keys[1]))
        if i == len(keys) - 1:
            return _held(curves, normals, keys[-2], range(keys[-2] + 1, len(self.frames)))
        return span_error(curves, normals, keys[i - 1], keys[i + 1])

    def _worst_between(self, found: _Found) -> list[int]:
        """The worst frame of every span that has one too far off; none that is a key."""
        marks = [-1, *found.keys, len(self.frames)]
        worst = []
        for a, b in pairwise(marks):
            off = [(found.errors[f], -f) for f in range(a + 1, b) if found.errors[f] > self.tolerance]
            if off:
                worst.append(-max(off)[1])
        for k in found.keys:  # a key that was drawn away too far by its neighbours gets them as keys
            beside = [f for f in (k - 1, k + 1) if 0 <= f < len(self.frames) and f not in found.keys]
            if found.errors[k] > self.tolerance:
                worst.extend(beside)
        return sorted(set(worst))

    def _all_moved(self, found: _Found) -> _Found:
        """Every key moved for the frames around it, in windows of a few keys that overlap."""
        for first in range(0, max(len(found.keys) - 1, 1), 2):
            self.checkpoint()
            found = self._moved(found, range(first, min(first + 3, len(found.keys))))
        return found

    def _without(self, found: _Found, i: int) -> _Found | None:
        """With key i taken away and its neighbours moved; None when that is not near enough."""
        self.checkpoint()
        keys, polygons = found.keys[:i] + found.keys[i + 1 :], found.polygons[:i] + found.polygons[i + 1 :]
        fewer = self._moved(replace(found, keys=keys, polygons=polygons), range(max(i - 1, 0), min(i + 1, len(keys))))
        return fewer if max(fewer.errors) <= max(self.tolerance, max(found.errors)) else None

    def _moved(self, found: _Found, free: range, rounds: int = 3) -> _Found:
        """The keys `free` (places in `keys`) moved to where the frames that they reach are nearest."""
        first = found.keys[free[0] - 1] + 1 if free[0] > 0 else 0
        last = found.keys[free[-1] + 1] - 1 if free[-1] + 1 < len(found.keys) else len(self.frames) - 1
        reached = range(first, last + 1)
        polygons, places = list(found.polygons), list(found.places)
        errors, best = list(found.errors), None
        weights: dict[int, Values] = {}
        for turn in range(rounds + 1):
            if turn:  # what there was comes first: moving must not make it worse
                self._solve(found.keys, polygons, places, weights, free, reached)
            now = replace(found, polygons=tuple(polygons))
            for f in reached:
                curve = self.shape.samples(_between(now, f))
                places[f], gaps = self.shape.nearest(curve, self.frames[f].points, places[f])
                errors[f] = self.frames[f].off(curve, gaps, self.tolerance)
                weights[f] = 1.0 + (gaps / (0.5 * self.tolerance)) ** 4
            now = replace(now, places=tuple(places), errors=tuple(errors))
            if best is None or max(errors[f] for f in reached) < max(best.errors[f] for f in reached):
                best = now
            if max(errors[f] for f in reached) <= self.tolerance:
                break
        return best if best is not None else found

    def _solve(
        self,
        keys: tuple[int, ...],
        polygons: list[Polygon],
        places: list[Values],
        weights: dict[int, Values],
        free: range,
        reached: range,
    ) -> None:
        """Least squares for the free keys' polygons, put into `polygons`."""
        shape, none = self.shape, Normal(np.zeros((self.shape.count, 4, 4)), np.zeros((self.shape.count, 4, 2)))
        sums = {(i, j): none for i in free for j in free}
        fixed = {i: np.zeros((3 * shape.count, 2)) for i in free}
        for f in reached:
            normal = shape.normal(self.frames[f].points, places[f], weights.get(f))
            parts = _parts(keys, f)
            for i, share in parts:
                for j, other in parts:
                    if i in free and j in free:
                        sums[i, j] = sums[i, j].plus(normal.scaled(share * other, share if i == j else 0.0))
                    elif i in free:
                        fixed[i] -= share * other * shape.vector(normal.left @ polygons[j][shape.pieces])
        # Calm, and a little towards the key's own fit: nothing else holds what no frame says.
        held = shape.calm + 1e-3 * sparse.eye(3 * shape.count, format="csc")
        left = [[shape.matrix(sums[i, j].left) + (held if i == j else 0.0 * held) for j in free] for i in free]
        right = [shape.vector(sums[i, i].right) + fixed[i] + 1e-3 * self.fits[keys[i]] for i in free]
        solved = splu(sparse.bmat(left, format="csc")).solve(np.concatenate(right))
        for i, polygon in zip(free, solved.reshape(len(free), -1, 2), strict=True):
            polygons[i] = polygon


def _parts(keys: tuple[int, ...], f: int) -> list[tuple[int, float]]:
    """Which keys (places in `keys`) make frame f, and their shares."""
    after = int(np.searchsorted(keys, f))
    if after == len(keys):
        return [(after - 1, 1.0)]
    if after == 0 or keys[after] == f:
        return [(after, 1.0)]
    share = (f - keys[after - 1]) / (keys[after] - keys[after - 1])
    return [(after - 1, 1.0 - share), (after, share)]


def _between(found: _Found, f: int) -> Polygon:
    """The curve of frame f by the keys."""
    parts = [share * found.polygons[i] for i, share in _parts(found.keys, f)]
    polygon: Polygon = parts[0] if len(parts) == 1 else parts[0] + parts[1]
    return polygon
