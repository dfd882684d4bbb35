"""Which frames are matched with which, with a bounded number of them in memory.

Each frame is compared with a few before it, over growing gaps, and with the last key frame. A frame becomes a key frame
when little of the last one is left in it; then it is also compared with earlier key frames, so that a camera that comes
back meets its old points. There is no retrieval: shared matches say what overlaps.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backend.inference.memory import Batches
from backend.sfm.frames import Floats, WorkingFrame
from backend.sfm.robust_fits import fit_fundamental

from .graph import MatchGraph
from .matches import PairMatcher, PairMatches

_VERIFIED_PX = 1.5
"""Distance from the epipolar line, working px, within which a match agrees with the others of its pair."""

_LEAST_VERIFIED = 15
_KEY_OVERLAP = 0.6
"""A frame that shares less than this part of what the last key frame shared with its next one is a new key frame."""


@dataclass(frozen=True)
class PairPlan:
    """gaps: frames back that each frame is compared with. revisits: earlier key frames that a new one is compared
    with. remembered: key frames kept in memory; when there are more, every second one is forgotten."""

    gaps: tuple[int, ...] = (1, 2, 4, 8)
    revisits: int = 8
    remembered: int = 32


@dataclass(frozen=True)
class _Held:
    index: int
    described: Any


@dataclass
class MatchStream:
    """Feed it the frames in order; the matches, in px of the plate, go into `graph`. scale [2]: plate px per working
    px."""

    matcher: PairMatcher
    plan: PairPlan
    batches: Batches
    graph: MatchGraph
    scale: Floats
    _window: deque[_Held] = field(default_factory=deque)
    _keys: list[_Held] = field(default_factory=list)
    _shared_at_first: int = 0

    def step(self, frame: WorkingFrame) -> None:
        """Matches `frame` with its partners. Raises `OutOfMemory` when not even one pair fits."""
        here = _Held(frame.index, self._describe(frame))
        recent = {held.index: held for held in self._window if frame.index - held.index in self.plan.gaps}
        partners = {**recent, **{held.index: held for held in self._keys[-1:]}}
        shared = self._compare(list(partners.values()), here)
        if self._is_key(frame.index, shared):
            earlier = [held for held in self._keys if held.index not in partners]
            self._compare(_evenly(earlier, self.plan.revisits), here)
            self._remember(here)
        self._window.append(here)
        while self._window[0].index <= frame.index - max(self.plan.gaps):
            self._window.popleft()

    def _describe(self, frame: WorkingFrame) -> Any:
        (described,) = self.batches.over([frame], lambda frames: [self.matcher.describe(frames[0])])
        return described

    def _compare(self, others: list[_Held], here: _Held) -> dict[int, int]:
        """Matches with each of the others; how many hold, by its index."""
        pairs = [(other.described, here.described) for other in others]
        shared = {}
        for other, found in zip(others, self.batches.over(pairs, self.matcher.match), strict=True):
            good = verified(found)
            self.graph.add(other.index, here.index, good.a * self.scale, good.b * self.scale, good.score)
            shared[other.index] = len(good.a)
        return shared

    def _is_key(self, index: int, shared: dict[int, int]) -> bool:
        if not self._keys:
            return True
        key = self._keys[-1].index
        if index == key + 1:
            self._shared_at_first = shared[key]
        return shared[key] < _KEY_OVERLAP * self._shared_at_first

    def _remember(self, here: _Held) -> None:
        self._keys.append(here)
        if len(self._keys) > self.plan.remembered:
            self._keys = [*self._keys[:-1:2], self._keys[-1]]


def verified(found: PairMatches) -> PairMatches:
    """The matches that agree on an epipolar geometry; none when too few do."""
    _, agree = fit_fundamental(found.a, found.b, _VERIFIED_PX)
    if agree.sum() < _LEAST_VERIFIED:
        agree = np.zeros(len(found.a), bool)
    return found.select(agree)


def _evenly(held: list[_Held], most: int) -> list[_Held]:
    if len(held) <= most:
        return held
    return [held[int(i)] for i in np.linspace(0, len(held) - 1, most)]
