"""Boxes that hold a person: whose mask begins an object, when the box stays as it is, and what is kept.

Where `.venv-mocap` is set up the real networks run too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from backend.roto import flow
from backend.roto.cut import Hints
from backend.roto.engines import FLOW, PERSON, Assignment, people_fingerprint
from backend.roto.hints import has_box
from backend.roto.job import RotoJob
from backend.roto.people import boxes
from backend.roto.people.boxes import begun_by_people, person_in
from backend.roto.people.environment import VARIABLE, mocap_python
from backend.roto.people.evidence import PersonEvidence, Picture, Region
from backend.roto.people.process import PeopleWorker
from backend.roto.propagation import MemoryStore, affected
from shared.errors import JobCancelled, WorkerCrashed
from shared.roto_params import RotoParams
from shared.roto_prompts import FramePrompt, LabelPrompts, RotoPrompts, write_prompts
from shared.roto_report import read_roto_report
from shared.shot import ShotFolder
from tests.unit.people_scenes import BLUE, RED, SIZE, body_mask, mediapipe_is_set_up, person, picture
from tests.unit.roto_shot import FIRST, box_of, masks_in, run_roto, write_footage

NUMBERS = tuple(range(1001, 1005))
BOX = (45, 29, 75, 111)
TRUE = body_mask(60) > 0.5


class Colours:
    """Takes what is red or blue for a person, in whatever part of the picture it is shown."""

    agreement = 0.95

    def __init__(self) -> None:
        self.looked = 0

    def find(self, shown: Picture, near: Sequence[Region] = (), *, search: bool = True) -> list[PersonEvidence]:
        self.looked += 1
        assert search and len(near) == 1
        masks = [(shown == colour).all(axis=2) for colour in (RED, BLUE)]
        return [self._person(mask) for mask in masks if mask.any()]

    def _person(self, mask: np.ndarray) -> PersonEvidence:
        rows, columns = np.nonzero(mask)
        tall = float(rows.max() + 1 - rows.min())
        return person(
            float(columns.mean()) + 0.5, tall, rows.max() + 1.0, agreement=self.agreement, mask=mask.astype(np.float32)
        )


def shown(number: int = 0) -> Picture:
    return picture((60, 80, RED), (180, 80, BLUE))


def boxed(box: tuple[int, ...] = BOX, **rest: Any) -> Hints:
    return Hints(boxes=np.array([box], float), label="ana", frame=1001, **rest)


def at(x: float, y: float) -> np.ndarray:
    return np.array([[x, y]])


def job(said: Hints | None = None, **rest: Any) -> RotoJob:
    given = RotoJob(
        engine="flow", params=RotoParams(), shot=SimpleNamespace(), numbers=NUMBERS, width=SIZE[1], height=SIZE[0],  # type: ignore[arg-type]
        picture=shown, hints={"ana": {1001: said or boxed()}}, texts={}, store=MemoryStore(), scratch=Path(),
        device="cpu", checkpoint=lambda what, done, total: None, notice=lambda sentence: None,
    )  # fmt: skip
    return replace(given, **rest)


class Started:
    """The place of `PeopleWorker`: a finder for each start, which asks whether the job is cancelled."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.finders: list[Colours] = []
        self.fails = fails

    def __call__(self, check: Callable[[], None] = lambda: None) -> Any:
        check()
        self.finders.append(Colours())
        return self

    def __enter__(self) -> Any:
        if self.fails is not None:
            raise self.fails
        return self.finders[-1]

    def __exit__(self, *what: object) -> None:
        return None


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    worker = Started()
    monkeypatch.setattr(boxes, "PeopleWorker", worker)
    monkeypatch.setattr(boxes, "mocap_python", lambda: Path("python"))
    return worker


# -- one picture ---------------------------------------------------------------------------------------------


def test_the_person_that_fits_the_box_is_found() -> None:
    found = person_in(shown(), BOX, Colours())
    assert found is not None and found.shape == SIZE
    assert (found & TRUE).sum() > 0.97 * (found | TRUE).sum()


@pytest.mark.parametrize("box", [(2, 2, 118, 118), (47, 30, 74, 60), (100, 20, 140, 100), (45, 29, 200, 111)])
def test_a_box_of_something_else_stays_a_box(box: tuple[int, int, int, int]) -> None:
    """Much larger than the person, of the upper body only, of the wall, around both."""
    assert person_in(shown(), box, Colours()) is None


def test_two_who_fit_are_not_chosen_from() -> None:
    both = picture((60, 80, RED), (66, 80, BLUE))
    assert person_in(both, (45, 29, 81, 111), _Two()) is None


