"""Engine person: the worker's search, its messages, and the process around it, with networks that are told what to see.

Where `.venv-mocap` is set up the real networks run too.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.roto.people import process
from backend.roto.people.environment import VARIABLE, mocap_python
from backend.roto.people.evidence import LANDMARKS, PersonEvidence, Picture, Region
from backend.roto.people.process import PeopleWorker, travelling
from backend.roto.people.worker.__main__ import answer
from backend.roto.people.worker.graphs import Body, Candidate, region_of
from backend.roto.people.worker.search import find_people
from shared.codec import Request
from shared.errors import EngineUnavailable, InternalError, JobCancelled, MalformedMessage, WorkerCrashed
from tests.unit.people_scenes import SIZE, body_mask, mediapipe_is_set_up, person, picture

GREY = picture()


class _Networks:
    """Sees a person at each of `places` (x, y of the hips), in windows of at most `widest` px; `ghosts` are proposed
    but nobody is there."""

    def __init__(self, places: list[float], ghosts: tuple[float, ...] = (), widest: int = 240) -> None:
        self._places, self._ghosts, self._widest = places, ghosts, widest
        self.looked = 0

    def detect(self, shown: Picture) -> list[Candidate]:
        # Windows are views of the whole picture: where they begin says which part they are.
        start = shown.__array_interface__["data"][0] - GREY.__array_interface__["data"][0]
        left = start // 3 % SIZE[1]
        if shown.shape[1] > self._widest:
            return []
        seen = [x - left for x in (*self._places, *self._ghosts) if 0 <= x - left < shown.shape[1]]
        return [Candidate(0.9, (x, 70.0 - start // 3 // SIZE[1], 104.0, 0.0)) for x in seen]

    def body(self, shown: Picture, region: Region) -> Body | None:
        self.looked += 1
        near = [x for x in self._places if abs(x - region[0]) < 25]
        if not near:
            return None
        one = person(near[0])
        return Body(one.landmarks, one.world, (near[0], 70.0, 104.0, 0.0), body_mask(near[0]))


def found(networks: Any, **rest: Any) -> list[float]:
    return [one.region[0] for one in find_people(networks, GREY, **rest)]


def test_everybody_is_found_once() -> None:
    assert sorted(found(_Networks([50.0, 120.0, 200.0], ghosts=(15.0,)))) == [50.0, 120.0, 200.0]


def test_small_people_are_found_in_windows() -> None:
    assert found(_Networks([200.0], widest=120)) == [200.0]
    assert found(_Networks([200.0], widest=30)) == []


def test_earlier_regions_need_no_search() -> None:
    networks = _Networks([50.0, 200.0])
    people = find_people(networks, GREY, [(45.0, 70.0, 104.0, 0.0)], search=False)  # type: ignore[arg-type]
    assert [one.region[0] for one in people] == [50.0] and people[0].score is None and networks.looked == 2
    assert people[0].agreement == 1.0
    assert found(networks, near=[(math.nan, 70.0, 104.0, 0.0)], search=False) == []


def test_a_search_says_how_sure_the_detector_is_of_somebody_known() -> None:
    (one,) = find_people(_Networks([50.0]), GREY, [(45.0, 70.0, 104.0, 0.0)])  # type: ignore[arg-type]
    assert one.score == 0.9


def test_a_region_stands_upright_when_the_person_does() -> None:
    x, y, size, turn = region_of(50.0, 60.0, 50.0, 20.0)
    assert (x, y, size) == (50.0, 60.0, 100.0) and turn == pytest.approx(0.0)
    assert region_of(50.0, 60.0, 90.0, 60.0)[3] == pytest.approx(math.pi / 2)  # the head is to the right


def test_evidence_travels_whole() -> None:
    params = {
        "width": 240,
        "height": 120,
        "pixels": GREY.tobytes(),
        "near": [[50.0, 70.0, 104.0, 0.0]],
        "search": False,
    }
    request = Request(1, "people.find", params)
    (plain,) = answer(_Networks([50.0]), request)["people"]  # type: ignore[arg-type]
    came = PersonEvidence.from_wire(plain)
    expected = person(50.0)
    assert came.box == expected.box and came.region == expected.region and came.landmarks.shape == (LANDMARKS, 4)
    assert np.array_equal(came.landmarks, expected.landmarks)
    assert np.array_equal(came.full_mask(*SIZE), body_mask(50.0))


def test_a_picture_of_another_size_is_refused() -> None:
    request = Request(1, "people.find", {"width": 9, "height": 9, "pixels": b"12", "near": [], "search": True})
    with pytest.raises(MalformedMessage, match="2 bytes are no picture of 9 x 9"):
        answer(_Networks([]), request)  # type: ignore[arg-type]


def test_large_pictures_travel_smaller() -> None:
    small, scale = travelling(np.zeros((2160, 3840, 3), np.uint8))
    assert small.shape == (720, 1280, 3) and scale == pytest.approx(1 / 3)
    assert travelling(GREY)[0] is GREY


# -- the process ---------------------------------------------------------------------------------------------

_STAND_IN = """
import sys
from backend.worker.channel import Channel
from shared.codec import Notification, Request
from shared.errors import InternalError
channel = Channel.take_standard()
channel.send(Notification("people.ready", {"mediapipe": "0"}))
for message in channel.messages():
    if message.params["width"] == 1:
        sys.exit("the networks fell over")
    if message.params["width"] == 2:
        channel.refuse(message.id, InternalError("no"))
    elif message.params["width"] != 3:
        channel.answer(message.id, {"people": []})
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., PeopleWorker]:
    """A worker of this Python that answers by the picture's width."""
    program = tmp_path / "stand_in.py"
    program.write_text(_STAND_IN, encoding="utf-8")
    monkeypatch.setattr(process, "_command", lambda: [sys.executable, str(program)])
    return PeopleWorker


def _wide(width: int) -> Picture:
    return np.zeros((1, width, 3), np.uint8)


def test_the_process_answers_and_its_errors_arrive(stand_in: Callable[..., PeopleWorker]) -> None:
    with stand_in() as worker:
        assert worker.find(_wide(1280)) == []
        with pytest.raises(InternalError, match="no"):
            worker.find(_wide(2))
        with pytest.raises(WorkerCrashed, match=r"code 1\. Its last words: the networks fell over"):
            worker.find(_wide(1))


def test_a_cancel_is_heard_while_the_worker_is_busy(stand_in: Callable[..., PeopleWorker]) -> None:
    def cancelled() -> None:
        raise JobCancelled("roto was cancelled.")

    with stand_in() as worker:
        worker._check = cancelled
        with pytest.raises(JobCancelled):
            worker.find(_wide(3))
    assert worker._process.poll() is not None


def test_without_its_environment_the_remedy_is_to_set_it_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "bin/python"))
    with pytest.raises(EngineUnavailable) as error:
        mocap_python()
    assert "build.py setup --extra mocap" in error.value.remedy


@pytest.mark.skipif(not mediapipe_is_set_up(), reason="needs build.py setup --extra mocap")
def test_the_real_networks_see_nobody_in_noise() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    with PeopleWorker() as worker:
        assert worker.find(noise, [(80.0, 60.0, 90.0, 0.0)], search=False) == []
