"""Which frames follow from which prompts, and what runs again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from backend.roto.cut import Hints
from backend.roto.propagation import (
    FrameMasks,
    MemoryStore,
    PropagationSettings,
    StoredMask,
    affected,
    clip_masks,
)
from backend.roto.propagation.plan import plan_label

NUMBERS = range(1, 13)
FEW = range(1, 8)
BOX = Hints(boxes=np.array([[20.0, 20.0, 60.0, 60.0]]))
CLICK = Hints(include=np.array([[40.0, 40.0]]))
GONE = Hints(absent=True)


def test_a_correction_changes_the_frames_up_to_the_next_prompts() -> None:
    old = {"a": {1: BOX, 4: CLICK, 8: CLICK}, "b": {1: BOX}}
    new = {"a": {1: BOX, 4: CLICK, 6: CLICK, 8: CLICK}, "b": {1: BOX}}
    assert affected(old, new, NUMBERS) == {"a": [5, 6, 7]}


def test_a_changed_box_also_changes_the_corrections_that_hang_on_it() -> None:
    other = Hints(boxes=np.array([[30.0, 20.0, 60.0, 60.0]]))
    old, new = ({"a": {1: first, 4: CLICK, 8: BOX}} for first in (BOX, other))
    assert affected(old, new, NUMBERS) == {"a": [1, 2, 3, 4, 5, 6, 7]}


def test_a_new_object_changes_no_other() -> None:
    assert affected({"a": {1: BOX}}, {"a": {1: BOX}, "b": {3: CLICK}}, NUMBERS) == {"b": list(NUMBERS)}


def test_clicks_alone_make_the_first_of_them_stand_by_itself() -> None:
    plan = plan_label("a", {3: CLICK, 9: CLICK}, NUMBERS)
    assert [(number, anchor.strong) for number, anchor in plan.anchors.items()] == [(3, True), (9, False)]
    assert [(span.numbers[0], span.forward, span.backward) for span in plan.spans] == [
        (1, False, True),
        (4, True, True),
        (10, True, False),
    ]


def test_prompts_outside_of_the_clip_do_not_count() -> None:
    assert not plan_label("a", {99: BOX}, NUMBERS).anchors


class Stopped(Exception):
    pass


def picture(number: int) -> np.ndarray:
    """A striped square on a speckled ground."""
    rgb = np.random.default_rng(1).integers(60, 110, (64, 96, 3)).astype(np.uint8)
    x = 10 + 3 * number
    rgb[20:44, x : x + 24] = (200, 120, 60)
    rgb[28:34, x : x + 24] = (90, 60, 160)
    return rgb


def square(number: int) -> Hints:
    mask = np.zeros((64, 96), bool)
    mask[20:44, 10 + 3 * number : 34 + 3 * number] = True
    return Hints(mask=mask, label="a", frame=number)


def right_of(number: int) -> Hints:
    """A piece of the ground, beside the square's way."""
    mask = np.zeros((64, 96), bool)
    mask[50:62, 60:80] = True
    return Hints(mask=mask, label="b", frame=number)


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.made: list[int] = []

    def put(self, key: str, label: str, number: int, mask: StoredMask) -> None:
        self.made.append(number)
        super().put(key, label, number, mask)


def run(
    prompts: dict[str, dict[int, Hints]], store: MemoryStore, stop_at: int = 99, numbers: Sequence[int] = FEW
) -> list[FrameMasks]:
    steps = iter(range(1000))

    def checkpoint(what: str, done: int, total: int) -> None:
        if next(steps) == stop_at:
            raise Stopped

    return list(clip_masks(picture, numbers, prompts, store, PropagationSettings(), checkpoint))


LONG = range(1, 19)
CROSSING = {"a": {10: square(10)}, "b": {12: right_of(12)}}


