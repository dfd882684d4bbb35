"""The colours near an unknown pixel that surely belong to one side, and how well they explain a colour."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .clip import Picture, Points, Trimap

_RIM = 4
"""Width in px of the rim along the unknown band from which colours are taken."""

_DEEP = 8
"""px behind the rim where it is tried out how well the rim's colours explain others of the same side."""

_TRIED = 1500
_NEAR_ENOUGH = 0.5
"""A colour may be by this share farther away than the nearest: they are samples, and looking twice costs time."""

_SQUARE = 2
"""px a side: pixels in it are asked for once."""

_NARROWEST = 4.0
"""Levels: a colour is never trusted to be more exact than that."""


class SideColours:
    """Colours of one side of a frame, around the unknown band. spread: levels by which a pixel of that side differs
    from the most similar of its `nearest` colours, measured on pixels that are known."""

    def __init__(self, picture: Picture, trimap: Trimap, side: int, nearest: int) -> None:
        self._nearest = nearest
        sure = (trimap == side).astype(np.uint8)
        deep = _eroded(sure, _RIM)
        self._rim, self._colour = _rim(picture, sure, deep)
        self._tree = cKDTree(self._rim)
        self.spread = _NARROWEST
        if len(self._rim):
            self.spread = max(_NARROWEST, 1.5 * self._measured(picture, deep))

    def near(self, points: Points) -> NDArray[np.float32]:
        """float32 [N, K, 3]: the nearest colours of each point's square of pixels; K = 0 when there are none at all."""
        count = min(self._nearest, len(self._rim))
        if not count:
            return np.zeros((len(points), 0, 3), np.float32)
        square = np.floor(points / _SQUARE).astype(np.int64)
        _, first, which = np.unique(square[:, 1] << 32 | square[:, 0], return_index=True, return_inverse=True)
        _, found = self._tree.query((square[first] + 0.5) * _SQUARE - 0.5, count, eps=_NEAR_ENOUGH)
        return self._colour[np.reshape(found, (len(first), count))[which]]

    def density(self, colour: NDArray[np.float32], points: Points) -> NDArray[np.float64]:
        """float64 [N]: probability density of each colour (levels^-3) on this side."""
        near = self.near(points)
        if not near.shape[1]:
            return np.zeros(len(points))
        squared = ((colour[:, None] - near) ** 2).sum(axis=2)
        return np.asarray(heavy_density(squared, self.spread**2).mean(axis=1))

    def _measured(self, picture: Picture, deep: NDArray[np.uint8]) -> float:
        further = (deep > 0) & (_eroded(deep, _DEEP) == 0)
        rows, columns = np.nonzero(further)
        if len(rows) < 50:
            return 2.0 * _NARROWEST
        some = np.linspace(0, len(rows) - 1, min(_TRIED, len(rows))).astype(np.intp)
        points = np.stack([columns[some], rows[some]], axis=1).astype(np.float32)
        own = picture[rows[some], columns[some]].astype(np.float32)
        squared = ((own[:, None] - self.near(points)) ** 2).sum(axis=2).min(axis=1)
        return float(np.sqrt(np.median(squared) / 3.0))


def _eroded(mask: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.erode(mask, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8), borderValue=1), np.uint8)


def _rim(
    picture: Picture, sure: NDArray[np.uint8], deep: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Every third pixel of the rim, and its colour without noise: the mean of its 3 x 3 neighbours of that side."""
    rows, columns = np.nonzero((sure > 0) & (deep == 0))
    some = (columns + 2 * rows) % 3 == 0
    rows, columns = rows[some], columns[some]
    share = cv2.blur(sure.astype(np.float32), (3, 3))
    total = cv2.blur(picture.astype(np.float32) * sure[..., None], (3, 3))
    colour = total[rows, columns] / share[rows, columns][:, None]
    return np.stack([columns, rows], axis=1), np.asarray(colour, np.float32)


def heavy_density(squared: NDArray[np.float32], variance: NDArray[np.floating[Any]] | float) -> NDArray[np.float64]:
    """Density of a colour at the squared distance (over three channels) from a known one: a normal distribution, with
    one in ten drawn from one four times as wide, since highlights and misfits are no noise."""
    wide = np.asarray(variance, np.float64) * 16.0
    return np.asarray(0.9 * _normal(squared, np.asarray(variance, np.float64)) + 0.1 * _normal(squared, wide))


def _normal(squared: NDArray[np.float32], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * squared / variance) / (2.0 * math.pi * variance) ** 1.5)
