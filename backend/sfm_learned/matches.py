"""What a learned matcher offers, whichever model it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from backend.sfm.frames import Flags, Floats, WorkingFrame


@dataclass(frozen=True)
class PairMatches:
    """Matches of two pictures: a, b float64 [K, 2], px of the working pictures, edges at integers; score [K] 0..1."""

    a: Floats
    b: Floats
    score: Floats

    def select(self, keep: Flags) -> PairMatches:
        return PairMatches(self.a[keep], self.b[keep], self.score[keep])


class PairMatcher(Protocol):
    """A model that matches pictures. merge_px: keypoints of one frame that are this near (working px) are the same;
    sigma_px: standard deviation of its keypoints, working px; batch: pairs at once to begin with."""

    name: str
    merge_px: float
    sigma_px: float
    batch: int

    def describe(self, frame: WorkingFrame) -> Any:
        """What is kept of a picture to match it with others: bounded in size."""

    def match(self, pairs: Sequence[tuple[Any, Any]]) -> list[PairMatches]:
        """The matches of every pair of descriptions, all in one run of the model."""


def no_matches() -> PairMatches:
    return PairMatches(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))


def usable_at(usable: Flags | None, xy: Floats) -> Flags:
    """Whether the pixels under xy [K, 2] (edges at integers) may be used [K]; those outside may not."""
    if usable is None:
        return np.ones(len(xy), bool)
    column, row = np.floor(xy).astype(np.int64).T
    height, width = usable.shape
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    allowed = np.zeros(len(xy), bool)
    allowed[inside] = usable[row[inside], column[inside]]
    return allowed
