"""How far the stage is: every pass goes over all frames, and some take longer than others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.pipeline.context import StageContext


class Progress:
    """weights: note of each pass, in order, and its rough share of the time."""

    def __init__(self, context: StageContext, frames: int, weights: Mapping[str, int]) -> None:
        self._context, self._frames, self._weights = context, frames, weights
        self._total = frames * sum(weights.values())

    def begin(self, note: str) -> Callable[[int], None]:
        """What to call with the plate number of every frame that the pass has done; raises `JobCancelled`. A pass may
        begin again."""
        before = list(self._weights)[: list(self._weights).index(note)]
        weight, start, done = self._weights[note], self._frames * sum(self._weights[name] for name in before), 0
        self._context.progress(start, self._total, note=note)

        def step(number: int) -> None:
            nonlocal done
            done += 1
            reached = min(done, self._frames)
            self._context.progress(start + reached * weight, self._total, number, note, (reached, self._frames))

        return step
