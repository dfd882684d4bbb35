"""Symmetric positive definite matrices whose blocks are linked in a chain, with a dense border.

    [ D0  E0'          B0 ]
    [ E0  D1  E1'      B1 ]
    [     E1  D2       B2 ]
    [ B0' B1' B2'      C  ]

Of the inverse only the diagonal blocks and a few columns are ever asked for: the recursion of Takahashi, Fagan & Chen
("Formation of a sparse bus impedance matrix", 1973) gives the blocks in time linear in the length of the chain, and
never the whole inverse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from .frames import Floats


@dataclass(frozen=True)
class Chain:
    """diagonal: K blocks [n_k, n_k]; link: K - 1 blocks [n_k+1, n_k] below the diagonal; border: K blocks [n_k, L];
    corner: [L, L]."""

    diagonal: list[Floats]
    link: list[Floats]
    border: list[Floats]
    corner: Floats


class ChainInverse:
    """The inverse of a chain, as far as it is asked for. Raises `numpy.linalg.LinAlgError` for a matrix that is not
    positive definite."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._pivots: list[tuple[Floats, bool]] = []
        block = chain.diagonal[0]
        for k in range(len(chain.diagonal)):
            factor: tuple[Floats, bool] = linalg.cho_factor(block, lower=True, check_finite=False)
            self._pivots.append(factor)
            if k + 1 < len(chain.diagonal):
                block = chain.diagonal[k + 1] - chain.link[k] @ linalg.cho_solve(factor, chain.link[k].T)
        self._border = self._solved(chain.border)
        inner = sum((b.T @ s for b, s in zip(chain.border, self._border, strict=True)), np.zeros_like(chain.corner))
        self.corner: Floats = np.asarray(np.linalg.inv(chain.corner - inner), np.float64)
        """[L, L] block of the inverse."""

    def columns(self, right: list[Floats]) -> list[Floats]:
        """Inverse times columns that are zero in the border: K blocks [n_k, C] -> K blocks [n_k, C]."""
        plain = self._solved(right)
        pull = sum(
            (b.T @ s for b, s in zip(self._chain.border, plain, strict=True)),
            np.zeros((len(self.corner), right[0].shape[1])),
        )
        return [s + b @ (self.corner @ pull) for s, b in zip(plain, self._border, strict=True)]

    def diagonal(self) -> list[Floats]:
        """The diagonal blocks [n_k, n_k] of the inverse."""
        blocks: list[Floats] = []
        for k in range(len(self._pivots) - 1, -1, -1):
            block = linalg.cho_solve(self._pivots[k], np.eye(len(self._chain.diagonal[k])), check_finite=False)
            if blocks:
                gain = linalg.cho_solve(self._pivots[k], self._chain.link[k].T, check_finite=False)
                block = block + gain @ blocks[-1] @ gain.T
            blocks.append(block)
        blocks.reverse()
        return [c + b @ self.corner @ b.T for c, b in zip(blocks, self._border, strict=True)]

    def _solved(self, right: list[Floats]) -> list[Floats]:
        """Inverse of the chain without its border times `right`."""
        there: list[Floats] = []
        for k, column in enumerate(right):
            left = column
            if k:
                left = column - self._chain.link[k - 1] @ linalg.cho_solve(self._pivots[k - 1], there[-1])
            there.append(left)
        back: list[Floats] = []
        for k in range(len(right) - 1, -1, -1):
            left = there[k] if not back else there[k] - self._chain.link[k].T @ back[-1]
            back.append(linalg.cho_solve(self._pivots[k], left, check_finite=False))
        back.reverse()
        return back
