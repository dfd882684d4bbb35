"""Tells the observer how far the solve is, in units of frames: tracking is the first half of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .frames import Observer

_EVERY_S = 0.1
SOLVED_SHARE = 0.95
"""Of the whole, when the camera is there: writing follows, with masks that are made as they are written."""


@dataclass
class Steps:
    """Called between short pieces of work; may raise what the observer raises. Steps whose length nobody
    knows creep towards their end. seconds: wall time by step."""

    observer: Observer
    frames: int
    seconds: dict[str, float] = field(default_factory=dict)
    _note: str = ""
    _done: float = 0.0
    _end: float = 0.0
    _told: float = 0.0

    @property
    def total(self) -> int:
        return 2 * self.frames

    @contextmanager
    def step(self, name: str, note: str, end: float) -> Iterator[None]:
        """A step of the solve that ends at `end` (0..1) of the whole."""
        self._note, self._end = note, end * self.total
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        self._done = self._end

    def frame_done(self, index: int, number: int) -> None:
        """Tracking has done frame `index`."""
        self._done = index + 1.0
        self.observer.progress(index + 1, self.total, number, self._note, (index + 1, self.frames))

    def __call__(self) -> None:
        self.observer.check_cancelled()
        self._done += 0.02 * (self._end - self._done)
        now = time.monotonic()
        if now - self._told > _EVERY_S:
            self._told = now
            self.observer.progress(int(self._done), self.total, None, self._note)
