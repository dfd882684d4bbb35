"""Splines of masks: outlines are exact, curves stay near them, keys are few where the motion is simple."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backend.roto.splines import fit_splines, mask_of, write_splines
from backend.roto.splines.contours import outlines, signed_area
from backend.roto.splines.evaluate import curve_of, points_of
from backend.roto.splines.raster import filled
from shared.errors import InvalidRequest, JobCancelled
from shared.roto_splines import LabelSplines, read_splines
from shared.shot import ShotFolder

HEIGHT, WIDTH = 120, 160
Mask = np.ndarray


def _ellipse(x: float, y: float, a: float, b: float, turn: float = 0.0) -> Mask:
    """bool [H, W]; x, y in px with edges at integers."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    dx, dy = columns - x, rows - y
    u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    return (u / a) ** 2 + (v / b) ** 2 <= 1.0


def _fit(masks: Callable[[int], Mask], count: int) -> LabelSplines:
    return fit_splines(masks, range(1, count + 1), "thing", lambda done, total: None)


def _dense(points: np.ndarray) -> np.ndarray:
    """A closed polygon with seven more points on every side."""
    ends = np.roll(points, -1, axis=0)
    return np.concatenate([points + (ends - points) * k / 8.0 for k in range(8)])


def _overlaps(splines: LabelSplines, masks: Callable[[int], Mask], count: int) -> list[float]:
    pairs = ((mask_of(splines, n), masks(n)) for n in range(1, count + 1))
    return [float((a & b).sum() / (a | b).sum()) for a, b in pairs]


@pytest.mark.parametrize("soft", [False, True])
def test_an_outline_filled_is_the_mask(soft: bool) -> None:
    noise = np.random.default_rng(3).normal(size=(40, 60))
    level = np.clip(0.5 + 0.3 * (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)), 0.0, 1.0)
    mask = level if soft else level >= 0.5
    again = filled([contour.points for contour in outlines(mask, smallest=0.0)], 40, 60)
    assert np.array_equal(again, level >= 0.5)


def test_outlines_know_holes_and_islands_and_the_rim_of_the_picture() -> None:
    mask = _ellipse(60, 60, 50, 50) & ~_ellipse(60, 60, 30, 30) | _ellipse(60, 60, 12, 12)
    assert [contour.depth for contour in outlines(mask)] == [0, 1, 2]
    whole = outlines(np.full((20, 30), 255, np.uint8))
    assert whole[0].box == pytest.approx((0.0, 0.0, 30.0, 20.0)) and len(whole) == 1
    assert outlines(np.zeros((20, 30), bool)) == ()


def test_a_thing_that_moves_evenly_needs_two_keys() -> None:
    def masks(n: int) -> Mask:
        return _ellipse(40 + 4 * n, 50 + 2 * n, 20 + n, 14)

    found = _fit(masks, 9)
    assert found.keys == 2 and len(found.splines) == 1
    assert found.fit_error_px <= 1.5
    assert min(_overlaps(found, masks, 9)) >= 0.97


def test_a_thing_that_stays_needs_one_key() -> None:
    found = _fit(lambda n: _ellipse(70, 60, 30, 20, 0.4), 12)
    assert found.keys == 1 and (found.splines[0].first, found.splines[0].last) == (1, 12)


def test_turns_are_keyed_where_they_bend() -> None:
    def masks(n: int) -> Mask:  # two straight ways with a corner at frame 6
        return _ellipse(40 + 5 * min(n, 6), 40 + 5 * max(n - 6, 0), 18, 12)

    found = _fit(masks, 11)
    assert found.keys == 3 and found.splines[0].keys[1].frame == 6
    assert min(_overlaps(found, masks, 11)) >= 0.97


def test_points_ride_on_the_shape() -> None:
    """Turning by 2 degrees a frame: the points turn with it, or linear keys could not be this few."""

    def masks(n: int) -> Mask:
        turn = np.radians(2.0 * n)
        bump = (78 + 40 * np.cos(turn), 60 + 40 * np.sin(turn))
        return _ellipse(78, 60, 42, 22, turn) | _ellipse(*bump, 9, 9)

    found = _fit(masks, 9)
    assert min(_overlaps(found, masks, 9)) >= 0.97
    assert found.keys <= 3
    spline = found.splines[0]
    start, end = points_of(spline, 1)[:, :2] - (78, 60), points_of(spline, 9)[:, :2] - (78, 60)
    turned = np.degrees(np.arctan2(*(start[:, 0] * end[:, 1] - start[:, 1] * end[:, 0], (start * end).sum(axis=1))))
    far = np.hypot(*start.T) > 32.0  # the ends of the ellipse, where places are sure
    assert np.abs(turned[far] - 16.0).max() < 6.0


