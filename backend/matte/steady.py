"""Mattes that hold still: what two neighbouring frames say of the same point is averaged.

Only where the frames surely show the same: flow there and back comes home, and the colours match but for noise. Where
alpha truly changes, so do the colours, and nothing is averaged.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .clip import UNKNOWN, Alpha, MatteClip, Points, band_points
from .evidence import noise_level
from .motion import Motion
from .sampling import at_points

_ASTRAY = 0.5
"""px, standard deviation by which flow there and back may miss its start."""

_NOISE = 3.0
"""Colours match within so many times the noise of the picture."""


def steadied(clip: MatteClip, motion: Motion, raw: Callable[[int], Alpha], index: int) -> Alpha:
    """The matte of a frame from those of itself and of the frames beside it (`raw`); what is known stays."""
    trimap, alpha = clip.trimap(index), raw(index)
    points, unknown = band_points(trimap), trimap == UNKNOWN
    if not len(points):
        return alpha
    total, weight = alpha[unknown].copy(), np.ones(len(points), np.float32)
    for step in (1, -1):
        beside = index + step
        if not 0 <= beside < clip.count or (clip.trimap(beside) == UNKNOWN).all():
            continue
        there = _flown(motion, points, index, step, clip)
        missed = ((_flown(motion, there, beside, -step, clip) - points) ** 2).sum(axis=1)
        own = clip.picture(index)[unknown].astype(np.float32)
        apart = ((at_points(clip.picture(beside), there) - own) ** 2).mean(axis=1)
        allowed = (_NOISE * noise_level(clip.picture(index))) ** 2
        same = np.exp(-0.5 * (missed / _ASTRAY**2 + apart / allowed)).astype(np.float32)
        total += same * at_points(raw(beside), there)[:, 0]
        weight += same
    steady = alpha.copy()
    steady[unknown] = total / weight
    return steady


def _flown(motion: Motion, points: Points, index: int, step: int, clip: MatteClip) -> NDArray[np.float32]:
    field = motion.flow(index, step)
    height, width = clip.picture(index).shape[:2]
    scale = np.array([field.shape[1] / width, field.shape[0] / height], np.float32)
    return np.asarray(points + at_points(field, (points + 0.5) * scale - 0.5), np.float32)
