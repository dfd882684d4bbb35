"""People of single frames joined over time.

Each looked-at frame's people are assigned to the tracks at once (Kuhn-Munkres), by where the track would be if it went
on moving, by how it stands, and by the colours of its upper and lower half. Colours alone bring a person back who was
hidden or out of the picture for a while; who has been away for too long begins a new track.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from .evidence import Floats, PersonEvidence, Picture, Region

_BELIEVED = 0.75
"""Score of the detector that a track must reach once. Over pictures without people what it takes for one stays below;
people whose whole upper body is to be seen are above."""

_AGREED = 0.7
"""Median agreement of a track's masks: things that look a little like people give another mask for each region."""

_FARTHEST = 0.75
_UNLIKE = 0.6
"""Gates: of the distance from the predicted place in body sizes, and of the distance of colours (0..1)."""

_FORGOTTEN_S = 2.0
_SHORTEST = 2
_BINS = 8
_BLEND = 0.25


@dataclass(frozen=True)
class Sighting:
    """A person in the frame of index `index`."""

    index: int
    person: PersonEvidence


@dataclass
class Track:
    """One person. sightings: by frame. colours [2, bins^3]: histograms of the upper and the lower half, sum 1 each."""

    colours: Floats
    sightings: list[Sighting] = field(default_factory=list)

    @property
    def last(self) -> Sighting:
        return self.sightings[-1]

    def region_at(self, index: int) -> Region:
        """Where the person would be looked for: moved on as in the last two sightings."""
        x, y, size, turn = self.last.person.region
        if len(self.sightings) > 1:
            before = self.sightings[-2]
            ahead = (index - self.last.index) / (self.last.index - before.index)
            ahead = min(ahead, 2.0)  # a guess from two frames is worth nothing farther away
            x += ahead * (x - before.person.region[0])
            y += ahead * (y - before.person.region[1])
        return x, y, size, turn

    @property
    def is_person(self) -> bool:
        """Whether the detector was sure once, and the masks are of one piece."""
        scores = [one.person.score for one in self.sightings if one.person.score is not None]
        agreement = float(np.median([one.person.agreement for one in self.sightings]))
        return max(scores, default=0.0) >= _BELIEVED and agreement >= _AGREED


class Tracker:
    """Frames are given in order. fps: of the clip. outlines: whether all sightings keep their masks and
    landmarks, kilobytes each; else only the last one of each track does while frames are added."""

    def __init__(self, fps: float, *, outlines: bool = True) -> None:
        self._patience = max(1.0, _FORGOTTEN_S * fps)
        self._outlines = outlines
        self._tracks: list[Track] = []

    def expected(self, index: int) -> list[Region]:
        """Regions to look at in the next frame: of everybody who was seen not long ago."""
        return [track.region_at(index) for track in self._alive(index)]

    def misses_someone(self, index: int) -> bool:
        """Whether somebody believed to be a person was not found in the last frame, and not forgotten yet."""
        return bool(self.missing(index))

    def missing(self, index: int) -> list[Region]:
        """Where those would be who are believed to be people, were not found in the last frame and not forgotten."""
        return [t.region_at(index) for t in self._alive(index) if t.last.index < index and t.is_person]

    def add(self, index: int, people: Sequence[PersonEvidence], picture: Picture) -> None:
        """The people found in a frame; picture: uint8 RGB of the size their coordinates are of. A frame's people may
        come in several calls: whoever was seen in an earlier one is not seen twice."""
        alive = [track for track in self._alive(index) if track.last.index < index]
        colours = [colours_of(person, picture) for person in people]
        taken = set()
        for row, column in self._assigned(index, alive, people, colours):
            track = alive[row]
            self._shed(track)
            track.sightings.append(Sighting(index, people[column]))
            track.colours = (1.0 - _BLEND) * track.colours + _BLEND * colours[column]
            taken.add(column)
        for column, person in enumerate(people):
            if column not in taken and person.score is not None:  # an earlier region alone begins nobody
                self._tracks.append(Track(colours[column], [Sighting(index, person)]))

    @property
    def tracks(self) -> Sequence[Track]:
        """All, with those that are nobody."""
        for track in self._tracks:
            self._shed(track)
        return self._tracks

    def _shed(self, track: Track) -> None:
        if not self._outlines:
            track.sightings[-1] = Sighting(track.last.index, track.last.person.without_outline())

    def people(self) -> list[Track]:
        """The tracks that are people, by first appearance and then from left to right."""
        return people_of(self._tracks)

    def _alive(self, index: int) -> list[Track]:
        return [track for track in self._tracks if index - track.last.index <= self._patience]

    def _assigned(
        self, index: int, tracks: Sequence[Track], people: Sequence[PersonEvidence], colours: Sequence[Floats]
    ) -> list[tuple[int, int]]:
        if not tracks or not people:
            return []
        cost = np.array([[_cost(t, index, p, c) for p, c in zip(people, colours, strict=True)] for t in tracks])
        rows, columns = linear_sum_assignment(np.where(np.isfinite(cost), cost, 1e3))
        return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if math.isfinite(cost[r, c])]


