"""Solves the reduced camera system of a bundle adjustment.

Two frames are linked when they see a common point. In a long clip most are not: with the frames in their order the
system is a band, bordered by the lens. A dense Cholesky factorisation costs frames^3, a banded one frames x band^2
(LAPACK's pbtrf), so that a walk of a thousand frames costs what its tracks' length asks for. Where points tie the
clip's ends together (a loop that was closed) the band is as wide as the system, and it is factored densely.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from .frames import Flags, Floats

_LEAST_SIZE = 900
"""Smaller systems are quicker dense."""
_MOST_BAND = 0.35
"""Widest band, over the system's size, that is quicker than dense."""
_BLOCK = 60
"""Parameters that the band's width is measured in."""


class CameraSystem:
    """A symmetric matrix [N, N], factored: answers right sides. free [N]: parameters that may move. lenses: how many
    of the last ones belong to every frame. definite: whether it is positive definite; it is not with known distances
    (world_priors.py). The matrix may be overwritten. Raises `numpy.linalg.LinAlgError` when it should be positive
    definite and is not."""

    def __init__(self, matrix: Floats, free: Flags, lenses: int = 0, *, definite: bool = True) -> None:
        self._free, self._definite = free, definite
        chosen = matrix if free.all() else matrix[np.ix_(free, free)]
        border = int(free[len(free) - lenses :].sum())
        inner = len(chosen) - border
        width = band_width(chosen[:inner, :inner]) if definite and inner >= _LEAST_SIZE else inner
        self._band = _Band(chosen, inner, width) if width <= _MOST_BAND * inner and inner >= _LEAST_SIZE else None
        if self._band is not None:
            return
        if definite:
            self._factor = linalg.cho_factor(chosen, lower=True, overwrite_a=True, check_finite=False)
        else:
            self._factor = linalg.lu_factor(chosen, overwrite_a=True, check_finite=False)

    def answer(self, right: Floats) -> Floats:
        """The step [N] against the gradient `right` [N]; zero where nothing may move."""
        delta = np.zeros(len(self._free))
        wanted = right[self._free]
        if self._band is not None:
            delta[self._free] = -self._band.answer(wanted)
        else:
            solve = linalg.cho_solve if self._definite else linalg.lu_solve
            delta[self._free] = -solve(self._factor, wanted, check_finite=False)
        return delta


def band_width(matrix: Floats) -> int:
    """How far, at most, from the diagonal of a symmetric matrix [N, N] there is something: rounded up to blocks."""
    size, widest = len(matrix), 0
    for top in range(0, size, _BLOCK):
        used = np.nonzero(matrix[top : top + _BLOCK].any(axis=0))[0]
        if len(used):
            widest = max(widest, min(top + _BLOCK, size) - 1 - int(used[0]))
    return widest


class _Band:
    """A banded matrix with a dense border, factored: its band by Cholesky, its border by the Schur complement."""

    def __init__(self, matrix: Floats, inner: int, width: int) -> None:
        self._inner = inner
        lower = np.zeros((width + 1, inner))
        for k in range(width + 1):
            lower[k, : inner - k] = matrix.diagonal(-k)[: inner - k]
        self._factor = linalg.cholesky_banded(lower, overwrite_ab=True, lower=True, check_finite=False)
        self._border = matrix[:inner, inner:].copy()
        self._through = self._solved(self._border)
        corner = matrix[inner:, inner:] - self._border.T @ self._through
        self._corner = linalg.cho_factor(corner, lower=True, check_finite=False) if len(corner) else None

    def answer(self, right: Floats) -> Floats:
        ahead = self._solved(right[: self._inner])
        if self._corner is None:
            return ahead
        lens = linalg.cho_solve(self._corner, right[self._inner :] - self._border.T @ ahead, check_finite=False)
        return np.concatenate([ahead - self._through @ lens, lens])

    def _solved(self, right: Floats) -> Floats:
        return np.asarray(linalg.cho_solve_banded((self._factor, True), right, check_finite=False))
