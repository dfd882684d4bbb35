"""Who is where: the people of a clip with a region to look at in each frame.

Of labels that have roto masks the mask says it. Else people are found and followed by `backend.roto.people`; what the
search says of a frame is kept on disk, so that a run that was killed goes on where it stopped.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from backend.roto.people.evidence import PersonEvidence, Region
from backend.roto.people.process import travelling
from backend.roto.people.sampling import Finder, others
from backend.roto.people.stitching import stitched
from backend.roto.people.tracks import Sighting, Track, Tracker, people_of

from .apart import alone, found_others
from .job import Mask, Picture, PoseJob
from .keypoints import Box
from .store import BEHIND, FOLLOWED, SEARCHED, FoundStore

SEARCHES_PER_S = 1.0
_REGION = 1.3
"""Side of a body's region in longer sides of the mask's box: BlazePose's circle about the hips, with its margin."""

_LEAST_PX = 12
"""Longer side of a mask below which nothing can be said of a pose."""

STEP = "Looking for people"


@dataclass(frozen=True)
class Place:
    """box: around what is seen of the person, plate px. region: square that holds the body, plate px and radians.
    found: reads what the search says of the person; None where a roto mask says it."""

    box: Box
    region: Region
    found: Callable[[], PersonEvidence] | None = None


Rows = NDArray[np.float64]
Places = Mapping[str, Mapping[int, Place]]
"""label -> plate number -> where the person is seen there."""


@dataclass(frozen=True)
class PlacesOfOne(Mapping[int, Place]):
    """One person's places, in a few bytes. numbers: plate numbers, ascending. rows [T,8]: box and region, in px of the
    search's picture, which is `scale` times as large as the plate. store: of what the search said; None of masks."""

    numbers: tuple[int, ...]
    rows: Rows
    scale: float = 1.0
    store: FoundStore | None = None

    def __getitem__(self, number: int) -> Place:
        at = bisect_left(self.numbers, number)
        if at == len(self.numbers) or self.numbers[at] != number:
            raise KeyError(number)
        x0, y0, x1, y1, x, y, size, turn = map(float, self.rows[at])
        found = None if self.store is None else partial(self.store.one, number, (x, y, size, turn))
        s = self.scale
        return Place((x0 / s, y0 / s, x1 / s, y1 / s), (x / s, y / s, size / s, turn), found)

    def __iter__(self) -> Iterator[int]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class Search:
    """What finds people. name: others find others. open: starts it, if need be."""

    name: str
    open: Callable[[], Finder]


def person_label(index: int) -> str:
    return f"person_{index:02d}"


def masked_places(job: PoseJob) -> Places:
    """Where the labels' masks are."""
    found: dict[str, list[tuple[float, ...]]] = {label: [] for label in job.labels}
    for index, number in enumerate(job.numbers):
        job.checkpoint(STEP, index, len(job.numbers))
        for label in job.labels:
            place = place_of(job.masks(label, number))
            if place is not None:
                found[label].append((number, *place.box, *place.region))
    rows = {label: np.array(places).reshape(-1, 9) for label, places in found.items()}
    return {label: PlacesOfOne(tuple(map(int, one[:, 0])), one[:, 1:]) for label, one in rows.items()}


def place_of(mask: Mask | None) -> Place | None:
    """Of a mask [H, W]; None when it is empty, or too small to tell a pose."""
    if mask is None:
        return None
    rows, columns = (np.flatnonzero((mask >= 128).any(axis)) for axis in (1, 0))
    if not len(rows):
        return None
    box = float(columns[0]), float(rows[0]), float(columns[-1]) + 1.0, float(rows[-1]) + 1.0
    side = max(box[2] - box[0], box[3] - box[1])
    if side < _LEAST_PX:
        return None
    return Place(box, (0.5 * (box[0] + box[2]), 0.5 * (box[1] + box[3]), _REGION * side, 0.0))


def found_places(job: PoseJob, search: Search) -> Places:
    """The people that the networks find, named by first appearance. Looks at every frame: in a crossing each one
    counts. Somebody who is seen again after a cut is somebody new."""
    tracks: list[tuple[Track, Sequence[int]]] = []
    store = FoundStore(job.store / f"found-{search.name}")
    scale, done = 1.0, 0
    for take in takes(job.numbers, job.cuts):
        looking = _Looking(job, take, search, store)
        for index in range(len(take)):
            job.checkpoint(STEP, done, len(job.numbers))
            looking.frame(index)
            done += 1
        tracks += [(track, take) for track in people_of(stitched(looking.tracker.tracks, job.fps))]
        scale = looking.scale
    return {
        person_label(index): PlacesOfOne(
            tuple(take[one.index] for one in track.sightings), np.array([_row(one) for one in track.sightings]), scale,
            store,
        )
        for index, (track, take) in enumerate(tracks)
    }  # fmt: skip


def takes(numbers: Sequence[int], cuts: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The numbers between cuts; a cut is the number that begins another take."""
    begins = set(cuts)
    take: list[int] = []
    for number in numbers:
        if number in begins and take:
            yield tuple(take)
            take = []
        take.append(number)
    if take:
        yield tuple(take)


class _Looking:
    """Goes through the frames of one take."""

    def __init__(self, job: PoseJob, take: Sequence[int], search: Search, store: FoundStore) -> None:
        self._job, self._take, self._finder, self._store = job, take, search.open, store
        self._searched = -float(len(take)) - job.fps
        self.tracker = Tracker(job.fps, outlines=False)
        self.scale = 1.0

    def frame(self, index: int) -> None:
        """Follows everybody, searches the whole picture now and then or when somebody is missing, and at last looks
        for those behind others."""
        number = self._take[index]
        small, self.scale = travelling(self._job.picture(number))
        search = index - self._searched >= self._job.fps / SEARCHES_PER_S or index == len(self._take) - 1
        near = self.tracker.expected(index)
        people = self._found(number, SEARCHED if search else FOLLOWED, small, near)
        self.tracker.add(index, people, small)
        if not search and self.tracker.misses_someone(index):
            more = others(people, self._found(number, SEARCHED, small, near))
            self.tracker.add(index, more, small)
            people, search = [*people, *more], True
        self._searched = index if search else self._searched
        for place, region in enumerate(self.tracker.missing(index)):
            hidden = alone(small, region, found_others(None, people, small.shape[:2])[0], None)
            if hidden is not small:
                self.tracker.add(index, self._found(number, f"{BEHIND}_{place}", hidden, [region]), small)

    def _found(self, number: int, kind: str, small: Picture, near: Sequence[Region]) -> list[PersonEvidence]:
        return self._store.found(number, kind, near, lambda: self._finder().find(small, near, search=kind == SEARCHED))


def _row(sighting: Sighting) -> tuple[float, ...]:
    return *sighting.person.sure_box, *sighting.person.region