def test_a_hole_that_opens_and_a_second_piece_get_splines_of_their_own() -> None:
    def masks(n: int) -> Mask:
        whole = _ellipse(60 + n, 60, 34, 30)
        if n > 4:
            whole &= ~_ellipse(60 + n, 60, 10, 9)
        return whole | _ellipse(130, 30, 9, 9) if n > 6 else whole

    found = _fit(masks, 10)
    assert [(s.first, s.last, s.subtract) for s in found.splines] == [(1, 10, False), (7, 10, False), (5, 10, True)]
    assert min(_overlaps(found, masks, 10)) >= 0.97
    for spline in found.splines:
        assert signed_area(curve_of(spline, spline.first)) < 0.0, "anticlockwise, or Blender draws it too large"


def test_a_small_thing_keeps_its_area() -> None:
    """1.5 px would be a third of its radius."""

    def masks(n: int) -> Mask:
        return _ellipse(30 + 3 * n + 0.15 * n * n, 50, 6, 6)

    assert min(_overlaps(_fit(masks, 7), masks, 7)) >= 0.93


def test_an_outline_of_many_tips_gets_as_many_points_as_it_needs() -> None:
    rows, columns = np.mgrid[:60, :480]
    inside = (columns > 9) & (columns < 471) & (rows < 55)
    comb = inside & ((rows > 45) | (columns % 8 < 4) & (rows > 10 + columns % 13))
    found = _fit(lambda number: comb, 1)
    assert found.splines[0].points > 200 and found.fit_error_px <= 1.5


def test_frames_without_the_thing_and_gaps_end_splines() -> None:
    found = _fit(lambda n: _ellipse(60, 60, 20, 20) & (n not in (4, 5)), 8)
    assert [(s.first, s.last) for s in found.splines] == [(1, 3), (6, 8)]
    assert not mask_of(found, 4).any()
    apart = fit_splines(lambda n: _ellipse(60, 60, 20, 20), [1, 2, 5, 6], "thing", lambda done, total: None)
    assert [(s.first, s.last) for s in apart.splines] == [(1, 2), (5, 6)]


def test_every_curve_is_within_the_error_that_is_told() -> None:
    def masks(n: int) -> Mask:
        return _ellipse(70 + 6 * np.sin(n), 60 + 9 * np.cos(0.7 * n), 30 + 4 * np.sin(1.3 * n), 20, 0.1 * n)

    found = _fit(masks, 6)
    assert found.fit_error_px <= 1.5
    for spline in found.splines:
        for n in range(spline.first, spline.last + 1):
            outline, curve = _dense(outlines(masks(n))[0].points), _dense(curve_of(spline, n))
            gaps = np.hypot(*(outline[:, None] - curve[None]).transpose(2, 0, 1))
            assert max(gaps.min(axis=1).max(), gaps.min(axis=0).max()) <= found.fit_error_px + 0.05


def test_the_document_goes_to_disk_and_back(tmp_path: Path) -> None:
    found = _fit(lambda n: _ellipse(50 + n, 60, 20, 20) & ~_ellipse(50 + n, 60, 8, 8), 3)
    write_splines(tmp_path / "roto/thing/splines.json", found)
    assert read_splines(ShotFolder(tmp_path), "thing") == found
    plain = json.loads((tmp_path / "roto/thing/splines.json").read_text())
    assert plain["keys"] == sum(len(spline["keys"]) for spline in plain["splines"])
    assert len(plain["splines"][0]["keys"][0]["points"][0]) == 6
    assert [path.name for path in (tmp_path / "roto/thing").iterdir()] == ["splines.json"]


def test_wrong_input_is_named_and_a_cancel_is_obeyed() -> None:
    with pytest.raises(InvalidRequest, match="no masks of 'thing'"):
        _fit(lambda n: np.zeros((4, 4), bool), 0)
    with pytest.raises(InvalidRequest, match="frame 2 is 5x4"):
        _fit(lambda n: np.zeros((4, 3 + n), bool), 2)

    def cancel(done: int, total: int) -> None:
        raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        fit_splines(lambda n: _ellipse(60, 60, 20, 20), [1], "thing", cancel)


def test_nothing_at_all_is_a_document_without_splines() -> None:
    found = _fit(lambda n: np.zeros((8, 8), bool), 3)
    assert dataclasses.replace(found, splines=()) == found and found.keys == 0
