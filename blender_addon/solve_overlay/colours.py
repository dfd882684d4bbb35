"""What colours mean: green is good, red is bad. No bpy here. Colours are sRGB, as the screen shows them."""

from __future__ import annotations

import numpy as np

_GOOD, _FAIR, _BAD = (0.12, 0.80, 0.28), (0.95, 0.85, 0.15), (0.95, 0.16, 0.12)
_SLOW, _MIDDLE, _FAST = (0.20, 0.45, 1.00), (0.85, 0.85, 0.85), (1.00, 0.55, 0.10)
_UNKNOWN = (0.75, 0.75, 0.75)
STEPS = np.linspace(0.0, 1.0, 9)
"""Where a legend shows a scale's colour."""


def badness_colours(badness: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """float32 [N,4]: green at 0, yellow at a half, red at 1 and more, grey for nan."""
    return _scale(badness, (_GOOD, _FAIR, _BAD), alpha)


def speed_colours(share: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """float32 [N,4] of speeds as shares of the fastest: blue where the camera stands, orange where it is fastest."""
    return _scale(share, (_SLOW, _MIDDLE, _FAST), alpha)


def _scale(values: np.ndarray, stops: tuple[tuple[float, float, float], ...], alpha: float) -> np.ndarray:
    places = np.linspace(0.0, 1.0, len(stops))
    known = np.isfinite(values) | np.isposinf(values)
    at = np.clip(np.nan_to_num(values, nan=0.0, posinf=1.0), 0.0, 1.0)
    colours = np.full((len(values), 4), alpha, np.float32)
    for channel in range(3):
        found = np.interp(at, places, [stop[channel] for stop in stops])
        colours[:, channel] = np.where(known, found, _UNKNOWN[channel])
    return colours
