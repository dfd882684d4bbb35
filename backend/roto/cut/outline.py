"""The outline at the picture's own size, from a mask that was found at a smaller one."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from .window import Window

Floats = NDArray[np.float32]

_SEEN_PX = 3.0
"""Working pixels to both sides of the outline in which it may move."""
_FLAT = 0.1
"""Squared deviation of the guide, of the distance between object and surroundings, that is no edge."""


def at_full_size(window: Window, soft: Floats, picture: NDArray[np.uint8]) -> Floats:
    """float32 of the window's part of `picture` (uint8 [H,W,3] RGB): `soft` (the working picture's) enlarged, its
    outline drawn to where the colours change.

    A guided filter (He, Sun & Tang 2010) whose guide is what tells the two sides apart best: Fisher's discriminant of
    the colours beside the outline.
    """
    large = window.spread(soft)
    if window.scale >= 1:
        return large
    radius = math.ceil(_SEEN_PX / window.scale)
    size = (2 * radius + 1, 2 * radius + 1)
    near = np.abs(cv2.blur(large, size) - 0.5) < 0.49
    guide = _guide(picture[window.part], large, near)
    if guide is None:
        return large
    mean, mean_soft = cv2.blur(guide, size), cv2.blur(large, size)
    variance = cv2.blur(guide * guide, size) - mean * mean
    slope = (cv2.blur(guide * large, size) - mean * mean_soft) / (variance + _FLAT)
    offset = mean_soft - slope * mean
    guided = cv2.blur(slope, size) * guide + cv2.blur(offset, size)
    return np.asarray(np.where(near, np.clip(guided, 0, 1), large), np.float32)


def _guide(colours: NDArray[np.uint8], soft: Floats, near: NDArray[np.bool_]) -> Floats | None:
    """float32 [H,W], about 0 in the surroundings beside the outline and 1 in the object; None where nothing differs."""
    beside = colours[near].astype(np.float32)
    inside = soft[near] >= 0.5
    if min(int(inside.sum()), int((~inside).sum())) < 8:
        return None
    means = beside[~inside].mean(axis=0), beside[inside].mean(axis=0)
    spread = np.cov(beside[~inside].T) + np.cov(beside[inside].T) + np.eye(3)
    axis = np.linalg.solve(spread, means[1] - means[0])
    low, high = float(means[0] @ axis), float(means[1] @ axis)
    if high - low < 1e-6:
        return None
    return np.asarray((colours.astype(np.float32) @ axis.astype(np.float32) - low) / (high - low), np.float32)
