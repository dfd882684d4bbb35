"""The plate's pixels on the skin, from all frames: two bands (Burt & Adelson, ACM TOG 1983; for textures Baumberg,
"Blending images for texturing 3D models", BMVC 2002). Even colours are the mean of all that was seen, so that there are
no seams; what is fine comes from the frames that see it best, so that it stays sharp.

Two passes: the first over some frames, to know about how the skin looks; the second over all, in which colours that do
not fit, such as those of a background beside a badly placed arm, count little. Memory does not grow with the clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .sight import Sight

_BEST = 8.0
"""Power of the weights of the fine band."""

_FIRST = 40
"""Frames of the first pass, at most."""

_UNLIKE = 0.25
"""Difference of colours, of their own brightness, at which one counts half."""

_DARK = 0.02
"""Linear light that is added to brightness before differences are measured in it: noise is not relative."""

_GAIN = 0.7
"""Of natural logarithms: exposure does not change more than twice over a clip."""

_SURE = 300.0
"""Texels of full weight with which a frame's exposure is measured half as well as it can be."""

Values = NDArray[np.float32]


@dataclass
class Skin:
    """What is known of N texels. low, high [N,3]: sums of weighted colours. low_weight, high_weight [N]."""

    low: Values
    low_weight: Values
    high: Values
    high_weight: Values

    @classmethod
    def empty(cls, count: int) -> Skin:
        none = np.zeros((count, 3), np.float32)
        one = np.zeros(count, np.float32)
        return cls(none, one, none.copy(), one.copy())

    def even(self) -> Values:
        """[N,3]; 0 where nothing was seen."""
        return np.asarray(self.low / np.maximum(self.low_weight, 1e-12)[:, None], np.float32)

    def colours(self) -> Values:
        """[N,3] linear light, both bands."""
        fine = self.high / np.maximum(self.high_weight, 1e-30)[:, None]
        return np.asarray(np.clip(self.even() + fine, 0.0, None), np.float32)

    def add(self, sight: Sight, gain: Values, weight: Values) -> None:
        at, best = sight.number, weight**_BEST
        self.low[at] += weight[:, None] * gain * sight.low
        self.low_weight[at] += weight
        self.high[at] += best[:, None] * gain * sight.high
        self.high_weight[at] += best


def gathered(count: int, frames: Sequence[int], look: Callable[[int], Sight | None], tick: Callable[[], None]) -> Skin:
    """The skin of `count` texels. look(number): what a frame shows. tick: after each frame looked at."""
    chosen = frames[:: max(1, -(-len(frames) // _FIRST))]
    first = Skin.empty(count)
    gains = [_add(first, sight, None) for sight in _looks(chosen, look, tick)]
    # The first frame decided how bright the skin is: from now on the frames' mean does.
    if gains:
        first.low *= np.exp(-np.mean(gains, axis=0)).astype(np.float32)
    skin = Skin.empty(count)
    for sight in _looks(frames, look, tick):
        _add(skin, sight, first)
    return skin


def looks_of(frames: Sequence[int]) -> int:
    """How many frames `gathered` looks at."""
    return len(frames) + len(frames[:: max(1, -(-len(frames) // _FIRST))])


def _looks(frames: Sequence[int], look: Callable[[int], Sight | None], tick: Callable[[], None]) -> Iterable[Sight]:
    for number in frames:
        sight = look(number)
        tick()
        if sight is not None:
            yield sight


def _add(skin: Skin, sight: Sight, known: Skin | None) -> NDArray[np.float64]:
    """Adds a frame; returns the logarithm of its gain [3]. known: what the skin looks like, None while nobody knows."""
    reference = skin if known is None else known
    held = reference.low_weight[sight.number]
    even = reference.even()[sight.number]
    log_gain = _log_gain(sight, even, held)
    gain = np.exp(log_gain).astype(np.float32)
    weight = sight.weight
    if known is not None:
        apart = np.abs(gain * sight.low - even).mean(1) / (even.mean(1) + _DARK) / _UNLIKE
        weight = np.where(held > 0.0, weight / (1.0 + apart**2), weight).astype(np.float32)
    skin.add(sight, gain, weight)
    return log_gain


def _log_gain(sight: Sight, even: Values, held: Values) -> NDArray[np.float64]:
    """What brings a frame to the exposure of what is known already: the middle of the ratios where both are sure, less
    where few are."""
    both = (held > 0.0) & (sight.weight > 0.1)
    if not both.any():
        return np.zeros(3)
    ratio = np.log((even[both] + _DARK) / (sight.low[both] + _DARK))
    sure = float(sight.weight[both].sum())
    middle = np.median(ratio, axis=0) * sure / (sure + _SURE)
    return np.asarray(np.clip(middle, -_GAIN, _GAIN), np.float64)
