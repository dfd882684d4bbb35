"""Rates from timestamps, and constant-rate schedules."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from backend.media.timing import STANDARD_RATES, Timing, analyse, constant_rate, parse_rate

MS = Fraction(1, 1000)


def at_rate(rate: Fraction, count: int, tick: Fraction, start: int = 0) -> np.ndarray:
    return np.array([start + round(i / (rate * tick)) for i in range(count)], np.int64)


def resample(count: int, source: Fraction, rate: Fraction) -> np.ndarray:
    return constant_rate(Timing(np.arange(count, dtype=np.int64), 1 / source, source, False), rate)


@pytest.mark.parametrize("rate", STANDARD_RATES)
def test_millisecond_timestamps_still_give_the_exact_rate(rate: Fraction) -> None:
    timing = analyse(at_rate(rate, 300, MS, start=67), MS, None)
    assert (timing.rate, timing.variable) == (rate, False)


@pytest.mark.parametrize("count", [2, 3, 5, 20])
def test_short_clips_take_the_declared_rate(count: int) -> None:
    rate = Fraction(24000, 1001)
    assert analyse(at_rate(rate, count, MS), MS, rate).rate == rate


def test_an_odd_constant_rate_stays_itself() -> None:
    ticks = np.arange(50, dtype=np.int64) * 3003
    assert analyse(ticks, Fraction(1, 40000), None).rate == Fraction(40000, 3003)


def test_a_wrong_declaration_does_not_win() -> None:
    timing = analyse(at_rate(Fraction(30), 100, MS), MS, Fraction(25))
    assert (timing.rate, timing.variable) == (Fraction(30), False)


def test_jitter_keeps_every_frame() -> None:
    noise = np.random.default_rng(0).integers(-8, 9, 200)
    timing = analyse(at_rate(Fraction(30), 200, MS, 100) + noise, MS, None)
    assert (timing.rate, timing.variable) == (Fraction(30), False)
    assert 0.15 < timing.jitter < 0.3
    assert constant_rate(timing, timing.rate).tolist() == list(range(200))


def test_a_rate_that_changes_is_variable_and_mapped_by_time() -> None:
    ticks = np.concatenate([np.arange(30) * 40, 1200 + np.arange(15) * 80]).astype(np.int64)
    timing = analyse(ticks, MS, None)
    assert (timing.rate, timing.variable) == (Fraction(25), True)
    mapped = constant_rate(timing, Fraction(25))
    assert len(mapped) == 30 + 14 * 2 + 1
    assert mapped[:30].tolist() == list(range(30))
    shown = ticks[mapped]
    assert np.abs(shown - np.arange(len(mapped)) * 40).max() <= 40  # never further than half a source frame
    assert sorted(set(mapped.tolist())) == list(range(45))


def test_a_hole_is_filled_with_the_nearest_frames() -> None:
    ticks = np.delete(np.arange(40) * 40, [20, 21, 22]).astype(np.int64)
    timing = analyse(ticks, MS, Fraction(25))
    assert timing.variable
    assert constant_rate(timing, Fraction(25))[18:25].tolist() == [18, 19, 19, 19, 20, 20, 21]


@pytest.mark.parametrize(
    ("source", "wanted", "count", "expected"),
    [
        (48, 24, 100, list(range(0, 100, 2))),
        (24, 48, 3, [0, 0, 1, 1, 2, 2]),
        (30, 24, 10, [0, 1, 2, 4, 5, 6, 7, 9]),
        (25, 25, 4, [0, 1, 2, 3]),
        (24, 1, 10, [0]),
    ],
)
def test_resampling(source: int, wanted: int, count: int, expected: list[int]) -> None:
    assert resample(count, Fraction(source), Fraction(wanted)).tolist() == expected


def test_ntsc_to_whole_rate_keeps_the_length_of_a_long_clip() -> None:
    rate = Fraction(24000, 1001)
    assert len(resample(24000, rate, Fraction(24))) == 24024


def test_one_frame_and_no_frame() -> None:
    one = analyse(np.array([5], np.int64), MS, None)
    assert constant_rate(one, one.rate).tolist() == [0]
    none = Timing(np.zeros(0, np.int64), MS, Fraction(24), False)
    assert len(constant_rate(none, Fraction(24))) == 0


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("24", Fraction(24)),
        ("24000/1001", Fraction(24000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("12.5", Fraction(25, 2)),
        ("0", None),
        ("-5", None),
        ("fast", None),
        ("1/0", None),
        ("100000", None),
    ],
)
def test_rates_as_people_write_them(text: str, rate: Fraction | None) -> None:
    assert parse_rate(text) == rate
