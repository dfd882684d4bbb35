"""What is known of points besides their tracks, as terms of bundle adjustment: surveyed places and distances.

A place is a spring on one point and goes into that point's block. A distance ties two points, which would spoil the
points' elimination; it goes in as its Lagrange multiplier (an augmented system, as for equality constraints: Triggs et
al. 1999, section 4.4, with 1/weight in the corner), which stands among the lens's parameters and leaves the blocks as
they are. The camera system is then symmetric, and no longer positive definite.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .frames import Floats, Indices
from .normal_equations import Problem, System
from .scene import Scene


@dataclass(frozen=True)
class PointPriors:
    """track [S]: track numbers; xyz [S, 3]: where their points are, in the scene's world; sd [S]: how well that is
    known, for each axis, in its units."""

    track: Indices
    xyz: Floats
    sd: Floats


@dataclass(frozen=True)
class DistancePriors:
    """ends [D, 2]: pairs of track numbers; distance [D] between their points; sd [D]: how well it is known."""

    ends: Indices
    distance: Floats
    sd: Floats


@dataclass(frozen=True)
class WorldPriors:
    points: PointPriors | None = None
    distances: DistancePriors | None = None

    def cost(self, scene: Scene, p: Problem) -> float:
        """Squares of what the problem's points miss them by, in standard deviations."""
        total = 0.0
        if self.points is not None:
            _, there = _rows(p, self.points.track)
            away = scene.points[self.points.track[there]] - self.points.xyz[there]
            total += float(((away / self.points.sd[there, None]) ** 2).sum())
        if self.distances is not None:
            _, _, both = _row_pairs(p, self.distances.ends)
            miss = _lengths(scene, self.distances)[0] - self.distances.distance
            total += float(((miss / self.distances.sd)[both] ** 2).sum())
        return total

    def added_to(self, system: System, scene: Scene, p: Problem) -> System:
        """The normal equations with these terms."""
        if self.points is not None:
            _add_places(system, scene, p, self.points)
        return system if self.distances is None else _with_distances(system, scene, p, self.distances)


def _add_places(system: System, scene: Scene, p: Problem, places: PointPriors) -> None:
    rows, there = _rows(p, places.track)
    weight = places.sd[there] ** -2
    system.point[rows] += weight[:, None, None] * np.eye(3)
    system.grad_point[rows] += weight[:, None] * (scene.points[places.track[there]] - places.xyz[there])


def _with_distances(system: System, scene: Scene, p: Problem, known: DistancePriors) -> System:
    """The system with one more parameter of the lens for each distance: its multiplier."""
    first, second, both = _row_pairs(p, known.ends)
    length, along = _lengths(scene, known)
    count, lenses = len(both), system.lens.shape[0]
    lens = np.zeros((lenses + count, lenses + count))
    lens[:lenses, :lenses] = system.lens
    new = lenses + np.arange(count)
    lens[new, new] = -(known.sd[both] ** 2)
    lens_point = np.zeros((len(system.point), lenses + count, 3))
    lens_point[:, :lenses] = system.lens_point
    lens_point[first, new] += along[both]
    lens_point[second, new] -= along[both]
    frames, width = system.pose_lens.shape[:2]
    return replace(
        system, lens=lens, lens_point=lens_point,
        pose_lens=np.concatenate([system.pose_lens, np.zeros((frames, width, count))], 2),
        grad_lens=np.concatenate([system.grad_lens, (length - known.distance)[both]]),
    )  # fmt: skip


def _lengths(scene: Scene, known: DistancePriors) -> tuple[Floats, Floats]:
    """Distances [D] between the ends, and unit vectors [D, 3] from the second to the first."""
    apart = scene.points[known.ends[:, 0]] - scene.points[known.ends[:, 1]]
    length = np.linalg.norm(apart, axis=1)
    return length, apart / np.maximum(length, 1e-12)[:, None]


def _rows(p: Problem, tracks: Indices) -> tuple[Indices, Indices]:
    """Rows in the problem's points of those `tracks` that are in it, and which ones these are."""
    at = np.searchsorted(p.points, tracks)
    found = np.nonzero(p.points[np.minimum(at, len(p.points) - 1)] == tracks)[0]
    return at[found], found


def _row_pairs(p: Problem, ends: Indices) -> tuple[Indices, Indices, Indices]:
    """Rows of both ends of those pairs that have both in the problem, and which ones these are."""
    (first, has_first), (second, has_second) = _rows(p, ends[:, 0]), _rows(p, ends[:, 1])
    both = np.intersect1d(has_first, has_second)
    return first[np.isin(has_first, both)], second[np.isin(has_second, both)], both
