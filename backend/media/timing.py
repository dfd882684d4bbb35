"""From presentation timestamps to a constant frame rate.

A clip is of constant rate when one rate puts every frame within half a frame of its own slot; phones and
screen recorders often are not. Then each frame of the constant-rate plate takes the source frame nearest
to it in time, which never errs by more than half a source frame (holding the last one errs by a whole).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_NTSC = [Fraction(1000 * n, 1001) for n in (24, 30, 48, 60, 120, 240)]
_WHOLE = [6, 8, 10, 12, 15, 16, 18, 20, 24, 25, 30, 48, 50, 60, 72, 90, 96, 100, 120, 240]
_WHOLE = [6, 8, 10, 12, 15, 16, 18, 20, 24, 25, 30, 48, 50, 60, 72, 90, 96, 100, 120, 240]
STANDARD_RATES = tuple(sorted([*_NTSC, *(Fraction(n) for n in _WHOLE)]))
FALLBACK_RATE = Fraction(24)


@dataclass(frozen=True)
class Timing:
    """Presentation times of a video's frames. `ticks` int64 [N] ascending, in units of `tick` seconds;
    empty when the container gives no timestamps. `rate` is the clip's nominal constant rate. `jitter`:
    how far a frame of a constant-rate clip is from its slot at most, in frames."""

    ticks: NDArray[np.int64]
    tick: Fraction
    rate: Fraction
    variable: bool
    jitter: float = 0.0


def analyse(ticks: NDArray[np.int64], tick: Fraction, declared: Fraction | None) -> Timing:
    """The nominal rate of frames shown at `ticks` (ascending), and whether they keep to it. `declared` is
    what the container says."""
    if len(ticks) < 2:
        return Timing(ticks, tick, declared or FALLBACK_RATE, False)
    times = (ticks - ticks[0]).astype(np.float64) * float(tick)
    mean = Fraction(len(ticks) - 1) / (int(ticks[-1] - ticks[0]) * tick)
    near = sorted(STANDARD_RATES, key=lambda rate: abs(float(rate / mean) - 1.0))
    step = 1 / (int(ticks[1] - ticks[0]) * tick)
    said = [declared] if declared else []
    exact = _rate_within(times, [*said, *near[:2], step], 0.75 * float(tick))
    if exact is not None:
        return Timing(ticks, tick, exact, False)
    near_said = [rate for rate in said if abs(float(rate / mean) - 1.0) < 0.005]
    candidates = [*near_said, *near[:3], mean.limit_denominator(1001)]
    jittered = _rate_within(times, candidates, 0.499 * float(1 / mean))
    if jittered is not None:
        return Timing(ticks, tick, jittered, False, _spread(times, jittered) * float(jittered))
    return Timing(ticks, tick, _nominal(ticks, tick, declared), True)


def _rate_within(times: NDArray[np.float64], rates: list[Fraction], tolerance: float) -> Fraction | None:
    """The first rate whose slots, set off as suits them best, are within `tolerance` seconds of all frames."""
    return next((rate for rate in rates if rate > 0 and _spread(times, rate) <= tolerance), None)


def _spread(times: NDArray[np.float64], rate: Fraction) -> float:
    late = times - np.arange(len(times)) / float(rate)
    return float(late.max() - late.min()) / 2.0


def _nominal(ticks: NDArray[np.int64], tick: Fraction, declared: Fraction | None) -> Fraction:
    """The rate at which most frames follow each other: the declared or else a standard one when it is
    within 1.5 %."""
    typical = 1 / (Fraction(float(np.median(np.diff(ticks)))) * tick)
    near = min(STANDARD_RATES, key=lambda rate: abs(float(rate / typical) - 1.0))
    for rate in (declared, near):
        if rate and abs(float(rate / typical) - 1.0) < 0.015:
            return rate
    return typical.limit_denominator(1001)


def constant_rate(timing: Timing, rate: Fraction) -> NDArray[np.int64]:
    """Source frame index for each frame of a plate at `rate`: int64 [M], never descending. A clip of
    constant rate at its own rate maps one to one."""
    count = len(timing.ticks)
    if count == 0 or (rate == timing.rate and not timing.variable):
        return np.arange(count, dtype=np.int64)
    span = int(timing.ticks[-1] - timing.ticks[0]) * timing.tick
    frames = max(1, int(span * rate + rate / timing.rate + Fraction(1, 2)))
    # Slots in ticks, exact enough: float64 keeps sub-tick precision over days of footage.
    slots = np.arange(frames) * float(1 / (rate * timing.tick))
    ticks = (timing.ticks - timing.ticks[0]).astype(np.float64)
    after = np.clip(np.searchsorted(ticks, slots), 0, count - 1)
    before = np.maximum(after - 1, 0)
    earlier = slots - ticks[before] <= ticks[after] - slots + 1e-6
    return np.where(earlier, before, after).astype(np.int64)


def parse_rate(text: str) -> Fraction | None:
    """`24`, `23.976`, `24000/1001` as the exact rate meant: 23.976, 23.98, 29.97 and 59.94 are NTSC's.
    None when it is not a positive number."""
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        return None
    if not 0 < rate <= 1000:
        return None
    if "/" not in text:
        near = min(_NTSC, key=lambda ntsc: abs(ntsc - rate))
        if rate != round(rate) and abs(near - rate) < Fraction(1, 100):
            return near
    return rate
