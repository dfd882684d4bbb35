"""Which frames are looked at for people, and the tracks that come of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .evidence import PersonEvidence, Picture, Region
from .process import travelling
from .tracks import Track, Tracker

_LOOKS_PER_S = 12.0
_SEARCHES_PER_S = 1.0


class Finder(Protocol):
    """What finds people: `process.PeopleWorker`."""

    def find(self, picture: Picture, near: Sequence[Region] = (), *, search: bool = True) -> list[PersonEvidence]: ...


@dataclass(frozen=True)
class Looked:
    """tracks: the people, by first appearance. indices: of the frames looked at, ascending. scale: how much smaller
    than the plate the pictures were whose px the sightings are in."""

    tracks: tuple[Track, ...]
    indices: tuple[int, ...]
    scale: float


def look_through(
    numbers: Sequence[int],
    picture: Callable[[int], Picture],
    fps: float,
    finder: Finder,
    checkpoint: Callable[[str, int, int], None],
) -> Looked:
    """Looks at twelve frames a second where people were last, and in the whole picture once a second or when somebody
    has gone missing. Only compressed masks are kept: kilobytes for each person and frame looked at."""
    indices = looked_at(len(numbers), fps)
    tracker = Tracker(fps)
    scale, searched = 1.0, -len(numbers) - fps
    for index in indices:
        checkpoint("Looking for people", index, len(numbers))
        small, scale = travelling(picture(numbers[index]))
        search = index - searched >= fps / _SEARCHES_PER_S or index == indices[-1]
        near = tracker.expected(index)
        people = finder.find(small, near, search=search)
        tracker.add(index, people, small)
        if not search and tracker.misses_someone(index):
            tracker.add(index, others(people, finder.find(small, near, search=True)), small)
            search = True
        searched = index if search else searched
    return Looked(tuple(tracker.people()), indices, scale)


def looked_at(count: int, fps: float) -> tuple[int, ...]:
    """Indices of the frames to look at: evenly, with the first and the last."""
    stride = max(1, round(fps / _LOOKS_PER_S))
    indices = list(range(0, count, stride))
    if indices[-1] != count - 1:
        indices.append(count - 1)
    return tuple(indices)


def others(known: Sequence[PersonEvidence], found: Sequence[PersonEvidence]) -> list[PersonEvidence]:
    """Those of a search that were not known: earlier regions come first and give the same again."""
    regions = {person.region for person in known}
    return [person for person in found if person.region not in regions]
