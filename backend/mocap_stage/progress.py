"""How far the stage is: everybody is looked for in all frames, then person after person is fitted, then written."""

from __future__ import annotations

from collections.abc import Callable

from backend.pipeline.context import StageContext

LOOKING, FITTING, WRITING = 8, 3, 1
"""Shares of the time."""


class Progress:
    """Shares of a whole that is counted in frames. numbers: plate numbers of the frames."""

    def __init__(self, context: StageContext, numbers: tuple[int, ...]) -> None:
        self._context, self._numbers = context, numbers
        self._total = (LOOKING + FITTING + WRITING) * len(numbers)
        self._reached = 0

    def looking(self, what: str, done: int, total: int) -> None:
        """Raises `JobCancelled`, as all of these do."""
        self.looking_at(0, 1)(what, done, total)

    def looking_at(self, view: int, views: int) -> Callable[[str, int, int], None]:
        """What to call while people are looked for in that view, of so many."""
        share = LOOKING / views

        def step(what: str, done: int, total: int) -> None:
            frame_by_frame = (done, total) if total == len(self._numbers) else (0, 0)
            self._say(view * share, share, done, total, what, frame_by_frame)

        return step

    def fitting(self, person: int, people: int) -> Callable[[int, int], None]:
        """What to call while that person, of so many, is fitted."""
        share = FITTING / people

        def step(done: int, total: int) -> None:
            self._say(LOOKING + person * share, share, done, total, "Fitting the body")

        return step

    def writing(self, person: int, people: int) -> Callable[[int, int], None]:
        """As `fitting`."""
        share = WRITING / people

        def step(done: int, total: int) -> None:
            self._say(LOOKING + FITTING + person * share, share, done, total, "Writing")

        return step

    def _say(
        self, before: float, share: float, done: int, total: int, note: str, frames: tuple[int, int] = (0, 0)
    ) -> None:
        part = min(done / max(total, 1), 1.0)
        count = len(self._numbers)
        number = self._numbers[min(int(part * count), count - 1)]
        self._reached = max(self._reached, round((before + share * part) * count))  # people may be fitted once more
        self._context.progress(self._reached, self._total, number, note, frames)
