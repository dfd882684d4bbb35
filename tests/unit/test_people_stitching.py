"""Pieces of tracks that are one person's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backend.roto.people.evidence import Picture
from backend.roto.people.stitching import stitched
from backend.roto.people.tracks import Sighting, Track, colours_of
from tests.unit.people_scenes import BLUE, RED, person, picture

FPS = 25.0


def track(places: Sequence[tuple[int, float]], colour: tuple[int, int, int]) -> Track:
    """Seen at (index, x)."""
    shown: Picture = picture((places[0][1], 80.0, colour))
    sightings = [Sighting(index, person(x)) for index, x in places]
    return Track(colours_of(sightings[0].person, shown), sightings)


def frames(tracks: Sequence[Track]) -> list[list[int]]:
    return [[one.index for one in track.sightings] for track in tracks]


def test_pieces_of_one_person_are_joined_in_order() -> None:
    first, last = track([(0, 40.0), (1, 44.0)], RED), track([(6, 90.0), (7, 94.0)], RED)
    middle = track([(3, 60.0)], RED)
    assert frames(stitched([last, first, middle], FPS)) == [[0, 1, 3, 6, 7]]


def test_two_people_stay_two() -> None:
    assert len(stitched([track([(0, 40.0), (1, 44.0)], RED), track([(1, 60.0), (2, 60.0)], RED)], FPS)) == 2
    assert len(stitched([track([(0, 40.0)], RED), track([(20, 60.0)], BLUE)], FPS)) == 2  # dressed otherwise
    assert len(stitched([track([(0, 20.0)], RED), track([(2, 220.0)], RED)], FPS)) == 2  # nobody is that fast
    assert len(stitched([track([(0, 40.0)], RED), track([(60, 44.0)], RED)], FPS)) == 2  # too long ago


def test_colours_are_shared_by_length() -> None:
    (one,) = stitched([track([(0, 40.0), (1, 40.0), (2, 40.0)], RED), track([(3, 40.0)], RED)], FPS)
    assert np.allclose(one.colours.sum(1), 1.0, atol=1e-5)
