"""A fitted body over a whole clip, in a few hundred bytes a frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .body import Body
from .skeleton import Floats, Skeleton

CHUNK = 120
"""Frames that are unpacked at once."""

_UNIT = np.array([0.0, 0.0, 0.0, 1.0], np.float32)


@dataclass(frozen=True)
class KeptBody:
    """As `Body`, but for turns [T,S,4]: quaternions xyzw of single precision, 1e-7 radians. NaN where the body is
    absent."""

    skeleton: Skeleton
    root: Floats
    turns: NDArray[np.float32]
    rest: Floats
    size: float
    measure: float = 1.0

    @classmethod
    def of(cls, body: Body) -> KeptBody:
        found = cls.absent(body.frames, body)
        found.put(0, body)
        return found

    @classmethod
    def absent(cls, frames: int, like: Body) -> KeptBody:
        """With the bones of another."""
        turns = np.full((frames, len(like.skeleton.segments), 4), np.nan, np.float32)
        return cls(like.skeleton, np.full((frames, 3), np.nan), turns, like.rest, like.size, like.measure)

    @property
    def frames(self) -> int:
        return len(self.root)

    def put(self, start: int, body: Body) -> None:
        """Writes the frames from start on."""
        at = slice(start, start + body.frames)
        known = np.isfinite(body.turns).all((1, 2, 3))
        self.root[at] = body.root
        turns = np.full((body.frames, *self.turns.shape[1:]), np.nan, np.float32)
        if known.any():
            turns[known] = Rotation.from_matrix(body.turns[known].reshape(-1, 3, 3)).as_quat().reshape(
                -1, *self.turns.shape[1:]
            )  # fmt: skip
        self.turns[at] = turns

    def part(self, start: int, stop: int) -> Body:
        """Frames start..stop - 1."""
        quats = self.turns[start:stop]
        known = np.isfinite(quats[:, 0, 0])
        safe = np.where(known[:, None, None], quats, _UNIT).astype(np.float64)
        turns = Rotation.from_quat(safe.reshape(-1, 4)).as_matrix().reshape(*quats.shape[:2], 3, 3)
        turns[~known] = np.nan
        return Body(self.skeleton, self.root[start:stop].copy(), turns, self.rest, self.size, self.measure)

    def parts(self) -> Iterator[tuple[int, Body]]:
        """Bodies of consecutive frames, each with its first."""
        for start in range(0, self.frames, CHUNK):
            yield start, self.part(start, min(start + CHUNK, self.frames))

    def joints(self) -> Floats:
        """[T,J,3] world m."""
        found = np.empty((self.frames, len(self.skeleton), 3))
        for start, body in self.parts():
            found[start : start + body.frames] = body.joints()
        return found

    def scaled(self, factor: float) -> KeptBody:
        """In a world `factor` times as large."""
        return replace(self, root=self.root * factor, rest=self.rest * factor)
