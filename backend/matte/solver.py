"""Conjugate gradients for alpha in the band."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .laplacian import BandSystem

_TOLERANCE = 1e-4
_MOST_STEPS = 1000
_ANCHOR = 1e-7
"""Weight of the guess where nothing else holds a pixel: a band that touches nothing known would have no solution."""


def solved(
    system: BandSystem, guess: NDArray[np.float32], weight: NDArray[np.float32], start: NDArray[np.float32]
) -> NDArray[np.float32]:
    """float32 [N], 0..1: alpha that satisfies the system, drawn to `guess` with `weight` (both float32 [N]; a weight of
    1 equals a neighbour's). start: where to begin, which only costs time when it is wrong."""
    held = weight.astype(np.float64) + _ANCHOR
    matrix = system.matrix + sp.diags(held)
    right = system.right + held * guess
    scale = matrix.diagonal()
    alpha = start.astype(np.float64)
    rest = right - matrix @ alpha
    enough = _TOLERANCE * max(float(np.linalg.norm(right)), 1e-12)
    direction = scaled = rest / scale
    energy = float(rest @ scaled)
    for _ in range(_MOST_STEPS):
        if float(np.linalg.norm(rest)) <= enough or energy <= 0.0:
            break
        ahead = matrix @ direction
        step = energy / float(direction @ ahead)
        alpha = alpha + step * direction
        rest = rest - step * ahead
        scaled = rest / scale
        following = float(rest @ scaled)
        direction, energy = scaled + following / energy * direction, following
    return np.clip(alpha, 0.0, 1.0).astype(np.float32)
