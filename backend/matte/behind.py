"""What is behind an object, and what it looked like a frame ago: colours of a frame's unknown pixels, fetched from
frames in which they are known.

An object that moves uncovers what it hid. An unknown pixel is followed along the movement of the background until it
lies where a frame surely shows background: Chuang et al., "Video matting of complex scenes" (SIGGRAPH 2002), here
without a mosaic of the whole clip: from the frames around, so that nothing has to be kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .clip import BACKGROUND, FOREGROUND, UNKNOWN, MatteClip, Points, Trimap, band_points
from .motion import Layers
from .sampling import at_points, slope_at

_ASTRAY_BEHIND, _ASTRAY_BEFORE = 0.4, 0.7
"""px by which a followed point is astray after one frame: what is in front bends and turns."""

_EACH_WAY = 2
"""Colours that are taken of the frames after, and of those before: the nearest in time."""


@dataclass(frozen=True)
class Seen:
    """Colours of the N unknown pixels of a frame. colour: float32 [N, K, 3] levels; variance: float32 [N, K] of each
    channel, inf where there is no colour."""

    colour: NDArray[np.float32]
    variance: NDArray[np.float32]


def background_seen(clip: MatteClip, layers: Layers, index: int, reach: int, noise: float) -> Seen:
    """The background behind the unknown pixels, at most one colour for each: K = 1. noise: standard deviation of the
    picture's noise, levels."""
    points = band_points(clip.trimap(index))
    found = [_one_way(clip, layers, index, step, reach, noise, points) for step in (1, -1)]
    colours = np.concatenate([one.colour for one in found], axis=1)
    variances = np.concatenate([one.variance for one in found], axis=1)
    return _together(colours, variances)


def _one_way(clip: MatteClip, layers: Layers, index: int, step: int, reach: int, noise: float, points: Points) -> Seen:
    colour = np.zeros((len(points), _EACH_WAY, 3), np.float32)
    variance = np.full((len(points), _EACH_WAY), np.inf, np.float32)
    taken = np.zeros(len(points), np.intp)
    at, lost = points.copy(), np.zeros(len(points), bool)
    for age in range(1, reach + 1):
        frame = index + step * age
        if not 0 <= frame < clip.count or not (clip.trimap(frame) == BACKGROUND).any():
            break
        open_ = np.flatnonzero((taken < _EACH_WAY) & ~lost)
        if not len(open_):
            break
        at[open_] = layers.moved(at[open_], frame - step, step, BACKGROUND)
        trimap = clip.trimap(frame)
        lost[open_] = _outside(at[open_], trimap)
        seen = open_[_surely(at[open_], trimap, BACKGROUND)]
        picture = clip.picture(frame)
        colour[seen, taken[seen]] = at_points(picture, at[seen], cv2.INTER_CUBIC)
        variance[seen, taken[seen]] = noise**2 + _ASTRAY_BEHIND**2 * age * slope_at(picture, at[seen])
        taken[seen] += 1
    return Seen(colour, variance)


def _outside(points: Points, trimap: Trimap) -> NDArray[np.bool_]:
    height, width = trimap.shape
    x, y = points[:, 0], points[:, 1]
    return np.asarray((x < 0) | (y < 0) | (x > width - 1) | (y > height - 1), np.bool_)


def _surely(points: Points, trimap: Trimap, side: int) -> NDArray[np.bool_]:
    """Whether a point and the pixels around it are all of that side."""
    inside = cv2.erode((trimap == side).astype(np.float32), np.ones((3, 3), np.uint8), borderValue=1)
    return np.asarray(at_points(inside, points, border=cv2.BORDER_CONSTANT)[:, 0] > 0.99)


def _together(colours: NDArray[np.float32], variances: NDArray[np.float32]) -> Seen:
    """The mean of the colours by their certainty; how far they differ is part of its variance."""
    weight = 1.0 / variances
    total = weight.sum(axis=1)
    there = total > 0.0
    share = weight / np.where(there, total, 1.0)[:, None]
    mean = (colours * share[..., None]).sum(axis=1)
    spread = (((colours - mean[:, None]) ** 2).mean(axis=2) * share).sum(axis=1)
    own = (np.where(np.isfinite(variances), variances, 0.0) * share).sum(axis=1)
    return Seen(mean[:, None], np.where(there, spread + own, np.inf).astype(np.float32)[:, None])


def foreground_seen(clip: MatteClip, layers: Layers, index: int, noise: float) -> Seen:
    """The colours that the unknown pixels had in the frames beside, if they belong to the object: K is 0, 1 or 2."""
    points = band_points(clip.trimap(index))
    colour, variance = [], []
    for step in (1, -1):
        frame = index + step
        if not 0 <= frame < clip.count or not (clip.trimap(frame) == FOREGROUND).any():
            continue
        at = layers.moved(points, index, step, FOREGROUND)
        trimap, picture = clip.trimap(frame), clip.picture(frame)
        maybe = at_points((trimap != BACKGROUND).astype(np.float32), at, border=cv2.BORDER_CONSTANT)[:, 0] > 0.99
        colour.append(at_points(picture, at, cv2.INTER_CUBIC))
        off = noise**2 + _ASTRAY_BEFORE**2 * slope_at(picture, at)
        variance.append(np.where(maybe, off, np.inf).astype(np.float32))
    if not colour or not (clip.trimap(index) == UNKNOWN).any():
        return Seen(np.zeros((len(points), 0, 3), np.float32), np.zeros((len(points), 0), np.float32))
    return Seen(np.stack(colour, axis=1), np.stack(variance, axis=1))