class _Two(Colours):
    def find(self, shown: Picture, near: Sequence[Region] = (), *, search: bool = True) -> list[PersonEvidence]:
        (x, y, _, _) = near[0]
        return [person(x + shift, 80, y + 40) for shift in (-3, 3)]


@pytest.mark.parametrize("doubt", [{"agreement": 0.8}, {"score": None}])
def test_a_doubtful_person_is_none(doubt: dict[str, Any]) -> None:
    class Doubtful(Colours):
        def _person(self, mask: np.ndarray) -> PersonEvidence:
            return replace(super()._person(mask), **doubt)

    assert person_in(shown(), BOX, Doubtful()) is None


def test_nothing_of_the_mask_is_outside_of_the_box() -> None:
    tight = (48, 31, 72, 109)
    found = person_in(shown(), tight, Colours())
    assert found is not None and found.any()
    found[tight[1] : tight[3], tight[0] : tight[2]] = False
    assert not found.any()


# -- a job ---------------------------------------------------------------------------------------------------


def test_the_mask_begins_the_object_and_what_was_said_stays(started: Started) -> None:
    said: list[str] = []
    click, other = boxed(include=at(60, 70)), Hints(exclude=at(20, 20))
    given = job(
        hints={"ana": {1001: click, 1003: other}, "ben": {1002: boxed((100, 20, 140, 100))}}, notice=said.append
    )
    begun = begun_by_people(given)
    first = begun.hints["ana"][1001]
    assert list(begun.hints["ana"]) == [1001, 1003] and begun.hints["ana"][1003] is other
    assert first.mask[70, 60] and not first.mask[70, 180] and (first.include == click.include).all()
    assert (first.boxes == click.boxes).all() and (first.label, first.frame) == ("ana", 1001)
    assert begun.hints["ben"][1002].mask is None
    assert said == ["The box of 'ana' at frame 1001 holds a person: MediaPipe's mask begins it."]
    assert len(started.finders) == 1 and started.finders[0].looked == 2


def test_a_box_is_looked_into_once(started: Started) -> None:
    first = job()
    one = begun_by_people(first).hints
    again = begun_by_people(replace(first, hints={"ana": {1001: boxed(exclude=at(46, 40))}})).hints
    assert len(started.finders) == 1 and started.finders[0].looked == 1
    assert (one["ana"][1001].mask == again["ana"][1001].mask).all()
    begun_by_people(replace(first, hints={"ana": {1001: boxed((44, 29, 75, 111))}}))
    assert len(started.finders) == 2


def test_a_correction_elsewhere_leaves_the_rest_as_it_is(started: Started) -> None:
    given = job(hints={"ana": {1001: boxed()}})
    more = replace(given, hints={"ana": {1001: boxed(), 1003: Hints(exclude=at(20, 20))}})
    old, new = (begun_by_people(one).hints for one in (given, more))
    assert affected(old, new, NUMBERS) == {"ana": [1002, 1003, 1004]}
    assert affected({"ana": {1001: boxed()}}, old, NUMBERS) == {"ana": list(NUMBERS)}


@pytest.mark.parametrize(
    ("clicks", "begins"),
    [
        ({"include": at(60, 70)}, True),
        ({"exclude": at(48.5, 70)}, True),  # at the rim: it corrects the mask
        ({"include": at(76, 70)}, True),
        ({"exclude": at(60, 70)}, False),  # in the middle: the person is not what is meant
        ({"include": at(100, 70)}, False),
    ],
)
def test_clicks_say_whether_the_person_is_meant(started: Started, clicks: dict[str, Any], begins: bool) -> None:
    assert (begun_by_people(job(boxed(**clicks))).hints["ana"][1001].mask is not None) == begins


@pytest.mark.parametrize(
    "hints",
    [
        boxed(mask=TRUE),
        Hints(include=at(60, 70)),
        Hints(absent=True),
        Hints(boxes=np.array([BOX, (165, 29, 195, 111)], float)),
    ],
)
def test_other_hints_start_nothing(started: Started, hints: Hints) -> None:
    given = job(hints)
    assert begun_by_people(given) is given and not started.finders


