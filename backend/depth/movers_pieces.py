"""Which pixels belong to which moving thing: the masks' connected pieces, with names that last over the clip.

A piece keeps the name of the thing that it overlaps most with, where that thing is expected from its motion. Where two
things run into one piece, its pixels are shared out between them by their ellipses, refitted from the last frame's
(expectation maximisation on two or more Gaussians: Dempster et al., JRSS 1977).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .frame import Mask
from .poses import Floats

Labels = NDArray[np.int32]
Places = NDArray[np.int64]
Part = tuple[Places, Places]
"""Rows [N] and columns [N] of the pixels of a piece, as `nonzero` gives them."""

_LEAST_SHARE = 1e-4
"""Of the picture's pixels: smaller pieces are no things of their own."""

_OVERLAP = 0.3
"""Of the smaller of both, from which a piece may be the thing."""

_FRAGMENT = 0.25
"""Of the largest piece of a thing: smaller ones are parts of it that the mask lost touch with."""

_ROUNDS = 8


@dataclass(frozen=True)
class Ellipse:
    """Where a thing is in a frame. centre [2] px (x, y); spread [2, 2] px^2: its covariance; pixels: its area."""

    centre: Floats
    spread: Floats
    pixels: int

    def cost(self, xy: Floats) -> Floats:
        """[N]: minus twice the log-likelihood of the pixels xy [N, 2], up to a constant."""
        away = xy - self.centre
        inverse = np.linalg.inv(self.spread)
        distance: Floats = np.einsum("ni,ij,nj->n", away, inverse, away)
        cost: Floats = distance + float(np.log(np.linalg.det(self.spread)) - 2.0 * np.log(self.pixels))
        return cost


@dataclass(frozen=True)
class Pieces:
    """A frame's moving things. labels int32 [H, W]: the thing's name, -1 for none. ellipses: by name."""

    labels: Labels
    ellipses: dict[int, Ellipse]


class PieceNames:
    """Names the pieces of frame after frame: 0, 1, ... the things that have masks of their own, then those found."""

    def __init__(self) -> None:
        self._last: Pieces | None = None
        self._before: dict[int, Ellipse] = {}
        self._next = 0

    def named(self, things: Sequence[Mask], moving: Mask) -> Pieces:
        """things: bool [H, W] each, single things in one order in all frames. moving [H, W]: whatever moves, they and
        others."""
        self._next = max(self._next, len(things))
        labels = labels_of_things(things, moving.shape)
        parts = components(moving & (labels < 0))
        expected = {} if self._last is None else self._expected()
        expected = {name: one for name, one in expected.items() if name >= len(things)}
        claims = [self._claims(part, expected) for part in parts]
        for part, names in zip(parts, claims, strict=True):
            if len(names) > 1:
                labels[part] = _shared(part, {name: expected[name] for name in names})
        self._name_single(parts, claims, labels)
        found = Pieces(labels, ellipses_of(labels))
        self._before = {} if self._last is None else self._last.ellipses
        self._last = found
        return found

    def _name_single(self, parts: Sequence[Part], claims: Sequence[list[int]], labels: Labels) -> None:
        """Pieces that one thing or none lays claim to: of several of one thing the large ones become things."""
        largest: dict[int, int] = {}
        for part, names in sorted(zip(parts, claims, strict=True), key=lambda one: -len(one[0][0])):
            area = len(part[0])
            if len(names) == 1 and (names[0] not in largest or area < _FRAGMENT * largest[names[0]]):
                largest.setdefault(names[0], area)
                labels[part] = names[0]
            elif len(names) != 1 and (labels[part] >= 0).all():
                continue
            else:
                labels[part] = self._next
                self._next += 1

    def _expected(self) -> dict[int, Ellipse]:
        """Where the last frame's things should be now."""
        assert self._last is not None
        moved = {}
        for name, one in self._last.ellipses.items():
            before = self._before.get(name)
            step = one.centre - before.centre if before is not None else np.zeros(2)
            moved[name] = Ellipse(one.centre + step, one.spread, one.pixels)
        return moved

    def _claims(self, part: Part, expected: dict[int, Ellipse]) -> list[int]:
        """The things that the piece overlaps enough with."""
        if self._last is None:
            return []
        (rows, columns), (height, width) = part, self._last.labels.shape
        claims = []
        for name, one in expected.items():
            step = np.rint(one.centre - self._last.ellipses[name].centre).astype(int)
            y, x = rows - step[1], columns - step[0]
            inside = (y >= 0) & (x >= 0) & (y < height) & (x < width)
            common = int((self._last.labels[y[inside], x[inside]] == name).sum())
            if common >= _OVERLAP * min(one.pixels, len(rows)):
                claims.append(name)
        return claims


def labels_of_things(things: Sequence[Mask], shape: tuple[int, ...]) -> Labels:
    """int32 [H, W]: the place in the list of the thing that has a pixel, the first of several; -1 for none."""
    labels = np.full(shape, -1, np.int32)
    for name, mask in reversed(list(enumerate(things))):
        labels[mask] = name
    return labels


def components(mask: Mask) -> list[Part]:
    """Connected pieces of a mask, without specks."""
    count, names, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    least = max(4.0, _LEAST_SHARE * mask.size)
    parts = []
    for name in range(1, count):
        x, y, width, height, area = (int(fact) for fact in facts[name])
        if area >= least:
            rows, columns = np.nonzero(names[y : y + height, x : x + width] == name)
            parts.append((rows + y, columns + x))
    return parts


def ellipses_of(labels: Labels) -> dict[int, Ellipse]:
    """The ellipse of every name in labels."""
    found = {}
    for name in np.unique(labels[labels >= 0]):
        rows, columns = np.nonzero(labels == name)
        found[int(name)] = _ellipse(_pixels((rows, columns)))
    return found


def split(part: Part, ellipses: dict[int, Ellipse]) -> Labels:
    """Names [N] of the pixels of a piece by the ellipse that explains them best."""
    xy, names = _pixels(part), np.array(list(ellipses), np.int32)
    cost = np.stack([one.cost(xy) for one in ellipses.values()])
    return np.asarray(names[cost.argmin(0)])


def _shared(part: Part, ellipses: dict[int, Ellipse]) -> Labels:
    """`split` after the ellipses have settled in the piece."""
    xy = _pixels(part)
    for _ in range(_ROUNDS):
        names = split(part, ellipses)
        ellipses = {
            name: _ellipse(xy[names == name]) if (names == name).sum() > 3 else one for name, one in ellipses.items()
        }
    return split(part, ellipses)


def _pixels(part: Part) -> Floats:
    """Centres [N, 2] (x, y) of the pixels."""
    rows, columns = part
    centres: Floats = np.stack([columns, rows], 1).astype(np.float64) + 0.5
    return centres


def _ellipse(xy: Floats) -> Ellipse:
    spread = np.cov(xy.T) if len(xy) > 1 else np.zeros((2, 2))
    return Ellipse(xy.mean(0), spread + np.eye(2), len(xy))
