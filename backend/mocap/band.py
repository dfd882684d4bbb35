"""Normal equations of a chain of frames: each frame is tied to the two after it, and all of them to a few shared
numbers (a bordered block band)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solveh_banded

from .skeleton import Floats, Slopes

_REACH = 2
_HELD = 1e14
"""Information that nothing moves."""


@dataclass
class Normals:
    """near[k] [T-k,P,P]: rows of frame t + k, columns of frame t. border [T,P,G], shared [G,G]. right [T,P] and
    right_shared [G]: negative gradient. cost: half the sum of weighted squares."""

    near: tuple[Floats, Floats, Floats]
    border: Floats
    shared: Floats
    right: Floats
    right_shared: Floats
    cost: float = 0.0

    @classmethod
    def empty(cls, frames: int, per_frame: int, shared: int) -> Normals:
        near = [np.zeros((max(frames - k, 0), per_frame, per_frame)) for k in range(_REACH + 1)]
        return cls(
            (near[0], near[1], near[2]), np.zeros((frames, per_frame, shared)), np.zeros((shared, shared)),
            np.zeros((frames, per_frame)), np.zeros(shared),
        )  # fmt: skip

    def add(self, residual: Slopes, weight: Floats, slopes: dict[int, Slopes], shared: Slopes | None = None) -> None:
        """residual, weight [N,R]: of N chains that begin with the frames 0..N-1. slopes: frame offset -> [N,R,P].
        shared: slope [N,R,G] by the shared numbers. Products are of single precision."""
        count = len(residual)
        self.cost += 0.5 * float((weight * residual**2).sum())
        root = np.sqrt(weight)
        off = (root * residual).astype(np.float32)[..., None]
        scale = root.astype(np.float32)[..., None]
        scaled = {k: slope.astype(np.float32, copy=False) * scale for k, slope in slopes.items()}
        across = None if shared is None else shared.astype(np.float32, copy=False) * scale
        for k, slope in scaled.items():
            turned = slope.transpose(0, 2, 1)
            self.right[k : k + count] -= np.matmul(turned, off)[..., 0]
            for j, other in scaled.items():
                if j <= k:
                    at = self.near[k - j]
                    at[j : j + count] += np.matmul(turned, other)
            if across is not None:
                self.border[k : k + count] += np.matmul(turned, across)
        if across is not None:
            flat = across.reshape(-1, across.shape[-1])
            self.shared += flat.T @ flat
            self.right_shared -= flat.T @ off.ravel()

    def hold(self, frames: int, shared: bool) -> None:
        """The first frames, and the shared numbers if asked, stay as they are."""
        at = np.arange(self.right.shape[1])
        self.near[0][:frames, at, at] += _HELD
        self.right[:frames] = 0.0
        if shared:
            every = np.arange(len(self.shared))
            self.shared[every, every] += _HELD
            self.right_shared[:] = 0.0

    def known_of_shared(self) -> Floats:
        """[G,G]: information on the shared numbers once the frames' own are free (their Schur complement)."""
        size = self.right.size
        across = self.border.reshape(size, -1)
        solved = solveh_banded(self._banded(0.0), across, lower=True, check_finite=False)
        found: Floats = self.shared - across.T @ solved
        return 0.5 * (found + found.T)

    def solve(self, damping: float) -> tuple[Floats, Floats]:
        """Steps [T,P] and [G]; damping is Marquardt's, relative to the diagonal."""
        frames, per_frame = self.right.shape
        size = frames * per_frame
        band = self._banded(damping)
        columns = np.concatenate([self.right.reshape(size, 1), self.border.reshape(size, -1)], 1)
        solved = solveh_banded(band, columns, lower=True, check_finite=False)
        across = self.border.reshape(size, -1)
        middle = self.shared + np.diag(damping * np.diag(self.shared)) - across.T @ solved[:, 1:]
        right = self.right_shared - across.T @ solved[:, 0]
        shared = cho_solve(cho_factor(middle, lower=True), right)
        steps: Floats = (solved[:, 0] - solved[:, 1:] @ shared).reshape(frames, per_frame)
        return steps, shared

    def _banded(self, damping: float) -> Floats:
        """LAPACK's lower band storage: row i - j, column j."""
        frames, p = self.right.shape
        band = np.zeros(((_REACH + 1) * p, frames, p))
        column = np.arange(p)
        for k, blocks in enumerate(self.near):
            for row in range(p):
                # Element (row, column) of a block k frames below the diagonal lies k * p + row - column below it.
                below = k * p + row - column
                use = below >= 0
                band[below[use], : len(blocks), column[use]] = blocks[:, row, use].T
        band[0] *= 1.0 + damping
        band[0] += 1e-9
        flat: Floats = band.reshape((_REACH + 1) * p, frames * p)
        return flat
