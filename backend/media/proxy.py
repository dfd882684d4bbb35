"""From scene-linear or log originals to an 8-bit plate that a person and the vision stages can look at.

One transform for the whole clip, so that nothing flickers: exposure by half stops, then the sRGB curve
(IEC 61966-2-1). Every 16-bit pattern is looked up in a table; float32 is rounded to half float first,
whose 11 bits are more than 8-bit output can show.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LINEAR, CINEON = "scene-linear", "log"
_BRIGHT_PERCENTILE = 99.0
_BRIGHT_TARGET = 0.9
_FINE_WITHOUT = (0.3, 1.2)
"""Bright parts that lie in here need no exposure: the picture is shown as its maker sees it."""


@dataclass(frozen=True)
class Proxy:
    """coding: LINEAR (float images) or CINEON (16-bit code values of a film-density log image). stops:
    exposure added before the display curve."""

    coding: str
    stops: float

    def apply(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        """[H,W,3] float16/float32 (LINEAR) or uint16 (CINEON) -> uint8, sRGB-coded."""
        if self.coding == LINEAR:
            with np.errstate(over="ignore"):
                image = image.astype(np.float16, copy=False).view(np.uint16)
        plate: NDArray[np.uint8] = _table(self.coding, self.stops)[image]
        return plate

    @property
    def sentence(self) -> str:
        source = "scene-linear" if self.coding == LINEAR else "Cineon log made linear"
        return f"{source}, {self.stops:+.1f} stops, sRGB curve, 8 bits"


@functools.cache
def _table(coding: str, stops: float) -> NDArray[np.uint8]:
    codes = np.arange(65536, dtype=np.uint16)
    linear = _half_values(codes) if coding == LINEAR else cineon_to_linear(codes)
    linear = np.nan_to_num(linear, nan=0.0, posinf=65504.0, neginf=0.0)
    exposed = np.clip(linear * 2.0**stops, 0.0, 1.0)
    return np.rint(srgb_encode(exposed) * 255.0).astype(np.uint8)


def _half_values(codes: NDArray[np.uint16]) -> NDArray[np.float64]:
    return codes.view(np.float16).astype(np.float64)


def srgb_encode(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """IEC 61966-2-1, 0..1 -> 0..1."""
    curve = 1.055 * np.power(np.maximum(linear, 1e-9), 1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve)


def cineon_to_linear(codes: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Kodak's printing density: 10-bit code 95 is black, 685 is white, 0.002 density a code, gamma 0.6.
    `codes` are scaled to 16 bits."""
    ten_bit = codes.astype(np.float64) * (1023.0 / 65535.0)
    offset = 10.0 ** ((95.0 - 685.0) * 0.002 / 0.6)
    return np.asarray((np.power(10.0, (ten_bit - 685.0) * 0.002 / 0.6) - offset) / (1.0 - offset))


def choose_proxy(coding: str, samples: list[NDArray[Any]]) -> Proxy:
    """The proxy for a clip from a few of its frames: bright parts land just below white."""
    luma = np.concatenate([_luma(coding, sample).ravel() for sample in samples])
    luma = luma[np.isfinite(luma)]
    bright = float(np.percentile(luma, _BRIGHT_PERCENTILE)) if luma.size else 0.0
    if bright <= 1e-8 or _FINE_WITHOUT[0] <= bright <= _FINE_WITHOUT[1]:
        return Proxy(coding, 0.0)
    return Proxy(coding, round(2.0 * math.log2(_BRIGHT_TARGET / bright)) / 2.0)


def _luma(coding: str, image: NDArray[Any]) -> NDArray[np.float64]:
    small = image[::4, ::4]
    linear = cineon_to_linear(small) if coding == CINEON else small.astype(np.float64)
    return np.asarray(linear.mean(axis=2))
