"""Signed distances to round cones and ellipsoids, and their smooth union.

Round cones and the polynomial smooth minimum as in Quilez, "Distance functions" and "Smooth minimum" (iquilezles.org).
Flattened shapes are measured in a space that is stretched along body axes; their distance is a lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


_TETRAHEDRON = np.array(
    [[1.0, 0.0, -(0.5**0.5)], [-1.0, 0.0, -(0.5**0.5)], [0.0, 1.0, 0.5**0.5], [0.0, -1.0, 0.5**0.5]]
)
"""Its own mirror image across x, as a body's field is."""


FAR = 10.0
"""Of what is too far away to matter, in stretched lengths of a person."""


@dataclass(frozen=True)
class Shape:
    """A round cone from `a` to `b` with radii `ra`, `rb`, flattened by factors along the body's axes. owner: the joint
    that carries it. group: shapes of one group are united first, in the order of their layers. blend: how far, in
    length, it flows into layers before its own; shapes of one layer, such as a left and a right one, do not flow into
    each other, so that a symmetric body comes out symmetric."""

    owner: str
    group: str
    layer: int
    a: Floats
    b: Floats
    ra: float
    rb: float
    flat: Floats
    blend: float

    def distance(self, points: Floats, margin: float) -> Floats:
        """[N] of points [N,3], negative inside; `FAR` beyond `margin` of its box."""
        found = np.full(len(points), FAR)
        low, high = self.box(margin)
        near = np.nonzero(((points > low) & (points < high)).all(1))[0]
        if len(near):
            found[near] = self._near(points[near])
        return found

    def box(self, margin: float) -> tuple[Floats, Floats]:
        """Of the shape, and a margin around it."""
        ra, rb = self.ra * self.flat, self.rb * self.flat
        return np.minimum(self.a - ra, self.b - rb) - margin, np.maximum(self.a + ra, self.b + rb) + margin

    def _near(self, points: Floats) -> Floats:
        start = self.a / self.flat
        along = self.b / self.flat - start
        from_start = points / self.flat - start
        found = _round_cone(from_start, along, self.ra, self.rb)
        return np.asarray(found * float(self.flat.min()))


def _round_cone(points: Floats, along: Floats, ra: float, rb: float) -> Floats:
    """The hull of a ball at the origin and one at `along`."""
    length2 = float(along @ along)
    shrink = ra - rb
    if length2 <= shrink * shrink + 1e-18:  # one ball holds the other
        centre, radius = (np.zeros(3), ra) if ra >= rb else (along, rb)
        return np.asarray(np.linalg.norm(points - centre, axis=1) - radius)
    slant = length2 - shrink * shrink
    height = points @ along
    off = height - length2
    across = points * length2 - height[:, None] * along
    x2 = np.einsum("ij,ij->i", across, across)
    y2, z2 = height * height * length2, off * off * length2
    k = np.sign(shrink) * shrink * shrink * x2
    beyond_b = np.sign(off) * slant * z2 > k
    before_a = np.sign(height) * slant * y2 < k
    side = (np.sqrt(x2 * slant / length2) + height * shrink) / length2 - ra
    past = np.sqrt(x2 + z2) / length2 - rb
    before = np.sqrt(x2 + y2) / length2 - ra
    return np.asarray(np.where(beyond_b, past, np.where(before_a, before, side)))


def smooth_minimum(a: Floats, b: Floats, blend: float) -> Floats:
    """The lower of two fields, rounded where they are closer than `blend`."""
    if blend <= 0.0:
        return np.minimum(a, b)
    near = np.maximum(blend - np.abs(a - b), 0.0) / blend
    return np.asarray(np.minimum(a, b) - near * near * blend / 4.0)


@dataclass(frozen=True)
class Field:
    """shapes: of the body. joins: groups that flow into the trunk, with how far; those of one entry do not flow into
    each other, so that legs side by side stay two. floor: nothing is below this z."""

    shapes: Sequence[Shape]
    trunk: str
    joins: Sequence[tuple[tuple[str, ...], float]]
    floor: float

    def distance(self, points: Floats) -> Floats:
        """[N] of points [N,3]."""
        whole = self._group(self.trunk, points)
        for groups, blend in self.joins:
            beside = self._group(groups[0], points)
            for other in groups[1:]:
                beside = np.minimum(beside, self._group(other, points))
            whole = smooth_minimum(whole, beside, blend)
        return np.asarray(np.maximum(whole, self.floor - points[:, 2]))

    def box(self) -> tuple[Floats, Floats]:
        """(lowest [3], highest [3]): outside there is no body."""
        boxes = [shape.box(0.0) for shape in self.shapes]
        return np.min([low for low, _ in boxes], axis=0), np.max([high for _, high in boxes], axis=0)

    @cached_property
    def _margin(self) -> float:
        """Beyond which a shape does not change where the surface is."""
        return 1.5 * max(*(shape.blend for shape in self.shapes), *(blend for _, blend in self.joins))

    def _group(self, name: str, points: Floats) -> Floats:
        layers: dict[int, tuple[Floats, float]] = {}
        for shape in self.shapes:
            if shape.group == name:
                own = shape.distance(points, self._margin)
                if shape.layer in layers:
                    own = np.minimum(own, layers[shape.layer][0])
                layers[shape.layer] = own, shape.blend
        first, *others = (layers[number] for number in sorted(layers))
        found = first[0]
        for own, blend in others:
            found = smooth_minimum(found, own, blend)
        return found

    def slope(self, points: Floats, step: float) -> tuple[Floats, Floats]:
        """(value [N], slope [N,3]), both from the corners of a tetrahedron around each point."""
        total, slope = np.zeros(len(points)), np.zeros((len(points), 3))
        for corner in _TETRAHEDRON:
            value = self.distance(points + step * corner)
            total += value
            slope += value[:, None] * corner
        return total / 4.0, slope / (2.0 * step)

    def shares(self, points: Floats, near: float) -> Floats:
        """[N,S]: 1 for the shape that is nearest, or that a point is deepest in; where several are, within `near`, they
        share it, as a left and a right one do in the middle of the body."""
        whole = np.stack([shape.distance(points, self._margin) for shape in self.shapes], 1)
        held = whole <= whole.min(1, keepdims=True) + near
        return np.asarray(held / held.sum(1, keepdims=True))

    def owners(self, points: Floats) -> NDArray[np.int64]:
        """[N]: numbers of the shapes that are nearest, the first of several."""
        best = np.full(len(points), np.inf)
        found = np.zeros(len(points), np.int64)
        for number, shape in enumerate(self.shapes):
            own = shape.distance(points, self._margin)
            nearer = own < best
            best[nearer], found[nearer] = own[nearer], number
        return found
