"""The band along a mask's outline in which alpha is unknown.

Its width follows from what the outline is like: a base for what a mask leaves open, half the way that the object moves
while the shutter is open, and hair. Hair shows as colours on the wrong side: pixels outside the mask that look more
like the object nearby than like the background nearby, or inside the other way round. The band grows around such
pixels as far as they hang together with the outline; where both sides look alike, colours prove nothing, and the band
grows a little for that.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .clip import BACKGROUND, FOREGROUND, UNKNOWN, Picture, Trimap

Mask = NDArray[np.bool_]
"""bool [H, W]: of the object."""

_BASE_SHARE = 3.0 / 854.0
_FARTHEST_SHARE = 16.0 / 854.0
"""Shares of the picture's longer side: the least half width, and how far outside hair is looked for; gaps inside half
as far."""

_CORE = 0.8
"""Share of its greatest depth from which on a thin object is its middle."""

_ALIKE_EXTRA = 0.5
"""The base grows by up to this share where object and background have the same colours."""


@dataclass(frozen=True)
class BandSettings:
    """scale: times the found width. inside, outside: px added on either side of the outline. shutter: share of the
    time between frames for which the shutter is open."""

    scale: float = 1.0
    inside: float = 0.0
    outside: float = 0.0
    shutter: float = 0.5


@dataclass(frozen=True)
class Side:
    """Local colours of one side: float32 [H, W, 3] means and [H, W, 3] variances per channel."""

    mean: NDArray[np.float32]
    variance: NDArray[np.float32]


@dataclass(frozen=True)
class Band:
    """depth: float32 [H, W], how deep a pixel lies inside of the mask's outline, negative outside: in units of half the
    least half width, since outlines are about so exact."""

    trimap: Trimap
    depth: NDArray[np.float32]


def band_of(picture: Picture, mask: Mask, speed: NDArray[np.float32], settings: BandSettings) -> Band:
    """speed: float32 [H, W] px per frame of the object's movement against the background, near the outline. A mask that
    is empty, or all, has no band."""
    trimap = np.where(mask, FOREGROUND, BACKGROUND).astype(np.uint8)
    if not mask.any() or mask.all():
        return Band(trimap, np.where(mask, np.inf, -np.inf).astype(np.float32))
    longest = max(mask.shape)
    base, farthest = base_width(mask.shape), max(4.0, _FARTHEST_SHARE * longest)
    inner, outer = _distances(mask)
    near = (inner <= 0.5 * farthest) & (outer <= farthest)
    box = _box(near)
    odds, alike = _sides_odds(picture[box], mask[box], farthest)
    hair = np.zeros(mask.shape, bool)
    hair[box] = _on_the_wrong_side(mask[box], near[box], odds)
    half = np.full(mask.shape, base, np.float32)
    half[box] = base * (1.0 + _ALIKE_EXTRA * alike) + 0.5 * settings.shutter * np.minimum(speed[box], 4.0 * farthest)
    half *= settings.scale
    grown = _grown(hair, 0.5 * base * settings.scale)
    band = (inner <= half + settings.inside) & (outer <= half + settings.outside) | grown
    if settings.inside < 0.0:
        band &= inner <= np.maximum(half + settings.inside, 0.0)
    if settings.outside < 0.0:
        band &= outer <= np.maximum(half + settings.outside, 0.0)
    trimap[band] = UNKNOWN
    if not (trimap == FOREGROUND).any():  # an object that is all outline keeps its middle: it would vanish
        trimap[mask & (inner >= _CORE * inner.max())] = FOREGROUND
    return Band(trimap, np.asarray((inner - outer) / (0.5 * base), np.float32))


def base_width(shape: tuple[int, ...]) -> float:
    """The band's least half width in px, for a picture of (height, width)."""
    return max(1.5, _BASE_SHARE * max(shape[:2]))


def _distances(mask: Mask) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How many px a pixel lies inside of the outline, and outside; 0 on the other side."""
    inner = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    outer = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(inner, np.float32), np.asarray(outer, np.float32)


def _box(near: Mask) -> tuple[slice, slice]:
    """The part of the picture with `near`, and some px around for the windows."""
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    margin = 2 * round(_FARTHEST_SHARE * max(near.shape)) + 8
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )


def _sides_odds(picture: Picture, mask: Mask, farthest: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Log odds that a pixel's colour is the object's (float32 [H, W]), and how alike both sides are there, 0..1 (the
    Bhattacharyya coefficient of their colours)."""
    radius = round(1.5 * farthest)
    colour = cv2.GaussianBlur(picture, (0, 0), 0.7).astype(np.float32)
    object_, background = _side(colour, mask, radius), _side(colour, ~mask, radius)
    odds = _log_density(colour, object_) - _log_density(colour, background)
    both = object_.variance + background.variance
    apart = (object_.mean - background.mean) ** 2 / (4.0 * both)
    shape = 0.5 * np.log(0.5 * both / np.sqrt(object_.variance * background.variance))
    return odds, np.exp(-(apart + shape).sum(axis=2))


def _side(colour: NDArray[np.float32], side: Mask, radius: int) -> Side:
    """Colours of a side around every pixel, without the rim, whose pixels may be of both sides."""
    rim = np.ones((5, 5), np.uint8)
    weight = cv2.erode(side.astype(np.uint8), rim, borderValue=1).astype(np.float32)
    if not weight.any():
        weight = side.astype(np.float32)
    size = (2 * radius + 1, 2 * radius + 1)
    total = _window_mean(weight, size)
    first = _window_mean(colour * weight[..., None], size)
    second = _window_mean(colour**2 * weight[..., None], size)
    share = np.maximum(total, 1e-4)[..., None]
    mean = first / share
    known = np.clip(total / 1e-3, 0.0, 1.0)[..., None]
    variance = np.maximum(second / share - mean**2, 16.0) * known + 1e4 * (1.0 - known)
    return Side(np.asarray(mean, np.float32), np.asarray(variance, np.float32))


def _window_mean(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A box twice is nearly a Gaussian window."""
    once = cv2.blur(values, size, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(cv2.blur(once, size, borderType=cv2.BORDER_REFLECT_101), np.float32)


def _log_density(colour: NDArray[np.float32], side: Side) -> NDArray[np.float32]:
    squared = (colour - side.mean) ** 2 / side.variance + np.log(side.variance)
    return np.asarray(-0.5 * squared.sum(axis=2), np.float32)


def _on_the_wrong_side(mask: Mask, near: Mask, odds: NDArray[np.float32]) -> Mask:
    """Pixels that look like the other side and hang together with it."""
    return _joined(near & ~mask & (odds > 1.0), mask) | _joined(near & mask & (odds < -1.0), ~mask)


def _joined(strays: Mask, side: Mask) -> Mask:
    """Those of the stray pixels whose group touches `side`, gaps of a px allowed."""
    square = np.ones((3, 3), np.uint8)
    closed = cv2.dilate(strays.astype(np.uint8), square)
    count, groups = cv2.connectedComponents(closed)
    touching = np.zeros(count, bool)
    touching[np.unique(groups[(cv2.dilate(side.astype(np.uint8), square) > 0) & (closed > 0)])] = True
    touching[0] = False
    return np.asarray(strays & touching[groups])


def _grown(pixels: Mask, radius: float) -> Mask:
    if not pixels.any():
        return pixels
    size = 2 * max(1, round(radius)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.dilate(pixels.astype(np.uint8), kernel) > 0)
