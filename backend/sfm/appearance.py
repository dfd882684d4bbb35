"""What the moving things look like, and what the rest does: two colour histograms that are carried through the clip.

Colours of the whole background count, so that grass beside a moving leg is known as grass (the appearance term of
Rother et al., "GrabCut", SIGGRAPH 2004, with histograms in place of mixtures).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .frames import Picture

Singles = NDArray[np.float32]

_BINS = 16
_RARE = 2e-4
"""Share of a histogram that every colour is given: rare colours say little."""

_MEMORY = 0.6
"""How much of the histograms up to the frame before stays."""


class Appearance:
    """Histograms of moving and still pixels in CIELAB."""

    def __init__(self) -> None:
        self._moving = np.zeros(_BINS**3)
        self._still = np.zeros(_BINS**3)

    def remember(self, cells: NDArray[np.int64], probability: Singles) -> None:
        """Takes over what a finished frame shows."""
        self._moving = _MEMORY * self._moving + _histogram(cells, probability)
        self._still = _MEMORY * self._still + _histogram(cells, 1.0 - probability)

    def odds(self, cells: NDArray[np.int64], probability: Singles, most: float) -> Singles:
        """Log odds [h, w] of movement by colour, within +-most, from the frames before and this one."""
        moving = _MEMORY * self._moving + _histogram(cells, probability)
        still = _MEMORY * self._still + _histogram(cells, 1.0 - probability)
        moving, still = moving / max(moving.sum(), 1.0), still / max(still.sum(), 1.0)
        odds = np.log((moving + _RARE) / (still + _RARE))
        found: Singles = np.clip(odds, -most, most).astype(np.float32)[cells]
        return found


def colour_cells(picture: Picture) -> NDArray[np.int64]:
    """The histogram cell of every pixel [h, w] of an RGB picture."""
    lab = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)).astype(np.int64)
    light = lab[..., 0] * _BINS // 256
    a, b = (np.clip((lab[..., axis] - 128) // 4 + _BINS // 2, 0, _BINS - 1) for axis in (1, 2))
    cells: NDArray[np.int64] = (light * _BINS + a) * _BINS + b
    return cells


def _histogram(cells: NDArray[np.int64], weight: Singles) -> NDArray[np.float64]:
    """Weighted counts [_BINS**3], each shared with the neighbouring cells."""
    counts = np.bincount(cells.ravel(), weight.ravel(), _BINS**3).astype(np.float64).reshape((_BINS,) * 3)
    for axis in range(3):
        first, last = np.roll(counts, 1, axis), np.roll(counts, -1, axis)
        counts = 0.5 * counts + 0.25 * (first + last)
    return counts.ravel()
