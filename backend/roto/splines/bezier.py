"""Closed curves of cubic bezier pieces: evaluation, the fit to points, the nearest place.

A curve of N points is a control polygon Q [3N, 2]: point, its right handle, the left handle of the next point, and so
on around. A place v in [0, N) is in piece floor(v), at the bezier parameter v - floor(v). With the places of the data
given, the fit is linear least squares; the places then move to the nearest ones on the fitted curve (Schneider, "An
algorithm for automatically fitting digitized curves", Graphics Gems 1990, with all pieces at once).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from .contours import Points

Polygon = NDArray[np.float64]
"""[3N, 2] control polygon, px."""

Values = NDArray[np.float64]

_SAMPLES = 16
"""Points at which a piece is looked at: pieces are some tens of px long, chords between samples a few."""

_REACH = 0.4
"""How far along the curve the nearest place is looked for, in pieces."""

_CALM = 0.05
"""Weight with which handles are drawn to the thirds of their chord, in data points: it decides only where the data
do not, as on straight pieces."""

_FLOAT = 1e-3
"""The same with which points are drawn between their neighbours: it holds points that no data are near."""


def weights_of(part: Values) -> Values:
    """[n, 4]: Bernstein's polynomials at the parameters 0..1 within a piece."""
    rest = 1.0 - part
    return np.stack([rest**3, 3.0 * part * rest**2, 3.0 * part**2 * rest, part**3], axis=1)


@dataclass(frozen=True)
class Normal:
    """Normal equations piece by piece: left [N, 4, 4] and right [N, 4, 2] for the four polygon points of each."""

    left: Values
    right: Values

    def scaled(self, left: float, right: float) -> Normal:
        return Normal(self.left * left, self.right * right)

    def plus(self, other: Normal) -> Normal:
        return Normal(self.left + other.left, self.right + other.right)


@dataclass(frozen=True)
class Shape:
    """What is the same for all curves of N points, made once. pieces: [N, 4] polygon points of each piece; calm: the
    equations that hold what no data say, sparse [3N, 3N]."""

    count: int
    pieces: NDArray[np.int64]
    calm: Any

    @classmethod
    def of(cls, count: int) -> Shape:
        pieces = (3 * np.arange(count)[:, None] + np.arange(4)) % (3 * count)
        rows = _calm_rows(count)
        return cls(count, pieces, (rows.T @ rows).tocsc())

    def samples(self, polygon: Polygon) -> Points:
        """[16 N, 2] points of the curve, evenly in its parameter."""
        found: Points = np.einsum("si,nic->nsc", _SAMPLED, polygon[self.pieces]).reshape(-1, 2)
        return found

    def normal(self, points: Points, places: Values, weights: Values | None = None) -> Normal:
        """The equations that draw the curve to the points at their places."""
        piece = np.minimum(np.floor(places).astype(np.int64), self.count - 1)
        basis = weights_of(places - piece)
        heavy = basis if weights is None else basis * weights[:, None]
        left, right = np.empty((self.count, 4, 4)), np.empty((self.count, 4, 2))
        for i in range(4):
            for j in range(4):
                left[:, i, j] = np.bincount(piece, heavy[:, i] * basis[:, j], self.count)
            for c in (0, 1):
                right[:, i, c] = np.bincount(piece, heavy[:, i] * points[:, c], self.count)
        return Normal(left, right)

    def matrix(self, left: Values) -> Any:
        """[N, 4, 4] as one sparse [3N, 3N]."""
        rows, columns = np.broadcast_arrays(self.pieces[:, :, None], self.pieces[:, None, :])
        size = 3 * self.count
        return sparse.csc_matrix((left.ravel(), (rows.ravel(), columns.ravel())), shape=(size, size))

    def vector(self, right: Values) -> Polygon:
        """[N, 4, 2] as one [3N, 2]."""
        found = np.zeros((3 * self.count, 2))
        np.add.at(found, self.pieces.ravel(), right.reshape(-1, 2))
        return found

    def fit(self, points: Points, places: Values) -> Polygon:
        """The polygon whose curve is nearest to the points at their places, in least squares."""
        normal = self.normal(points, places)
        solved: Polygon = splu(self.matrix(normal.left) + self.calm).solve(self.vector(normal.right))
        return solved

    def nearest(self, curve: Points, points: Points, places: Values) -> tuple[Values, Values]:
        """The places on a sampled curve nearest to the points, not far along from `places`; and the distances, px."""
        size = len(curve)
        reach = int(_REACH * _SAMPLES)
        about = np.round(places * _SAMPLES).astype(np.int64)
        indices = (about[:, None] + np.arange(-reach, reach + 1)[None]) % size
        gaps = ((curve[indices] - points[:, None]) ** 2).sum(axis=2)
        at = indices[np.arange(len(points)), gaps.argmin(axis=1)]
        options = [_on_chord(curve[(at + s) % size], curve[(at + s + 1) % size], points) for s in (-1, 0)]
        back = options[0][1] < options[1][1]
        part = np.where(back, options[0][0] - 1.0, options[1][0])
        gap = np.where(back, options[0][1], options[1][1])
        return ((at + part) / _SAMPLES) % self.count, np.sqrt(gap)


def _on_chord(start: Points, end: Points, points: Points) -> tuple[Values, Values]:
    """Share of the way along each chord that is nearest, and the squared distance."""
    way = end - start
    span = np.maximum((way**2).sum(axis=1), 1e-12)
    part = np.clip(((points - start) * way).sum(axis=1) / span, 0.0, 1.0)
    gap: Values = ((start + part[:, None] * way - points) ** 2).sum(axis=1)
    return part, gap


def pairs_of(polygon: Polygon) -> Values:
    """[N, 6]: x, y, left handle, right handle of every point."""
    left = np.roll(polygon, 1, axis=0)[0::3]
    return np.concatenate([polygon[0::3], left, polygon[1::3]], axis=1)


def polygon_of(pairs: Values) -> Polygon:
    """The other way of `pairs_of`."""
    count = len(pairs)
    polygon = np.empty((3 * count, 2))
    polygon[0::3], polygon[1::3] = pairs[:, :2], pairs[:, 4:6]
    polygon[2::3] = np.roll(pairs[:, 2:4], -1, axis=0)
    return polygon


def _calm_rows(count: int) -> Any:
    """Sparse [3N, 3N]: what each handle is off the third of its chord, and each point off the middle of its
    neighbours."""
    start = 3 * np.arange(count)
    right, left, end, after = start + 1, start + 2, (start + 3) % (3 * count), (start + 6) % (3 * count)
    chords = [np.sqrt(_CALM) * np.array(thirds) for thirds in ((1.0, -2.0 / 3.0, -1.0 / 3.0), (1.0, -1 / 3, -2 / 3))]
    middle = np.sqrt(_FLOAT) * np.array([-0.5, 1.0, -0.5])
    rows, columns, values = [], [], []
    for row, (weights, places) in enumerate(
        [(chords[0], (right, start, end)), (chords[1], (left, start, end)), (middle, (start, end, after))]
    ):
        for weight, column in zip(weights, places, strict=True):
            rows.append(start + row)
            columns.append(column)
            values.append(np.full(count, weight))
    size = 3 * count
    whole = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix((np.concatenate(values), whole), shape=(size, size))


_SAMPLED = weights_of(np.arange(_SAMPLES) / _SAMPLES)
