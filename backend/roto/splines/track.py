"""One life as data for a spline: every frame's outline, with the place of each of its points on the spline."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .bezier import Polygon, Shape, Values
from .contours import Points
from .correspondence import Outline, Places, even_places, follow
from .lives import Life
from .raster import filled

_STEP = 1.0
"""px between the points of an outline that a curve is fitted to; all of its corners are among those it is judged by."""

_WRONG = 0.02
"""Share of a mask's pixels that its curves may get wrong: small shapes need more than the tolerance in px."""

_SPACING = 4.0
"""px between the places that are followed from frame to frame."""


@dataclass
class Frame:
    """points: [n, 2] of the outline, px. shares: [n] where they are on the spline, 0..1 around; kept over the whole
    life by following. tree: finds the nearest of many points of the outline. length: of the outline, px. inside: pixels
    within, bool, of the picture from `corner` (x, y) on. allowed: pixels that may be in or out wrongly."""

    points: Points
    shares: Values
    tree: cKDTree
    length: float
    inside: NDArray[np.bool_]
    corner: NDArray[np.float64]
    allowed: float

    def apart(self, curve: Points) -> float:
        """The furthest that a sample of the curve is from the outline, px."""
        return float(self.tree.query(curve)[0].max())

    def distance(self, curve: Points) -> float:
        """px: the largest from the closed polygon to the outline, and the other way, to a few hundredths."""
        ends = np.roll(curve, -1, axis=0)
        dense = np.concatenate([curve + (ends - curve) * k / 8.0 for k in range(8)])
        return max(self.apart(dense), float(cKDTree(dense).query(self.tree.data)[0].max()))

    def off(self, curve: Points, gaps: Values, tolerance: float) -> float:
        """How far curve and outline are apart, both ways, px; or more where too many pixels are wrong, so that only a
        curve that is good in both ways is within the tolerance."""
        distance = max(float(gaps.max()), self.apart(curve[::2]))
        if distance > tolerance or float(gaps.mean()) * self.length < self.allowed:
            return distance
        drawn = filled([curve - self.corner], *self.inside.shape)
        wrong = np.count_nonzero(drawn != self.inside) / self.allowed
        return max(distance, tolerance * wrong)

    def apart_at(self, shape: Shape, polygon: Polygon) -> tuple[Values, Values]:
        """Places along a curve and how far they are from the outline, px."""
        curve = shape.samples(polygon)[::4]
        gaps: Values = np.asarray(self.tree.query(curve)[0], np.float64)
        places: Values = np.arange(len(curve), dtype=np.float64) * (shape.count / len(curve))
        return places, gaps


@dataclass(frozen=True)
class Fitted:
    """A curve through one frame's outline alone, where the outline's points are on it, and how far, px. error: as
    `Frame.off` has it."""

    polygon: Polygon
    places: Values
    gaps: Values
    error: float


def frames_of(life: Life) -> list[Frame]:
    """A frame for every contour of one life, places followed from each to the next."""
    outlines = [Outline(contour.points) for contour in life.contours]
    longest = max(outline.length for outline in outlines)
    places = even_places(int(np.clip(longest / _SPACING, 32, 320)))
    found = [_frame(outlines[0], places, life.slacks[0])]
    for (old, new), slack in zip(pairwise(outlines), life.slacks[1:], strict=True):
        places = follow(old, places, new)
        found.append(_frame(new, places, slack))
    return found


def _frame(outline: Outline, places: Places, slack: float) -> Frame:
    count = max(int(np.ceil(outline.length / _STEP)), 24)
    at = even_places(count)
    around = (at - places[0]) % 1.0 + places[0]
    shares = np.interp(around, np.append(places, places[0] + 1.0), np.arange(len(places) + 1))
    dense = outline.points(even_places(max(int(outline.length / 0.25), 64)))
    corner = np.floor(dense.min(axis=0)) - 3.0
    width, height = (np.ceil(dense.max(axis=0) - corner) + 3.0).astype(int)
    inside = filled([dense - corner], int(height), int(width))
    allowed = max(_WRONG * slack * outline.length, 1.0)
    return Frame(
        outline.points(at), (shares / len(places)) % 1.0, cKDTree(dense), outline.length, inside, corner, allowed
    )


def places_at(shares: Values, knots: Values) -> Values:
    """Shares of the way around as places on a spline with its points at the knots (increasing shares, below 1)."""
    count = len(knots)
    around = (shares - knots[0]) % 1.0 + knots[0]
    places: Values = np.interp(around, np.append(knots, knots[0] + 1.0), np.arange(count + 1))
    return np.minimum(places, np.nextafter(count, 0))


def fitted(frame: Frame, shape: Shape, places: Values, tolerance: float, rounds: int = 3) -> Fitted:
    """The best curve of some rounds of fitting and moving the places."""
    best: Fitted | None = None
    for _ in range(rounds + 1):
        polygon = shape.fit(frame.points, places)
        curve = shape.samples(polygon)
        places, gaps = shape.nearest(curve, frame.points, places)
        error = frame.off(curve, gaps, tolerance)
        if best is None or error < best.error:
            best = Fitted(polygon, places, gaps, error)
    assert best is not None
    return best
