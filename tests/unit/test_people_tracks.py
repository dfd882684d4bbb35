"""Engine person: people of single frames joined over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from backend.roto.people.evidence import PersonEvidence, Picture, Region
from backend.roto.people.sampling import look_through, looked_at
from backend.roto.people.tracks import Tracker, colours_of, distance_of_colours
from tests.unit.people_scenes import BLUE, GREEN, RED, SIZE, person, picture

FPS = 24.0


def test_two_people_who_cross_stay_who_they_are() -> None:
    """The one behind is not seen while they are over each other, and their speeds are the same."""
    tracker = Tracker(FPS)
    for index in range(0, 41, 4):
        red, blue = 40.0 + 4 * index, 200.0 - 4 * index
        seen = [person(red)] + ([person(blue)] if abs(red - blue) > 30 else [])
        tracker.add(index, seen, picture((blue, 80, BLUE), (red, 80, RED)))
    first, second = tracker.people()
    assert [one.person.region[0] for one in first.sightings] == [40.0 + 4 * i for i in range(0, 41, 4)]
    assert second.sightings[0].person.region[0] == 200.0 and second.sightings[-1].person.region[0] == 40.0


def test_people_are_named_by_appearance_then_from_the_left() -> None:
    tracker = Tracker(FPS)
    shown = picture((30, 80, RED), (120, 80, GREEN), (200, 80, BLUE))
    tracker.add(0, [person(200), person(30)], shown)
    tracker.add(4, [person(200), person(30), person(120)], shown)
    tracker.add(8, [person(120), person(200), person(30)], shown)
    assert [track.sightings[0].person.region[0] for track in tracker.people()] == [30, 200, 120]


def test_what_the_detector_never_believes_is_nobody() -> None:
    tracker = Tracker(FPS)
    for index in range(0, 20, 4):
        tracker.add(index, [person(60, score=0.6), person(160, agreement=0.5)], picture((60, 80, RED), (160, 80, BLUE)))
    assert tracker.people() == []
    tracker.add(20, [person(60, score=0.8)], picture((60, 80, RED)))
    assert len(tracker.people()) == 1


def test_someone_else_in_the_same_place_is_someone_else() -> None:
    tracker = Tracker(FPS)
    for index in (0, 4):
        tracker.add(index, [person(60)], picture((60, 80, RED)))
    for index in (8, 12):
        tracker.add(index, [person(60)], picture((60, 80, BLUE)))
    assert [len(track.sightings) for track in tracker.people()] == [2, 2]


def test_a_person_who_comes_back_soon_is_the_same_and_later_another() -> None:
    for gap, count in ((24, 1), (100, 2)):
        tracker = Tracker(FPS)
        for index in (0, 4, 4 + gap, 8 + gap):
            tracker.add(index, [person(60)], picture((60, 80, RED)))
        assert len(tracker.people()) == count


def test_nobody_is_seen_twice_in_a_frame() -> None:
    """A search after the first look brings somebody beside, who looks the same."""
    tracker = Tracker(FPS)
    shown = picture((60, 80, RED), (70, 80, RED))
    for index in (0, 4):
        tracker.add(index, [person(60)], shown)
    tracker.add(4, [person(70)], shown)
    assert [[one.index for one in track.sightings] for track in tracker._tracks] == [[0, 4], [4]]
    assert len(tracker.expected(8)) == 2


def test_colours_tell_people_apart() -> None:
    red, blue = (colours_of(person(60), picture((60, 80, colour))) for colour in (RED, BLUE))
    assert distance_of_colours(red, red) == pytest.approx(0.0, abs=1e-3)
    assert distance_of_colours(red, blue) > 0.9
    assert np.allclose(red.sum(1), 1.0)


class _Scene:
    """Finds the people that walk through a scene, but only near given regions unless it searches."""

    def __init__(self) -> None:
        self.searched: list[int] = []
        self.index = 0

    def find(self, shown: Picture, near: Sequence[Region] = (), *, search: bool = True) -> list[PersonEvidence]:
        x, hidden = 30.0 + 2.0 * self.index, 16 <= self.index <= 20
        if search:
            self.searched.append(self.index)
        if hidden or not (search or any(abs(region[0] - x) < 20 for region in near)):
            return []
        return [person(x, score=0.9 if search else None)]


def test_the_whole_picture_is_searched_when_somebody_is_missing() -> None:
    scene, said = _Scene(), []

    def shown(number: int) -> Picture:
        scene.index = number - 1001
        return picture((30.0 + 2.0 * scene.index, 80, RED))

    looked = look_through(
        range(1001, 1061), shown, FPS, scene, lambda what, done, total: said.append((done, total))
    )  # fmt: skip
    assert looked.indices == (*range(0, 60, 2), 59) and said[-1] == (59, 60)
    assert scene.searched == [0, 16, 18, 20, 44, 59]
    (track,) = looked.tracks
    assert [one.index for one in track.sightings] == [i for i in looked.indices if not 16 <= i <= 20]
    assert looked.scale == 1.0 and SIZE == (120, 240)


def test_first_and_last_frame_are_looked_at() -> None:
    assert looked_at(1, 24.0) == (0,)
    assert looked_at(10, 24.0) == (0, 2, 4, 6, 8, 9)
    assert looked_at(3, 2.0) == (0, 1, 2)
