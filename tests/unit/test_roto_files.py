"""What the roto stage keeps and writes: tracks on disk, competing masks, names, who finds what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.roto import engines
from backend.roto.engines import assign
from backend.roto.flow import in_passes
from backend.roto.hints import hinted_and_texts
from backend.roto.job import instance_key
from backend.roto.labels import names_of
from backend.roto.outputs import MaskFiles, compete, read_mask
from backend.roto.propagation import HIDDEN, TRACKED, FrameMasks, StoredMask
from backend.roto.store import DiskMaskStore
from shared.errors import EngineUnavailable, InvalidRequest, ShotCorrupt
from shared.roto_params import RotoParams
from shared.roto_prompts import FramePrompt, LabelPrompts, RotoPrompts

TRACK = StoredMask(np.arange(12, dtype=np.uint8).reshape(3, 4), TRACKED, 0.625)


def test_the_store_gives_back_what_was_put(tmp_path: Path) -> None:
    store = DiskMaskStore(tmp_path)
    store.put("key", "a label", 1001, TRACK)
    again = DiskMaskStore(tmp_path).get("key", "a label", 1001)
    assert (again.soft == TRACK.soft).all() and again.soft.dtype == np.uint8
    assert (again.state, again.confidence) == (TRACKED, 0.625)
    for key, label, number in (("other", "a label", 1001), ("key", "A label", 1001), ("key", "a label", 1)):
        assert not store.has(key, label, number)
        with pytest.raises(KeyError):
            store.get(key, label, number)


@pytest.mark.parametrize("left", [0, 3, 30, -1])
def test_a_damaged_track_is_named_and_made_anew(tmp_path: Path, left: int) -> None:
    store = DiskMaskStore(tmp_path)
    store.put("key", "bag", 1, TRACK)
    (path,) = tmp_path.glob("*/*.mask")
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ShotCorrupt, match="damaged"):
        store.get("key", "bag", 1)
    assert not store.has("key", "bag", 1)


def test_the_store_forgets_what_two_runs_did_not_use(tmp_path: Path) -> None:
    for keys in (("a", "b"), ("b",), ("b",)):
        store = DiskMaskStore(tmp_path)
        for key in keys:
            if not store.has(key, "bag", 1):
                store.put(key, "bag", 1, TRACK)
        there = [key for key in ("a", "b") if DiskMaskStore(tmp_path).has(key, "bag", 1)]
        store.prune()
    assert there == ["a", "b"] and not DiskMaskStore(tmp_path).has("a", "bag", 1)
    assert DiskMaskStore(tmp_path).has("b", "bag", 1)


def test_no_pixel_belongs_to_two() -> None:
    first = np.array([[0.9, 0.6, 0.5, 0.2, 0.49]], np.float32)
    second = np.array([[0.8, 0.7, 0.5, 0.6, 0.3]], np.float32)
    found = compete({"a": first, "b": second})
    assert found["a"].tolist() == [[True, False, True, False, False]]
    assert found["b"].tolist() == [[False, True, False, True, False]]
    assert compete({"a": first})["a"].tolist() == [[True, True, True, False, False]]


def frame(number: int, **soft: float) -> FrameMasks:
    """Masks of one value; `person_1` stands for the key of instance 1."""
    keys = {name: name.replace("_", "#") for name in soft}
    masks = {keys[name]: np.full((4, 6), value, np.float32) for name, value in soft.items()}
    return FrameMasks(number, masks, dict.fromkeys(masks, TRACKED), dict.fromkeys(masks, 0.5))


def test_late_and_lost_instances_are_black_where_they_are_not(tmp_path: Path) -> None:
    files = MaskFiles(tmp_path, (6, 4), ["person"], RotoParams())
    for masks in (frame(1), frame(2, person_1=0.9), frame(3, person_0=0.8, person_1=0.1), frame(4, person_0=0.8)):
        files.write(masks)
    areas = {key: list(track.area) for key, track in files.tracks.items()}
    assert areas == {"person#1": [0, 24, 0, 0], "person#0": [0, 0, 24, 24]}
    assert files.tracks["person#0"].state == [HIDDEN, HIDDEN, TRACKED, TRACKED]
    assert [read_mask(tmp_path / "person#1" / f"frame_{n:04d}.png").any() for n in (1, 2, 3, 4)] == [
        False,
        True,
        False,
        False,
    ]
    assert names_of(files.first_seen(), ["person"]) == {"person#1": "person_00", "person#0": "person_01"}


def test_names_of_instances() -> None:
    keys = {instance_key("person", index): first for index, first in enumerate((5, None, 3, 3))}
    named = names_of({**keys, "bag": None, instance_key("car", 0): 9}, ["bag", "car", "person"])
    assert named == {
        "bag": "bag", "car#0": "car", "person#2": "person_00", "person#3": "person_01", "person#0": "person_02"
    }  # fmt: skip
    with pytest.raises(InvalidRequest, match="'person_00'"):
        names_of({**keys, "person_00": 1}, ["person_00", "person"])


def test_progress_goes_on_through_all_passes() -> None:
    heard: list[tuple[str, float]] = []
    step = in_passes(lambda what, done, total: heard.append((what, done / total)))
    for what, done in (("forwards", 0), ("forwards", 10), ("backwards", 0), ("backwards", 10), ("finishing", 5)):
        step(what, done, 10)
    assert heard == [
        ("Forwards", 0.0), ("Forwards", 0.45), ("Backwards", 0.45), ("Backwards", 0.9), ("Finishing", 0.95)
    ]  # fmt: skip


# -- who finds what ----------------------------------------------------------------------------------------


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the engines that are ready; a test adds to them."""
    names = {"flow"}

    def require(engine: engines.Engine, params: RotoParams) -> None:
        if engine.name not in names:
            raise EngineUnavailable(f"{engine.name} is not ready.", "Get it.")

    monkeypatch.setattr(engines, "require_ready", require)
    return names