def people_of(tracks: Sequence[Track]) -> list[Track]:
    """Those that are people, by first appearance and then from left to right."""
    looked = {one.index for track in tracks for one in track.sightings}
    shortest = min(_SHORTEST, len(looked))
    real = [track for track in tracks if track.is_person and len(track.sightings) >= shortest]
    return sorted(real, key=lambda one: (one.sightings[0].index, one.sightings[0].person.region[0]))


def _cost(track: Track, index: int, person: PersonEvidence, colours: Floats) -> float:
    """Distance of a person from a track; infinite where they cannot be the same."""
    unlike = distance_of_colours(track.colours, colours)
    x, y, size, _ = track.region_at(index)
    px, py, person_size, _ = person.region
    apart = math.hypot(px - x, py - y) / min(size, person_size)
    grown = abs(math.log(person_size / size))
    waited = (index - track.last.index) / max(1, _stride(track))
    allowed = _FARTHEST * max(1.0, math.sqrt(waited))
    if unlike > _UNLIKE or apart > allowed or grown > math.log(2.0):
        return math.inf
    pose = _pose_distance(track.last.person, person) if waited <= 1.0 else 0.0
    return apart / allowed + unlike / _UNLIKE + 0.5 * grown + pose


def _stride(track: Track) -> int:
    if len(track.sightings) < 2:
        return 1
    return track.last.index - track.sightings[-2].index


def _pose_distance(one: PersonEvidence, other: PersonEvidence) -> float:
    """Mean distance of the landmarks about their regions' centres, in region sizes, at most 1."""
    places = [p.landmarks[:, :2] - np.array(p.region[:2], np.float32) for p in (one, other)]
    apart = np.linalg.norm(places[0] - places[1], axis=1) / min(one.region[2], other.region[2])
    return min(1.0, float(np.mean(apart)))


def colours_of(person: PersonEvidence, picture: Picture) -> Floats:
    """float32 [2, bins^3]: histograms in CIE Lab of the upper and the lower half of the mask; sum 1 each, 0 when
    empty. The core of the mask only: its rim has the background's colours."""
    x0, y0, x1, y1 = person.box
    lab = np.asarray(cv2.cvtColor(np.ascontiguousarray(picture[y0:y1, x0:x1]), cv2.COLOR_RGB2LAB), np.uint8)
    core = np.asarray(cv2.erode((person.soft >= 192).astype(np.uint8), np.ones((3, 3), np.uint8)), np.uint8)
    middle = (y1 - y0) // 2
    halves = [_histogram(lab[part], core[part]) for part in (slice(None, middle), slice(middle, None))]
    return np.stack(halves)


def _histogram(lab: NDArray[np.uint8], mask: NDArray[np.uint8]) -> Floats:
    if not mask.any():
        return np.zeros(_BINS**3, np.float32)
    lab = np.clip(lab, [0, 64, 64], [255, 191, 191]).astype(np.uint8)  # what is more colourful is in the last bins
    counts = cv2.calcHist([lab], [0, 1, 2], mask, [_BINS] * 3, [0, 256, 64, 192, 64, 192]).ravel()
    return np.asarray(counts / max(float(counts.sum()), 1.0), np.float32)


def distance_of_colours(one: Floats, other: Floats) -> float:
    """Mean Hellinger distance of the two halves, 0..1; a half that was not seen says nothing."""
    seen = (one.sum(1) > 0) & (other.sum(1) > 0)
    if not seen.any():
        return 0.5
    alike = np.sqrt(one[seen] * other[seen]).sum(1)
    return float(np.sqrt(np.maximum(1.0 - alike, 0.0)).mean())
