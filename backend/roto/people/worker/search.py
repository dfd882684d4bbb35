"""Everybody in a picture.

BlazePose's detector sees its picture at 224 px and was made for one or two people near the camera. It is therefore run
on the whole picture and on square windows of two sizes, overlapping by half; whatever it proposes counts only when the
landmark network sees a person there too. Regions of an earlier picture are tried first: they cost no search.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..evidence import Floats, PersonEvidence, Picture, Region, packed_mask
from .graphs import Body, Candidate, Networks

_WINDOWS = (1.0, 0.5)
"""Sides of the windows in shorter sides of the picture. Half of it finds people of a seventh of its height."""

_SAME = 0.5
"""Shared part of the smaller of two masks from which on they are the same person: people who stand before each other
share less, because the network leaves out whoever is not in the middle of its region."""

_SURE = 0.5
_NEAR, _ALIKE = 0.35, 1.6


class Found:
    """The people found so far."""

    def __init__(self, networks: Networks, picture: Picture) -> None:
        self._networks, self._picture = networks, picture
        self._tried: list[Region] = []
        self._masks: list[Floats] = []
        self.people: list[PersonEvidence] = []

    def try_region(self, region: Region, score: float | None) -> None:
        """Looks for a person in a region, unless it has been looked at. score: of the detector, None for a region of
        an earlier picture. Somebody found already is the surer for being proposed again."""
        if score is not None:
            self._confirm(region, score)
        if not _is_sound(region) or any(_is_same(region, other) for other in self._tried):
            return
        self._tried.append(region)
        first = self._networks.body(self._picture, region)
        if first is None or not _is_sound(first.refined):
            return
        second = self._networks.body(self._picture, first.refined)
        self._tried.append(first.refined)
        if second is None or not _is_sound(second.refined):
            return
        self._add(second, 0.5 * (first.mask + second.mask), score, _agreement(first.mask, second.mask))

    def _confirm(self, region: Region, score: float) -> None:
        for place, person in enumerate(self.people):
            if _is_same(region, person.region):
                self.people[place] = replace(person, score=max(person.score or 0.0, score))

    def _add(self, body: Body, mask: Floats, score: float | None, agreement: float) -> None:
        sure = mask >= _SURE
        if not sure.any() or not _holds_together(body, sure):
            return
        for other in self._masks:
            shared = float(np.count_nonzero(sure & (other >= _SURE)))
            if shared > _SAME * min(np.count_nonzero(sure), np.count_nonzero(other >= _SURE)):
                return
        packed = packed_mask(mask)
        if packed is None:
            return
        self._masks.append(mask)
        self.people.append(
            PersonEvidence(score, agreement, body.refined, packed[0], body.landmarks, body.world, packed[1])
        )


def find_people(
    networks: Networks, picture: Picture, near: Sequence[Region] = (), *, search: bool = True
) -> list[PersonEvidence]:
    """People in a picture, uint8 RGB [H, W, 3]: those near earlier regions, then the others by the detector's score."""
    found = Found(networks, picture)
    for region in near:
        found.try_region(region, None)
    if search:
        for candidate in _candidates(networks, picture):
            found.try_region(candidate.region, candidate.score)
    return found.people


def _candidates(networks: Networks, picture: Picture) -> list[Candidate]:
    """What the detector proposes: of the coarser windows first, since finer ones also see parts of people."""
    found: list[Candidate] = []
    for level in _levels(*picture.shape[:2]):
        here: list[Candidate] = []
        for x0, y0, x1, y1 in level:
            for one in networks.detect(picture[y0:y1, x0:x1]):
                x, y, size, turn = one.region
                here.append(Candidate(one.score, (x + x0, y + y0, size, turn)))
        found += sorted(here, key=lambda one: -one.score)
    return found


def _levels(height: int, width: int) -> Iterator[list[tuple[int, int, int, int]]]:
    """Windows x0, y0, x1, y1: the whole picture, then squares, ever smaller."""
    yield [(0, 0, width, height)]
    for share in _WINDOWS:
        side = round(share * min(height, width))
        level = [(x, y, x + side, y + side) for y in _starts(height, side) for x in _starts(width, side)]
        if len(level) > 1:
            yield level


def _starts(length: int, side: int) -> list[int]:
    steps = math.ceil((length - side) / (side / 2))
    return [round(step * (length - side) / max(steps, 1)) for step in range(steps + 1)]


def _agreement(one: Floats, other: Floats) -> float:
    a, b = one >= _SURE, other >= _SURE
    return float(np.count_nonzero(a & b)) / max(1, int(np.count_nonzero(a | b)))


def _is_sound(region: Region) -> bool:
    return all(map(math.isfinite, region)) and region[2] > 1.0


def _is_same(one: Region, other: Region) -> bool:
    smaller, larger = sorted((one[2], other[2]))
    return math.hypot(one[0] - other[0], one[1] - other[1]) < _NEAR * 0.5 * smaller and larger < _ALIKE * smaller


def _holds_together(body: Body, sure: NDArray[np.bool_]) -> bool:
    """Whether most landmarks that the network believes to see lie on the mask or near it: where it takes a thing for a
    person the two disagree."""
    height, width = sure.shape
    seen = body.landmarks[body.landmarks[:, 2] > _SURE, :2]
    if len(seen) < 6:
        return False
    reach = max(2, round(0.03 * body.refined[2]))
    hit = 0
    for x, y in seen:
        column, row = int(x), int(y)
        if not (0 <= column < width and 0 <= row < height):
            continue
        window = sure[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
        hit += bool(window.any())
    return hit >= 0.6 * len(seen)
