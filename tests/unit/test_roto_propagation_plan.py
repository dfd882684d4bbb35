"""Which frames follow from which prompts, and what runs again."""

from __future__ import annotations

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


def run(prompts: dict[str, dict[int, Hints]], store: MemoryStore, stop_at: int = 99) -> list[FrameMasks]:
    steps = iter(range(1000))

    def checkpoint(what: str, done: int, total: int) -> None:
        if next(steps) == stop_at:
            raise Stopped

    return list(clip_masks(picture, FEW, prompts, store, PropagationSettings(), checkpoint))


def test_a_run_that_was_stopped_goes_on() -> None:
    whole, store = run({"a": {1: square(1)}}, MemoryStore()), MemoryStore()
    with pytest.raises(Stopped):
        run({"a": {1: square(1)}}, store, stop_at=4)
    kept = len(store)
    assert kept > 2
    for one, other in zip(whole, run({"a": {1: square(1)}}, store), strict=True):
        np.testing.assert_array_equal(one.soft["a"] >= 0.5, other.soft["a"] >= 0.5)
    assert len(store) == len(FEW)


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.made: list[int] = []

    def put(self, key: str, label: str, number: int, mask: StoredMask) -> None:
        self.made.append(number)
        super().put(key, label, number, mask)


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
