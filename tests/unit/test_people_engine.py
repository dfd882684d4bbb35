"""Engine person: what it is asked for, and what it hands to the propagation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from backend.roto import flow
from backend.roto.corrections import Corrected, with_found
from backend.roto.cut import Hints
from backend.roto.job import RotoJob
from backend.roto.people import engine, roto_frames
from backend.roto.people.evidence import PersonEvidence, Picture, Region
from backend.roto.propagation import MemoryStore
from shared.errors import InvalidRequest
from shared.roto_params import RotoParams
from tests.unit.people_scenes import BLUE, RED, SIZE, person, picture

NUMBERS = tuple(range(1001, 1025))


def shown(number: int) -> Picture:
    return picture((60, 80, RED), (180, 80, BLUE))


class _Worker:
    """Sees the people of `seen`, whatever the picture."""

    seen: tuple[float, ...] = ()

    def __init__(self, check: Callable[[], None]) -> None:
        check()

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *what: object) -> None:
        return None

    def find(self, shown: Picture, near: Any = (), *, search: bool = True) -> list[PersonEvidence]:
        regions: list[Region] = list(near)
        return [person(x) for x in self.seen if search or any(abs(x - region[0]) < 10 for region in regions)]


def job(tmp_path: Path, **texts: str) -> RotoJob:
    facts = SimpleNamespace(facts=SimpleNamespace(rate=Fraction(24)))
    return RotoJob(
        engine="person", params=RotoParams(engine="person"), shot=SimpleNamespace(read=lambda: facts),  # type: ignore[arg-type]
        numbers=NUMBERS, width=SIZE[1], height=SIZE[0], picture=shown, hints={}, texts=texts, store=MemoryStore(),
        scratch=tmp_path, device="cpu", checkpoint=lambda what, done, total: None, notice=lambda sentence: None,
    )  # fmt: skip


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[RotoJob]:
    """The jobs that the propagation gets."""
    jobs: list[RotoJob] = []

    def keep(job: RotoJob) -> Iterator[Any]:
        jobs.append(job)
        return iter(())

    monkeypatch.setattr(engine, "PeopleWorker", _Worker)
    monkeypatch.setattr(flow, "roto_frames", keep)
    return jobs


def test_each_person_becomes_hints_of_its_own(
    handed: list[RotoJob], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Worker, "seen", (60.0, 180.0))
    list(roto_frames(job(tmp_path, cast="people")))
    (given,) = handed
    assert list(given.hints) == ["cast#0", "cast#1"]
    left, right = given.hints["cast#0"], given.hints["cast#1"]
    assert list(left) == list(right) == [*range(1001, 1025, 2), 1024]
    assert left[1013].mask[70, 60] and not left[1013].mask[70, 180] and right[1013].mask[70, 180]


def test_a_clip_without_people_says_so(handed: list[RotoJob], tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="No person was found in frames 1001 to 1024") as error:
        list(roto_frames(job(tmp_path, person="person")))
    assert "box them" in error.value.remedy and not handed


def test_a_text_that_means_something_else_is_refused(handed: list[RotoJob], tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="finds people only, and 'bag' is said to be 'red bag'"):
        list(roto_frames(job(tmp_path, bag="red bag")))
    assert engine.names_people("People, women") and not engine.names_people("person bag")


def test_what_the_artist_says_of_a_person_counts_around_it(
    handed: list[RotoJob], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """person_01 is the second; the ball is followed too; a third person was not found and is the artist's own."""
    monkeypatch.setattr(_Worker, "seen", (60.0, 180.0))
    clicked, boxed = Hints(include=np.array([[180.0, 70.0]])), Hints(boxes=np.array([[90.0, 30.0, 110.0, 100.0]]))
    said = {"person_01": {1010: clicked}, "ball": {1001: boxed}, "person_02": {1001: boxed}}
    list(roto_frames(replace(job(tmp_path, person="person"), hints=said)))
    (given,) = handed
    assert list(given.hints) == ["ball", "person#0", "person#1", "person#2"]
    assert list(given.hints["person#1"]) == [1001, 1010, 1019, 1021, 1023, 1024]
    assert given.hints["person#1"][1010] is clicked and 1009 not in given.hints["person#1"]
    assert given.hints["person#1"][1021].mask[70, 180]
    assert list(given.hints["person#0"]) == [*range(1001, 1025, 2), 1024]
    assert given.hints["person#2"] == {1001: boxed}


def test_found_hints_stay_where_all_are_near_the_artists() -> None:
    said, found = {5: Hints(absent=True)}, {3: Hints(), 6: Hints()}
    assert list(Corrected(said, found, 8)) == [3, 5, 6] and list(Corrected(said, found, 1)) == [3, 5]


def test_hints_of_the_text_itself_are_of_the_first() -> None:
    said, found = {5: Hints(absent=True)}, {30: Hints()}
    hints = with_found({"person": said}, {"person": "person"}, [("person", found), ("person", {9: Hints()})], 8)
    assert list(hints) == ["person#0", "person#1"] and list(hints["person#0"]) == [5, 30]
    assert list(with_found({"person": said}, {"person": "person"}, [])) == ["person#0"]