@pytest.fixture(scope="module")
def undisturbed() -> tuple[list[FrameMasks], int]:
    """Masks of two objects, and how many are put into the store on the way."""
    store = CountingStore()
    return run(CROSSING, store, numbers=LONG), len(store.made)


@pytest.mark.parametrize(("stop_at", "saved"), [(17, 12), (28, 16)])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(
    undisturbed: tuple[list[FrameMasks], int], stop_at: int, saved: int
) -> None:
    (whole, made), store = undisturbed, CountingStore()
    with pytest.raises(Stopped):
        run(CROSSING, store, stop_at, LONG)
    store.made.clear()
    for one, other in zip(whole, run(CROSSING, store, numbers=LONG), strict=True):
        assert one.state == other.state
        for label in CROSSING:
            np.testing.assert_array_equal(one.soft[label], other.soft[label])
    assert len(store.made) <= made - saved, "what was done before the last kept state stays"
    assert not store.states, "what trackers knew goes when their tracks are complete"


CORRECTED = {"a": {1: square(1), 12: Hints(exclude=np.array([[50.0, 38.0]]), label="a", frame=12)}}


@pytest.mark.parametrize("stop_at", [16, 25])
def test_a_run_that_was_stopped_beside_a_correction_goes_on_too(stop_at: int) -> None:
    numbers = range(1, 16)
    whole, store = run(CORRECTED, MemoryStore(), numbers=numbers), CountingStore()
    with pytest.raises(Stopped):
        run(CORRECTED, store, stop_at, numbers)
    for one, other in zip(whole, run(CORRECTED, store, numbers=numbers), strict=True):
        assert one.state == other.state
        np.testing.assert_array_equal(one.soft["a"], other.soft["a"])


def test_a_later_correction_leaves_what_lies_behind_an_earlier_one() -> None:
    store = CountingStore()
    before = run(CORRECTED, store, numbers=range(1, 16))
    del store._masks[next(key for key in store._masks if key[0].endswith("m"))]  # a damaged file
    np.testing.assert_array_equal(run(CORRECTED, store, numbers=range(1, 16))[10].soft["a"], before[10].soft["a"])
    store.made.clear()
    later = {6: Hints(exclude=np.array([[32.0, 38.0]]), label="a", frame=6)}
    after = run({"a": CORRECTED["a"] | later}, store, numbers=range(1, 16))
    assert set(store.made) == set(range(2, 12))
    for one, other in zip(before[11:], after[11:], strict=True):
        np.testing.assert_array_equal(one.soft["a"], other.soft["a"])


def test_a_state_of_another_version_is_not_gone_on_from() -> None:
    prompts = {"a": {1: square(1)}}
    whole, store = run(prompts, MemoryStore(), numbers=range(1, 13)), CountingStore()
    with pytest.raises(Stopped):
        run(prompts, store, 10, range(1, 13))
    (key, label), (number, _) = next(iter(store.states.items()))
    store.remember(key, label, number, b"something else")
    for one, other in zip(whole, run(prompts, store, numbers=range(1, 13)), strict=True):
        np.testing.assert_array_equal(one.soft["a"], other.soft["a"])


def test_only_what_a_correction_can_change_is_followed_again() -> None:
    store = CountingStore()
    before = run({"a": {2: square(2), 6: square(6)}}, store)
    store.made.clear()
    after = run({"a": {2: square(2), 4: square(4), 6: square(6)}}, store)
    assert set(store.made) == {3, 4, 5}
    for one, other in zip(before, after, strict=True):
        if one.number not in (3, 4, 5):
            np.testing.assert_array_equal(one.soft["a"], other.soft["a"])


def test_where_it_is_said_to_be_gone_it_is_hidden() -> None:
    masks = run({"a": {1: square(1), 4: GONE}}, MemoryStore())
    assert masks[3].state["a"] == masks[5].state["a"] == "hidden"
    assert not masks[5].soft["a"].any()
    assert masks[1].state["a"] == "tracked"
