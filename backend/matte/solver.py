"""Conjugate gradients for alpha in the band, with a coarse grid.

What is far away reaches a pixel in as many steps as it is px away, unless a coarser picture of the system carries it:
each step also solves for the means of small squares of pixels, exactly (an additive two-level Schwarz method, Toselli
and Widlund, "Domain decomposition methods", 2005).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from .laplacian import BandSystem

_TOLERANCE = 1e-4
_MOST_STEPS = 1000
_ANCHOR = 1e-7
"""Weight of the guess where nothing else holds a pixel: a band that touches nothing known would have no solution."""

Values = NDArray[np.float64]


def solved(
    system: BandSystem, guess: NDArray[np.float32], weight: NDArray[np.float32], start: NDArray[np.float32]
) -> NDArray[np.float32]:
    """float32 [N], 0..1: alpha that satisfies the system, drawn to `guess` with `weight` (both float32 [N]; a weight of
    1 equals a neighbour's). start: where to begin, which only costs time when it is wrong."""
    held = weight.astype(np.float64) + _ANCHOR
    matrix = system.matrix + sp.diags(held)
    right = system.right + held * guess
    nearer = _two_levels(matrix, system.square)
    alpha = start.astype(np.float64)
    rest = right - matrix @ alpha
    enough = _TOLERANCE**2 * max(_product(right, right), 1e-24)
    direction = nearer(rest)
    energy = _product(rest, direction)
    for _ in range(_MOST_STEPS):
        if _product(rest, rest) <= enough or energy <= 0.0:
            break
        ahead = matrix @ direction
        step = energy / _product(direction, ahead)
        alpha = alpha + step * direction
        rest = rest - step * ahead
        scaled = nearer(rest)
        following = _product(rest, scaled)
        direction, energy = scaled + following / energy * direction, following
    return np.clip(alpha, 0.0, 1.0).astype(np.float32)


def _two_levels(matrix: Any, square: NDArray[np.int64]) -> Callable[[Values], Values]:
    """About the inverse of a symmetric matrix [N, N]. square: int64 [N], from 0."""
    diagonal, count = matrix.diagonal(), len(square)
    spread = sp.csr_matrix((np.ones(count), (np.arange(count), square)))
    gather = spread.T.tocsr()
    coarse = splu((gather @ matrix @ spread).tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})

    def nearer(rest: Values) -> Values:
        return np.asarray(rest / diagonal + spread @ coarse.solve(gather @ rest), np.float64)

    return nearer


def _product(one: Values, other: Values) -> float:
    """Without BLAS, whose threads wait for one another in products as short as these."""
    return float((one * other).sum())