def who(engine: str = "auto", hinted: tuple[str, ...] = (), **texts: str) -> dict[str, list[str]]:
    work = assign(RotoParams(engine=engine), hinted, texts)
    return {one.engine.name: [*one.hinted, *one.texts] for one in work}


def test_hints_are_for_sam2_where_it_is_ready(ready: set[str]) -> None:
    assert who(hinted=("bag",)) == {"flow": ["bag"]}
    ready.add("sam2")
    assert who(hinted=("bag",)) == {"sam2": ["bag"]}
    assert who("flow", hinted=("bag",)) == {"flow": ["bag"]}


def test_people_need_no_weights(ready: set[str]) -> None:
    ready.add("person")
    assert who(crowd="People") == {"person": ["crowd"]}
    assert who(hinted=("bag",), person="person") == {"person": ["bag", "person"]}, "all compete"
    assert who(hinted=("bag", "person_01"), person="person") == {"person": ["bag", "person_01", "person"]}
    assert who(hinted=("person_01",), person="person") == {"person": ["person_01", "person"]}
    assert who("person") == {"person": ["person"]}, "nothing is asked for but the engine"
    ready.add("sam2")
    assert who(hinted=("bag", "person_01"), person="person") == {"sam2": ["bag"], "person": ["person_01", "person"]}
    ready.add("owlv2")
    assert who(person="person", car="car") == {"owlv2": ["person", "car"]}
    ready.add("sam3")
    assert who(person="person") == {"sam3": ["person"]}
    assert who("person", person="person") == {"person": ["person"]}


def test_hints_of_a_label_with_words_correct_what_the_words_find(ready: set[str]) -> None:
    assert who(hinted=("car",), car="car") == {"flow": ["car"]}, "no engine knows the words, but hints say where it is"
    ready.add("sam3")
    assert who(hinted=("car", "bag"), car="car") == {"flow": ["bag"], "sam3": ["car", "car"]}
    (_, found) = assign(RotoParams(), ("car", "bag", "car_01"), {"car": "car"})
    assert found.hinted == ("car", "car_01") and found.placed == ()
    clicked, boxed = FramePrompt(include=((1.0, 1.0),)), FramePrompt(boxes=((1.0, 1.0, 2.0, 2.0),))
    labels = {
        name: LabelPrompts(text="car", frames={"1": prompt}) for name, prompt in (("a", clicked), ("b", boxed))
    }  # fmt: skip
    assert hinted_and_texts(RotoPrompts(labels=labels)) == (("a", "b"), {"a": "car"})


def test_an_engine_that_is_asked_for_must_be_ready(ready: set[str]) -> None:
    for engine in ("person", "sam3", "owlv2", "groundingdino"):
        with pytest.raises(EngineUnavailable, match=engine):
            who(engine, person="person")
    with pytest.raises(EngineUnavailable, match="sam2"):
        who("sam2", hinted=("bag",))
    with pytest.raises(EngineUnavailable, match="'car'"):
        who(car="car")
    with pytest.raises(EngineUnavailable, match="person is not ready"):
        who(person="person")


def test_an_engine_that_knows_no_words_says_so(ready: set[str]) -> None:
    for engine in ("flow", "sam2"):
        with pytest.raises(InvalidRequest, match="'car'"):
            who(engine, car="car")
    with pytest.raises(InvalidRequest, match="person"):
        who("person", car="car")