def test_switched_off_or_not_set_up_nothing_starts(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    off = job(params=RotoParams(people_in_boxes="off"))
    assert begun_by_people(off) is off
    monkeypatch.setenv(VARIABLE, "/nowhere/python")
    monkeypatch.setattr(boxes, "mocap_python", mocap_python)
    bare = job()
    assert begun_by_people(bare) is bare and not started.finders


def test_what_the_worker_cannot_do_is_a_notice(started: Started) -> None:
    said: list[str] = []
    given = job(notice=said.append)
    started.fails = WorkerCrashed("The people worker (MediaPipe) ended with code 1.")
    assert begun_by_people(given) is given
    assert said == [
        "MediaPipe did not look into the box of 'ana' at frame 1001: The people worker (MediaPipe) ended with code 1. "
        "The box alone begins it."
    ]
    started.fails = None
    assert begun_by_people(given) is not given, "it is tried again"


def test_a_cancel_is_heard_while_people_are_looked_for(started: Started) -> None:
    def cancelled(what: str, done: int, total: int) -> None:
        raise JobCancelled("roto was cancelled.")

    with pytest.raises(JobCancelled):
        begun_by_people(job(checkpoint=cancelled))


def test_flow_begins_with_it_and_engine_person_does_not(started: Started) -> None:
    """The first mask is the person's to the pixel, and the run after it makes nothing anew."""
    given = job(numbers=NUMBERS[:2])
    frames = list(flow.roto_frames(given))
    begun = begun_by_people(given).hints["ana"][1001].mask
    assert ((frames[0].soft["ana"] >= 0.5) == begun).all() and len(frames) == 2
    whole = len(given.store)
    list(flow.roto_frames(given))
    assert len(given.store) == whole and len(started.finders) == 1
    next(flow.roto_frames(job(engine="person", numbers=NUMBERS[:1])))
    assert len(started.finders) == 1


# -- the stage -----------------------------------------------------------------------------------------------


def test_being_set_up_counts_only_where_something_is_boxed(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    work = (Assignment(FLOW, ("ana",), {}),)
    monkeypatch.setattr("backend.roto.people.environment.mocap_python", lambda: Path("python"))
    assert people_fingerprint(work, RotoParams(), boxes=True) == {"people in boxes": str(PERSON.version)}
    assert not people_fingerprint(work, RotoParams(), boxes=False)
    assert not people_fingerprint(work, RotoParams(people_in_boxes="off"), boxes=True)
    assert not people_fingerprint((Assignment(PERSON, ("ana",), {"p": "person"}),), RotoParams(), boxes=True)
    one, two = (FramePrompt(boxes=(((1, 1, 9, 9),) * count)) for count in (1, 2))
    assert has_box(RotoPrompts(labels={"a": LabelPrompts(frames={"1": one})}))
    assert not has_box(RotoPrompts(labels={"a": LabelPrompts(frames={"1": two})}))


def test_setting_it_up_brings_the_masks_up_to_date(
    started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found is half of the red square, which no box alone would give."""
    footage, shot = write_footage(tmp_path / "clip"), ShotFolder(tmp_path / "shot")
    box = box_of("red", FIRST)
    assert box is not None
    said = FramePrompt(boxes=((box[0] - 1.0, box[1] - 1.0, box[2] + 1.0, box[3] + 1.0),))
    write_prompts(shot, RotoPrompts(labels={"ana": LabelPrompts(frames={str(FIRST): said})}))
    monkeypatch.setenv(VARIABLE, "/nowhere/python")
    monkeypatch.setattr(boxes, "mocap_python", mocap_python)
    run_roto(shot.root, footage, engine="flow", frame_end=FIRST + 1)
    assert not read_roto_report(shot).notices and not started.finders

    ready: Callable[[], Path] = lambda: Path("python")  # noqa: E731 - what both ask
    monkeypatch.setattr(boxes, "mocap_python", ready)
    monkeypatch.setattr("backend.roto.people.environment.mocap_python", ready)
    monkeypatch.setattr(boxes, "person_in", _left_half)
    run_roto(shot.root, footage, engine="flow", frame_end=FIRST + 1)
    report = read_roto_report(shot)
    assert report.engine == "flow" and any("MediaPipe's mask begins it" in one for one in report.notices)
    first = masks_in(shot.root, "ana")[FIRST]
    assert (first == _left_half(np.zeros((*first.shape, 3), np.uint8), (box[0] - 1, 1, 15, 11), Colours())).all()
    assert run_roto(shot.root, footage, engine="flow", frame_end=FIRST + 1).skipped and len(started.finders) == 1


def _left_half(picture: Picture, box: tuple[int, int, int, int], finder: object) -> np.ndarray:
    mask = np.zeros(picture.shape[:2], bool)
    mask[box[1] + 1 : box[3] - 1, box[0] + 1 : (box[0] + box[2]) // 2] = True
    return mask


@pytest.mark.skipif(not mediapipe_is_set_up(), reason="needs build.py setup --extra mocap")
def test_the_real_networks_find_nobody_in_a_box_of_noise() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    with PeopleWorker() as worker:
        assert person_in(noise, (50, 10, 110, 115), worker) is None
