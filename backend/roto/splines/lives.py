"""Which contour of one frame is which of the next: lives of shapes, each one spline's.

A life goes on while a contour of the same nesting covers much the same pixels, after the way its centroid went, and its
outline stays about as long. Anything else, a hole that opens, two pieces that meet, an arm that comes out from behind,
ends lives and begins new ones: in a sudden change nothing is there to interpolate.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .contours import Contour, Points
from .raster import filled

_SAME = 0.5
"""Least intersection over union of one shape on two frames in a row."""

_LONGER = 1.3
"""Most that an outline grows or shrinks in a frame, as a factor."""

_GRID = 96
"""Pixels along the longer side of the picture in which overlaps are counted: a few per cent are enough here."""


@dataclass
class Life:
    """One shape from frame `first` on; for every frame a contour, and the slack: what the mask's area is over the
    length of all its outlines, px. A mask that is off by some share of the slack all along is off by it in area."""

    first: int
    contours: list[Contour] = field(default_factory=list)
    slacks: list[float] = field(default_factory=list)

    @property
    def last(self) -> int:
        return self.first + len(self.contours) - 1

    def parted(self, at: int) -> tuple[Life, Life]:
        """The frames before place `at`, and those from it on."""
        before = Life(self.first, self.contours[:at], self.slacks[:at])
        return before, Life(self.first + at, self.contours[at:], self.slacks[at:])

    @property
    def is_hole(self) -> bool:
        return self.contours[0].is_hole

    @property
    def depth(self) -> int:
        return self.contours[0].depth


class Linker:
    """Joins contours to lives, one frame after the other. It holds every contour it was shown: O(frames), some tens of
    kilobytes a frame."""

    def __init__(self) -> None:
        self.lives: list[Life] = []
        self._open: list[Life] = []
        self._number: int | None = None

    def see(self, number: int, contours: tuple[Contour, ...]) -> None:
        """The next frame. A gap in the numbers ends all lives."""
        before = self._open if self._number is not None and number == self._number + 1 else []
        pairs = _pairs([life.contours[-1] for life in before], contours)
        now = []
        slack = _slack(contours)
        for i, contour in enumerate(contours):
            life = before[pairs[i]] if i in pairs else self._born(number)
            life.contours.append(contour)
            life.slacks.append(slack)
            now.append(life)
        self._open, self._number = now, number

    def _born(self, number: int) -> Life:
        life = Life(number)
        self.lives.append(life)
        return life


def _slack(contours: tuple[Contour, ...]) -> float:
    area = sum(-contour.area if contour.is_hole else contour.area for contour in contours)
    return max(area, 0.0) / max(sum(length(contour.points) for contour in contours), 1e-9)


def _pairs(old: list[Contour], new: tuple[Contour, ...]) -> dict[int, int]:
    """Place in `new` -> place in `old` of the same shape: the best overlap first, each once."""
    scored = [(alikeness(a, b), i, j) for j, a in enumerate(old) for i, b in enumerate(new)]
    found: dict[int, int] = {}
    for score, i, j in sorted(scored, key=lambda row: (-row[0], row[1], row[2])):
        if score >= _SAME and i not in found and j not in found.values():
            found[i] = j
    return found


def alikeness(a: Contour, b: Contour) -> float:
    """0..1: intersection over union of two shapes, the better of as they lie and with their centroids together; 0 for
    shapes that cannot be one."""
    if a.depth != b.depth or max(a.area, b.area) * _SAME > min(a.area, b.area):
        return 0.0
    lengths = sorted((length(a.points), length(b.points)))
    if lengths[1] > _LONGER * lengths[0] + 8.0:  # px: a few steps of a small outline are no change of shape
        return 0.0
    way = b.points.mean(axis=0) - a.points.mean(axis=0)
    near = float(np.hypot(*way)) <= 4.0 * np.sqrt(max(a.area, b.area))
    moved = _overlap(a.points + way, b.points) if near else 0.0
    return max(_overlap(a.points, b.points), moved)


def length(points: Points) -> float:
    """Of the closed polygon, px."""
    return float(np.hypot(*(np.roll(points, -1, axis=0) - points).T).sum())


def _overlap(a: Points, b: Points) -> float:
    low = np.minimum(a.min(axis=0), b.min(axis=0))
    size = np.maximum(a.max(axis=0), b.max(axis=0)) - low
    scale = min(_GRID / max(float(size.max()), 1e-6), 4.0)
    width, height = np.ceil(size * scale).astype(int) + 1
    one, other = (filled([(points - low) * scale], int(height), int(width)) for points in (a, b))
    either = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / either if either else 0.0
