"""The interactive cut: what hints promise, whatever the picture shows."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from backend.roto.cut import Cutter, Hints, beside
from backend.roto.cut.convex import minimise
from backend.roto.cut.hints import marks_of
from backend.roto.cut.outline import at_full_size
from backend.roto.cut.process import Newest
from backend.roto.cut.window import Window
from shared.errors import InvalidRequest, Superseded
from shared.roto_prompts import FramePrompt, Stroke

HEIGHT, WIDTH = 90, 140
BOX = (40.0, 20.0, 101.0, 71.0)


def picture(seed: int = 0) -> np.ndarray:
    """A reddish textured ellipse, 60 x 50, on greenish texture."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(0, 60, (HEIGHT, WIDTH, 3)), (0, 0), 1.5)
    return np.clip(np.where(truth()[..., None], (170, 90, 80), (90, 130, 80)) + noise, 0, 255).astype(np.uint8)


def truth() -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return ((x - 70.5) / 30) ** 2 + ((y - 45.5) / 25) ** 2 < 1


def overlap(soft: np.ndarray, other: np.ndarray) -> float:
    mask = soft >= 0.5
    return float((mask & other).sum() / (mask | other).sum())


@pytest.fixture(scope="module")
def cutter() -> Cutter:
    return Cutter(picture())


def said(**prompt: Any) -> Hints:
    return Hints.of(FramePrompt(**prompt), label="car", frame=12)


def test_a_box_gives_the_object_in_it(cutter: Cutter) -> None:
    soft = cutter.soft_mask(said(boxes=(BOX,)))
    assert soft.shape == (HEIGHT, WIDTH) and soft.dtype == np.float32 and soft.min() >= 0 and soft.max() <= 1
    assert overlap(soft, truth()) > 0.93
    assert not (soft[:20] >= 0.5).any() and not (soft[:, 101:] >= 0.5).any(), "the object is inside of its box"
    assert np.array_equal(soft, Cutter(picture()).soft_mask(said(boxes=(BOX,)))), "the same every time"


def test_a_click_or_a_stroke_gives_the_whole_thing(cutter: Cutter) -> None:
    assert overlap(cutter.soft_mask(said(include=((70.5, 45.5),))), truth()) > 0.85
    stroke = Stroke(((55.0, 40.0), (85.0, 50.0)), 3.0)
    assert overlap(cutter.soft_mask(said(strokes=(stroke,))), truth()) > 0.85


