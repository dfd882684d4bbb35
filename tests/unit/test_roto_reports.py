"""Each kind of failure is found and named; things that move smoothly give no alarm."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from backend.roto.facts import Watch
from backend.roto.outputs import compete
from backend.roto.propagation import FrameMasks
from backend.roto.reports import problems
from shared.roto_report import RotoProblem

HEIGHT, WIDTH = 100, 160
Shape = tuple[float, float, float]  # x, y, radius; radius 0 for nothing
RED, BLUE = (200, 30, 30), (30, 40, 210)


def _disc(x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return np.hypot(columns - x, rows - y) < radius


def _found(
    things: Callable[[int], Mapping[str, Shape]],
    count: int = 24,
    truth: Callable[[int], Mapping[str, Shape]] | None = None,
    states: Callable[[int], Mapping[str, str]] = lambda n: {},
) -> tuple[RotoProblem, ...]:
    """Problems of discs `things(n)`; the picture shows `truth(n)`: "red" and "blue" discs on grey."""
    watch = Watch()
    for n in range(1, count + 1):
        masks = {name: _disc(*shape) for name, shape in things(n).items()}
        picture = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
        for name, shape in (truth or things)(n).items():
            picture[_disc(*shape)] = RED if name.startswith("red") else BLUE
        soft = {name: mask.astype(np.float32) for name, mask in masks.items()}
        state = {name: "tracked" if masks[name].any() else "hidden" for name in masks} | dict(states(n))
        frame = FrameMasks(n, soft, state, dict.fromkeys(masks, 0.9))
        watch.see(frame, compete(soft), picture)
    return problems(watch.tracks)


def _kinds(found: tuple[RotoProblem, ...]) -> set[tuple[str, str, int, int]]:
    return {(p.label, p.kind, p.first, p.last) for p in found}


SMOOTH: dict[str, Callable[[int], Mapping[str, Shape]]] = {
    "moves": lambda n: {"red": (20 + 5 * n, 50, 15)},
    "comes near": lambda n: {"red": (80, 50, 6 * 1.08**n)},
    "pulses": lambda n: {"red": (80, 50, 25 + 5 * np.sin(0.6 * n))},
    "small": lambda n: {"red": (20 + 4.3 * n, 50 + 0.7 * n, 4.6)},
    "enters and leaves at the rim": lambda n: {"red": (-40 + 10 * n, 50, 15)},
    "goes behind something": lambda n: {"red": (50, 50, max(20 - abs(12 - n) * -2.5 - 25, 0.0))},
    "two pass": lambda n: {"red": (10 + 6 * n, 40, 14), "blue": (150 - 6 * n, 60, 14)},
    "one hides behind another": lambda n: {"red": (80, 50, 24), "blue": (20 + 5 * n, 50, 10)},
}


@pytest.mark.parametrize("name", SMOOTH)
def test_what_goes_smoothly_gives_no_alarm(name: str) -> None:
    assert _found(SMOOTH[name]) == ()


def test_a_sudden_area() -> None:
    found = _found(lambda n: {"red": (80, 50, 15 if n < 12 else 24)})
    assert _kinds(found) == {("red", "area-jump", 12, 12)}
    assert found[0].message.startswith("frame 12: the mask of 'red' grows suddenly, from 7")


def test_empty_frames_in_the_open() -> None:
    found = _found(lambda n: {"red": (20 + 4 * n, 50, 0 if 9 <= n <= 11 else 14)})
    assert _kinds(found) == {("red", "empty", 9, 11)}
    assert "frames 9-11" in found[0].message and "Click on it at frame 9" in found[0].message


def test_nothing_in_any_frame() -> None:
    assert _kinds(_found(lambda n: {"red": (0, 0, 0)})) == {("red", "empty", 1, 24)}


def test_the_artist_said_that_it_is_gone() -> None:
    found = _found(
        lambda n: {"red": (80, 50, 14 if n < 10 else 0)},
        states=lambda n: {"red": "prompted"} if n == 10 else {},
    )
    assert found == ()


def test_a_lost_track() -> None:
    found = _found(
        lambda n: {"red": (80, 50, 14 if n < 15 else 0)}, states=lambda n: {"red": "lost"} if n >= 15 else {}
    )
    assert _kinds(found) == {("red", "lost", 15, 24)}


def test_flicker() -> None:
    found = _found(lambda n: {"red": (20 + 4 * n, 50, 14 + (4 if n in (8, 10, 12) else 0))})
    assert _kinds(found) == {("red", "flicker", 8, 12)} or _kinds(found) == {("red", "flicker", 7, 13)}
    pop = _found(lambda n: {"red": (20 + 4 * n, 50, 14 + (6 if n == 8 else 0))})
    assert [p.kind for p in pop] == ["flicker"] and pop[0].first <= 8 <= pop[0].last


def test_masks_that_change_places_at_once() -> None:
    def things(n: int) -> Mapping[str, Shape]:
        a, b = (40, 50, 15), (110, 50, 15)
        return {"red": a, "blue": b} if n < 14 else {"red": b, "blue": a}

    assert ("red", "identity-swap", 14, 14) in _kinds(_found(things))


def test_masks_that_change_places_while_they_cross() -> None:
    """The masks bounce off each other; the picture shows that the discs went through."""

    def truth(n: int) -> Mapping[str, Shape]:
        return {"red": (10 + 6 * n, 50, 12), "blue": (160 - 6 * n, 50, 12)}

    def bounced(n: int) -> Mapping[str, Shape]:
        there = truth(n)
        return there if n <= 12 else {"red": there["blue"], "blue": there["red"]}

    assert _found(truth, truth=truth) == ()
    found = [p for p in _found(bounced, truth=truth) if p.kind == "identity-swap"]
    assert len(found) == 1 and found[0].first <= 13 <= found[0].last


def test_one_mask_takes_in_the_other() -> None:
    def things(n: int) -> Mapping[str, Shape]:
        return {"red": (60, 50, 15 if n < 10 else 33), "blue": (86, 50, 12 if n < 10 else 0)}

    assert ("red", "merged", 10, 10) in _kinds(_found(things))


def test_two_objects_that_are_one() -> None:
    assert ("red", "merged", 8, 24) in _kinds(
        _found(lambda n: {"red": (60, 50, 15), "blue": (120, 50, 14) if n < 8 else (61, 50, 14)})
    )


def test_a_phantom() -> None:
    found = _found(lambda n: {"red": (40, 50, 15), "red_01": (120, 40, 9 if n in (11, 12) else 0)})
    assert ("red_01", "phantom", 11, 12) in _kinds(found)


def test_an_object_gets_a_second_name() -> None:
    found = _found(
        lambda n: {"red_00": (40 + n, 50, 15 if n < 10 else 0), "red_01": (40 + n, 50, 15 if n >= 16 else 0)}
    )
    changes = [p for p in found if p.kind == "count-change"]
    assert changes and changes[0].label == "" and "'red_00', 'red_01'" in changes[0].message


def test_facts_are_told_under_the_labels_names() -> None:
    watch = Watch()
    masks = {"a#0": _disc(40, 50, 9), "a#1": _disc(44, 50, 9)}
    frame = FrameMasks(1, {k: m.astype(np.float32) for k, m in masks.items()}, dict.fromkeys(masks, "tracked"), {})
    watch.see(frame, compete(frame.soft))
    named = watch.named({"a#1": "a_01", "a#0": "a_00"})
    assert list(named) == ["a_01", "a_00"] and set(named["a_00"].facts[0].overlap) == {"a_01"}
