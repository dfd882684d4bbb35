"""Whether an unknown pixel is of the object or not, as far as colours and movement tell without its neighbours.

Each side says what colour the pixel would have: the background as frames around show it, the object as it looked a
frame ago, and both by the colours nearby that are known. A pixel that looks like one side's prediction and unlike the
other's is decided; one that fits both, or none, is left to the solver.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .behind import Seen, background_seen, foreground_seen
from .clip import BACKGROUND, FOREGROUND, UNKNOWN, MatteClip, Picture, band_points
from .colours import SideColours, heavy_density
from .motion import Layers

_ANY_COLOUR = 3e-7
"""Density (levels^-3) of a colour that no prediction knows: one of about 150 x 150 x 150 levels."""

_NEAREST = 8
_CLEAR = 30.0


@dataclass(frozen=True)
class Evidence:
    """Of the N unknown pixels. log_odds: float32 [N], positive for the object. behind: bool [N], whether other
    frames show what is behind the pixel."""

    log_odds: NDArray[np.float32]
    behind: NDArray[np.bool_]


def evidence(clip: MatteClip, layers: Layers, index: int, reach: int) -> Evidence:
    picture, trimap = clip.picture(index), clip.trimap(index)
    points = band_points(trimap)
    noise = noise_level(picture)
    own = picture[trimap == UNKNOWN].astype(np.float32)
    behind = background_seen(clip, layers, index, reach, noise)
    before = foreground_seen(clip, layers, index, noise)
    near_object = SideColours(picture, trimap, FOREGROUND, _NEAREST).density(own, points)
    near_background = SideColours(picture, trimap, BACKGROUND, _NEAREST).density(own, points)
    there = np.isfinite(behind.variance[:, 0])
    exact = _seen_density(own, behind, noise)[:, 0] if len(points) else near_background
    moving = _seen_density(own, before, noise)
    # Both frames beside must show the object's colour: background fits one of them by chance.
    object_ = 0.4 * near_object + 0.3 * _ANY_COLOUR + (0.3 * moving.min(axis=1) if moving.shape[1] else 0.0)
    background = 0.8 * np.where(there, exact, near_background) + 0.1 * near_background + 0.1 * _ANY_COLOUR
    log_odds = np.log(object_) - np.log(background)
    return Evidence(np.clip(log_odds, -_CLEAR, _CLEAR).astype(np.float32), there)


def _seen_density(own: NDArray[np.float32], seen: Seen, noise: float) -> NDArray[np.float64]:
    """float64 [N, K]; 0 where nothing was seen."""
    known = np.isfinite(seen.variance)
    squared = ((own[:, None] - seen.colour) ** 2).sum(axis=2)
    return np.where(known, heavy_density(squared, np.where(known, seen.variance, 1.0) + noise**2), 0.0)


def noise_level(picture: Picture) -> float:
    """Standard deviation of a picture's noise in levels, at least 1: Immerkaer, "Fast noise variance estimation" (CVIU
    1996), with the median, which texture does not pull up."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    found = float(np.median(np.abs(cv2.filter2D(grey, -1, kernel)))) / 0.6745 / 6.0
    # Luma averages the channels' noise: for even noise a channel has 1 / |(0.299, 0.587, 0.114)| = 1.5 times as much.
    return max(1.0, 1.5 * found)


def pooled(values: NDArray[np.float32], unknown: NDArray[np.bool_], radius: int) -> NDArray[np.float32]:
    """float32 [N]: mean over the (2 radius + 1)^2 square, of the unknown pixels alone."""
    raster, weight = np.zeros(unknown.shape, np.float32), unknown.astype(np.float32)
    raster[unknown] = values
    size = (2 * radius + 1, 2 * radius + 1)
    total = cv2.blur(raster, size, borderType=cv2.BORDER_CONSTANT)
    share = cv2.blur(weight, size, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total[unknown] / np.maximum(share[unknown], 1e-6), np.float32)
