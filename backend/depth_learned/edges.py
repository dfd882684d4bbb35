"""Depth edges at the plate's resolution: no pixel lies between the things that meet there.

Where a network's map has an edge, resizing invents surfaces half-way. There each pixel takes, of the network's nine
nearest pixels, the median weighted by nearness in space and colour: joint bilateral upsampling (Kopf et al., SIGGRAPH
2007) with a median (Ma et al., "Constant time weighted median filtering", ICCV 2013), whose answer is always one of
the nine.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .maps import METRIC, Map, Picture

_STEP = 0.04
"""An edge: 3 x 3 neighbours differ by more, relative to the depth (metric) or to the map's range (relative)..."""

_OVER_USUAL = 3.0
"""... and by that many times what they do at the median pixel: a noisy map is not full of edges."""

_COLOUR_SD = 12.0
"""Of a channel, of 255."""

_ROWS = 256


def sharpened(kind: str, values: Map, resized: Map, picture: Picture) -> Map:
    """The resized map [H, W] with its edges after the picture uint8 [H, W, 3]. values [h, w]: the network's map, in the
    same quantity."""
    height, width = resized.shape
    edge = cv2.resize(edges_of(kind, values).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    edge = cv2.dilate(edge, np.ones((3, 3), np.uint8))
    colour = cv2.resize(picture, values.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    out = resized.copy()
    for top in range(0, height, _ROWS):
        row, column = np.nonzero(edge[top : top + _ROWS])
        if len(row):
            row = row + top
            out[row, column] = _medians(values, colour, row, column, picture)
    return out


def edges_of(kind: str, values: Map) -> NDArray[np.bool_]:
    """bool [h, w]: pixels with an edge in their 3 x 3 neighbourhood."""
    box = np.ones((3, 3), np.uint8)
    flat, step = values, _STEP
    if kind == METRIC:
        flat = np.log(np.maximum(values, 1e-6))
    else:
        low, high = np.percentile(values, [2.0, 98.0])
        step *= max(float(high - low), 1e-12)
    range_of = np.asarray(cv2.dilate(flat, box) - cv2.erode(flat, box))
    return np.asarray(range_of > max(step, _OVER_USUAL * float(np.median(range_of))))


def _medians(
    values: Map, colour: Map, row: NDArray[np.int64], column: NDArray[np.int64], picture: Picture
) -> NDArray[np.float32]:
    """Weighted medians at P pixels of the picture."""
    high, wide = values.shape
    height, width = picture.shape[:2]
    y, x = (row + 0.5) * high / height - 0.5, (column + 0.5) * wide / width - 0.5
    own = picture[row, column].astype(np.float32)
    near = np.zeros((9, len(row)), np.float32)
    weight = np.zeros_like(near)
    for k, (dy, dx) in enumerate((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
        i, j = np.rint(y).astype(np.int64) + dy, np.rint(x).astype(np.int64) + dx
        away = (i - y) ** 2 + (j - x) ** 2
        i, j = np.clip(i, 0, high - 1), np.clip(j, 0, wide - 1)
        other = ((colour[i, j] - own) ** 2).mean(-1)
        near[k] = values[i, j]
        weight[k] = np.exp(-0.5 * away - 0.5 * other / _COLOUR_SD**2) + 1e-9
    order = np.argsort(near, 0)
    total = np.cumsum(np.take_along_axis(weight, order, 0), 0)
    middle = (total < 0.5 * total[-1]).sum(0)
    return np.asarray(np.take_along_axis(np.take_along_axis(near, order, 0), middle[None], 0)[0])