def test_a_stroke_says_how_large_the_thing_is() -> None:
    """A small thing on a large one that stands out more: painted along, it is the small one."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    small = ((x - 70.5) / 7) ** 2 + ((y - 45.5) / 12) ** 2 < 1
    seen = np.where(small[..., None], np.clip(np.add(picture(), (50, 70, 10)), 0, 255), picture())
    stroke = Stroke(((70.5, 37.0), (70.5, 54.0)), 2.0)
    soft = Cutter(seen.astype(np.uint8)).soft_mask(said(strokes=(stroke,)))
    assert overlap(soft, small) > 0.85


def test_what_is_said_of_a_pixel_holds(cutter: Cutter) -> None:
    """Against all evidence: an include in the surroundings, an exclude in the middle, and painted lines."""
    hints = said(
        include=((5.5, 5.5),), exclude=((70.5, 45.5),), boxes=(BOX,),
        strokes=(Stroke(((120.0, 80.0), (130.0, 80.0)), 2.0), Stroke(((60.0, 30.0), (60.0, 60.0)), 2.0, False)),
    )  # fmt: skip
    marks = marks_of(hints, HEIGHT, WIDTH)
    for start in (None, truth().astype(np.float32), np.zeros((HEIGHT, WIDTH), np.float32)):
        mask = cutter.soft_mask(hints, start=start) >= 0.5
        assert mask[marks.include].all() and mask[5, 5] and not mask[marks.exclude].any() and not mask[45, 70]


def test_a_correction_stays_near_its_click(cutter: Cutter) -> None:
    """Two parts are wrong; a click on one leaves the other, and the rest of the mask, as they were."""
    wrong = truth().copy()
    wrong[:, 40:55] = False  # a missing side
    wrong[5:15, 110:130] = True  # something far that is too much
    start = wrong.astype(np.float32)
    fixed = cutter.soft_mask(said(include=((48.5, 45.5),)), start=start)
    assert (fixed[truth()] >= 0.5).mean() > 0.97
    assert np.array_equal(fixed[:, 100:], start[:, 100:])
    cleaned = cutter.soft_mask(said(exclude=((120.5, 10.5),)), start=fixed)
    assert not (cleaned[5:15, 110:130] >= 0.5).any() and overlap(cleaned, truth()) > 0.93


def test_what_is_already_right_is_left_alone(cutter: Cutter) -> None:
    start = truth().astype(np.float32)
    assert np.array_equal(cutter.soft_mask(said(include=((70.5, 45.5),)), start=start), start)
    painted = Hints(mask=truth())
    assert np.array_equal(cutter.soft_mask(painted) >= 0.5, truth())


def test_others_keep_their_pixels_and_absent_is_nowhere(cutter: Cutter) -> None:
    other = np.zeros((HEIGHT, WIDTH), bool)
    other[:, 70:] = True
    soft = cutter.soft_mask(said(boxes=(BOX,)), others=[other])
    assert not (soft[other] >= 0.5).any() and overlap(soft, truth() & ~other) > 0.9
    assert not cutter.soft_mask(said(absent=True)).any()


def test_small_and_odd_pictures_are_cut_too() -> None:
    for shape in ((1, 1), (2, 90), (90, 3), (17, 16)):
        grey = np.full((*shape, 3), 128, np.uint8)
        hints = said(include=((0.5, 0.5),), boxes=((0.0, 0.0, float(shape[1]), float(shape[0])),))
        assert Cutter(grey, grey).soft_mask(hints)[0, 0] == 1
        assert Cutter(grey).soft_mask(said(boxes=((0.0, 0.0, 1.0, 1.0),))).shape == shape


def test_the_outline_is_found_at_the_pictures_own_size() -> None:
    """A mask of pixels six times as large, on a picture in which the object is another colour."""
    size = (6 * WIDTH, 6 * HEIGHT)
    large = cv2.resize(truth().astype(np.float32), size, interpolation=cv2.INTER_CUBIC) > 0.5
    rng = np.random.default_rng(5)
    noisy = np.where(large[..., None], (150, 100, 90), (110, 120, 90)) + rng.normal(0, 6, (*large.shape, 3))
    window = Window(0, 6 * HEIGHT, 0, 6 * WIDTH, HEIGHT, WIDTH)
    rough = cv2.GaussianBlur(np.roll(truth(), 1, axis=1).astype(np.float32), (0, 0), 1.0)  # off by six pixels
    found = at_full_size(window, rough, np.clip(noisy, 0, 255).astype(np.uint8))
    assert overlap(found, large) > 0.985 > overlap(window.spread(rough), large)


def test_movement_tells_what_looks_cannot() -> None:
    """The same texture everywhere, but a part of it moves."""
    rng = np.random.default_rng(3)
    ground = np.clip(cv2.GaussianBlur(rng.normal(128, 150, (HEIGHT, WIDTH, 3)), (0, 0), 2), 0, 255).astype(np.uint8)
    cover = np.clip(cv2.GaussianBlur(rng.normal(128, 150, (HEIGHT, WIDTH, 3)), (0, 0), 2), 0, 255).astype(np.uint8)
    here = np.where(truth()[..., None], cover, ground)
    there = np.where(np.roll(truth(), 5, axis=1)[..., None], np.roll(cover, 5, axis=1), ground)
    moving = Cutter(here, there).soft_mask(said(boxes=(BOX,)))
    assert overlap(moving, truth()) > 0.8
    assert overlap(moving, truth()) > overlap(Cutter(here).soft_mask(said(boxes=(BOX,))), truth())
    assert beside(3, [1, 3, 7]) == 7 and beside(7, [1, 3, 7]) == 3 and beside(1, [1]) is None


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        (said(include=((140.0, 20.0),)), r"include point at \(140, 20\), outside of the picture \(140 x 90\)"),
        (said(exclude=((5.0, -1.0),), boxes=(BOX,)), "exclude point"),
        (said(boxes=((150.0, 0.0, 160.0, 9.0),)), "outside of the picture"),
        (Hints(boxes=np.array([[9.0, 9.0, 9.0, 20.0]]), label="car", frame=12), "empty"),
        (said(strokes=(Stroke(((-9.0, -9.0), (-5.0, -9.0)), 2.0),)), "stroke outside"),
        (said(include=((9.5, 9.5),), exclude=((9.1, 9.9),)), r"same pixel \(9, 9\)"),
        (said(include=((9.5, 9.5),), strokes=(Stroke(((5.0, 9.5), (15.0, 9.5)), 2.0, False),)), "exclude stroke"),
        (said(exclude=((9.5, 9.5),), strokes=(Stroke(((5.0, 9.5), (15.0, 9.5)), 2.0),)), "include stroke"),
        (said(exclude=((9.5, 9.5),)), "only hints of where it is not"),
        (said(), "has no hint"),
        (Hints(mask=np.ones((9, 9), bool), label="car", frame=12), "painted mask of 9 x 9 for a picture of 140 x 90"),
        (Hints(mask=np.zeros((HEIGHT, WIDTH), bool), label="car", frame=12), "empty"),
        (Hints(absent=True, include=np.array([[5.0, 5.0]]), label="car", frame=12), "absent and to be there"),
    ],
)
def test_hints_that_cannot_be_are_refused(cutter: Cutter, hints: Hints, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words) as refused:
        cutter.soft_mask(hints)
    assert "'car'" in refused.value.message and "frame 12" in refused.value.message and refused.value.remedy


def test_a_later_stroke_wins_over_an_earlier_one() -> None:
    painted = (Stroke(((20.0, 20.0), (60.0, 20.0)), 5.0), Stroke(((40.0, 20.0),), 3.0, False))
    marks = marks_of(said(strokes=painted), HEIGHT, WIDTH)
    assert marks.exclude[20, 40] and not marks.include[20, 40] and marks.include[20, 25]
    assert abs(int(marks.exclude.sum()) - np.pi * 9) < 8, "a dab is a disc of its radius"


def test_a_cut_that_is_called_off_stops(cutter: Cutter) -> None:
    newest = Newest()
    newest.announce("window", 1)
    calls = 0

    def checkpoint() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            newest.announce("window", 2)
        newest.check("window", 1)

    with pytest.raises(Superseded):
        cutter.soft_mask(said(boxes=(BOX,)), checkpoint=checkpoint)
    assert calls == 3
    newest.check("another window", 1)
    newest.settled("window", 1)
    newest.check("window", 2)


def test_the_cut_is_the_least_of_all() -> None:
    """Against every cut of a row of pixels, tried one by one."""
    rng = np.random.default_rng(1)
    cost, price = rng.normal(0, 1, 10).astype(np.float32), rng.uniform(0, 1, 10).astype(np.float32)
    price[-1] = 0

    def energy(mask: np.ndarray) -> float:
        return float((cost * mask).sum() + (price[:-1] * (mask[1:] != mask[:-1])).sum())

    least = min(energy(np.array([n >> i & 1 for i in range(10)])) for n in range(1 << 10))
    soft = minimise(cost[None], (price[None], np.zeros((1, 10), np.float32)), rounds=400)
    assert energy((soft[0] >= 0.5).astype(int)) == pytest.approx(least, abs=1e-3)
