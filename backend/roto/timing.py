"""Where the time of a run goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

Measure = Callable[[str], AbstractContextManager[None]]
"""Counts the time within it under a name."""

PROMPTED_FRAMES, PEOPLE = "prompted frames", "people in boxes"
"""What engines measure apart: the masks of prompted frames, and the search for people in artists' boxes."""


def unmeasured(name: str) -> AbstractContextManager[None]:
    return nullcontext()


class Clock:
    """Seconds by name, of the thread that made it: by the wall, and of all processors. What is measured within another
    measure counts for itself alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}
        self._running: list[str] = []
        self._since = self._now()
        self._thread = threading.get_ident()

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        if threading.get_ident() != self._thread:
            yield
            return
        self._turn()
        self._running.append(name)
        try:
            yield
        finally:
            self._turn()
            self._running.pop()

    def _turn(self) -> None:
        wall, cpu = self._now()
        if self._running:
            name = self._running[-1]
            self.seconds[name] = self.seconds.get(name, 0.0) + wall - self._since[0]
            self.cpu_seconds[name] = self.cpu_seconds.get(name, 0.0) + cpu - self._since[1]
        self._since = wall, cpu

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()
