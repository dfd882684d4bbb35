"""The matting Laplacian of the unknown band alone.

Levin, Lischinski, Weiss, "A closed-form solution to natural image matting" (TPAMI 2008): in every 3 x 3 window alpha is
an affine function of the colours, up to `epsilon`. Only windows that touch an unknown pixel matter, and only unknown
pixels are variables; what is known goes to the right-hand side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .clip import FOREGROUND, UNKNOWN, Picture, Trimap

EPSILON = 1e-7
_PAD = 2
_SQUARE = 4
"""px a side."""
_NEAR = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)]
_OUTSIDE = 1
"""Value of padding: none of the three of a trimap."""


@dataclass(frozen=True)
class BandSystem:
    """matrix @ alpha = right, for the N unknown pixels. matrix: symmetric positive semi-definite CSR [N, N]; right:
    float64 [N]. square: int64 [N], which square of the picture each pixel lies in, counted from 0 without gaps."""

    matrix: Any
    right: NDArray[np.float64]
    square: NDArray[np.int64]


def band_system(picture: Picture, trimap: Trimap, epsilon: float = EPSILON) -> BandSystem:
    colours = _padded(picture, cv2.BORDER_REFLECT_101).reshape(-1, 3) / 255.0
    around = (_PAD, _PAD, _PAD, _PAD)
    known = np.asarray(cv2.copyMakeBorder(trimap, *around, cv2.BORDER_CONSTANT, value=_OUTSIDE), np.uint8)
    width = known.shape[1]
    centres = np.flatnonzero(_centres(known))
    window = np.array([row * width + column for row, column in _NEAR])
    windows = _window_terms(colours[centres[:, None] + window], epsilon)
    unknown = np.flatnonzero(known == UNKNOWN)
    index = np.full(known.size, -1, np.int64)
    index[unknown] = np.arange(unknown.size)
    terms = _summed(windows, [index[centres + offset] for offset in window], unknown.size)
    wider = np.array([row * width + column for row in range(-2, 3) for column in range(-2, 3)])
    columns = unknown[:, None] + wider
    variable = index[columns]
    sure = (known.reshape(-1)[columns] == FOREGROUND).astype(np.float64)
    inside = variable >= 0
    starts = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])
    matrix = sp.csr_matrix((terms[inside], variable[inside], starts), shape=(unknown.size, unknown.size))
    return BandSystem(matrix, -(terms * sure).sum(axis=1), _squares(unknown, width))


def _squares(places: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """places: int64 [N], indices into a raster of that width."""
    across = width // _SQUARE + 1
    _, square = np.unique(places // width // _SQUARE * across + places % width // _SQUARE, return_inverse=True)
    return np.asarray(square, np.int64)


def _padded(picture: Picture, border: int) -> NDArray[np.float64]:
    return np.asarray(cv2.copyMakeBorder(picture, _PAD, _PAD, _PAD, _PAD, border), np.float64)


def _centres(known: Trimap) -> NDArray[np.uint8]:
    """The windows that touch an unknown pixel and lie within the picture."""
    square = np.ones((3, 3), np.uint8)
    touching = cv2.dilate((known == UNKNOWN).astype(np.uint8), square)
    inside = cv2.erode((known != _OUTSIDE).astype(np.uint8), square)
    return np.asarray(cv2.bitwise_and(touching, inside), np.uint8)


def _window_terms(colours: NDArray[np.float64], epsilon: float) -> NDArray[np.float64]:
    """float64 [W, 9, 9] of windows' colours [W, 9, 3], 0..1: what each window adds for each pair of its pixels."""
    apart = colours - colours.mean(axis=1, keepdims=True)
    spread = np.einsum("wia,wib->wab", apart, apart) / 9.0 + epsilon / 9.0 * np.eye(3)
    likeness = np.matmul(np.matmul(apart, np.linalg.inv(spread)), apart.transpose(0, 2, 1))
    return np.asarray(np.eye(9) - (1.0 + likeness) / 9.0)


def _summed(windows: NDArray[np.float64], rows: list[NDArray[np.int64]], count: int) -> NDArray[np.float64]:
    """float64 [N, 25]: the windows' terms by unknown pixel and by the offset of the other pixel.

    rows: for each place in the window, the unknown pixel there, -1 for a known one. A place has each pixel once, so
    that plain indexing sums.
    """
    total = np.zeros((count + 1, 25))  # the last row takes what belongs to known pixels
    for i, (row, column) in enumerate(_NEAR):
        for j, (other_row, other_column) in enumerate(_NEAR):
            total[rows[i], (other_row - row + 2) * 5 + other_column - column + 2] += windows[:, i, j]
    return total[:-1]
