"""Who is where: the people of a clip with a region to look at in each frame.

Of labels that have roto masks the mask says it. Else people are found and followed by `backend.roto.people`; what the
search says of a frame is kept on disk, so that a run that was killed goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.roto.people.evidence import PersonEvidence, Region
from backend.roto.people.process import travelling
from backend.roto.people.sampling import Finder, others
from backend.roto.people.tracks import Sighting, Track, Tracker

from .job import Mask, PoseJob
from .keypoints import Box
from .store import FoundStore

SEARCHES_PER_S = 1.0
_REGION = 1.3
"""Side of a body's region in longer sides of the mask's box: BlazePose's circle about the hips, with its margin."""

_LEAST_PX = 12
"""Longer side of a mask below which nothing can be said of a pose."""

STEP = "Looking for people"


@dataclass(frozen=True)
class Place:
    """box: around what is seen of the person, plate px. region: square that holds the body, plate px and radians."""

    box: Box
    region: Region


Places = Mapping[str, Mapping[int, Place]]
"""label -> plate number -> where the person is seen there."""


def person_label(index: int) -> str:
    return f"person_{index:02d}"


def masked_places(job: PoseJob) -> Places:
    """Where the labels' masks are."""
    found: dict[str, dict[int, Place]] = {label: {} for label in job.labels}
    for index, number in enumerate(job.numbers):
        job.checkpoint(STEP, index, len(job.numbers))
        for label in job.labels:
            place = place_of(job.masks(label, number))
            if place is not None:
                found[label][number] = place
    return found


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


def found_places(job: PoseJob, finder: Callable[[], Finder]) -> Places:
    """The people that the networks find, named by first appearance. finder: starts what finds them, if need be. Looks
    at every frame: in a crossing each one counts. Somebody who is seen again after a cut is somebody new."""
    store = FoundStore(job.store)
    tracks: list[tuple[Track, Sequence[int]]] = []
    scale = 1.0
    for take in takes(job.numbers, job.cuts):
        people, scale = _look_through(job, take, store, finder)
        tracks += [(track, take) for track in people]
    return {
        person_label(index): {take[one.index]: _plate_place(one, scale) for one in track.sightings}
        for index, (track, take) in enumerate(tracks)
    }


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


def _look_through(
    job: PoseJob, take: Sequence[int], store: FoundStore, finder: Callable[[], Finder]
) -> tuple[list[Track], float]:
    """The people of a take, and how much smaller than the plate their coordinates are."""
    tracker = Tracker(job.fps)
    scale, searched = 1.0, -float(len(take)) - job.fps
    for index, number in enumerate(take):
        job.checkpoint(STEP, number - job.numbers[0], len(job.numbers))
        small, scale = travelling(job.picture(number))
        search = index - searched >= job.fps / SEARCHES_PER_S or index == len(take) - 1
        near = tracker.expected(index)

        def find(again: bool, small: Mask = small, near: Sequence[Region] = near) -> list[PersonEvidence]:
            return finder().find(small, near, search=again)

        people = store.found(number, search, find)
        tracker.add(index, people, small)
        if not search and tracker.misses_someone(index):
            tracker.add(index, others(people, store.found(number, True, find)), small)
            search = True
        searched = index if search else searched
    return tracker.people(), scale


def _plate_place(sighting: Sighting, scale: float) -> Place:
    x0, y0, x1, y1 = (value / scale for value in sighting.person.sure_box)
    x, y, size, turn = sighting.person.region
    return Place((x0, y0, x1, y1), (x / scale, y / scale, size / scale, turn))
