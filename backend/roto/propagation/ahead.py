"""Movements measured one frame ahead, on a thread of its own, while the frame before is worked on.

OpenCV lets go of Python's lock while it measures, so that two cores have something to do. What comes out is the same
whether a movement was begun ahead or is measured when it is asked for.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from backend.pipeline.heaps import share_one_heap

from .movement import FlowMeter, Movement
from .windows import Working


class FlowAhead:
    """Holds one movement at most besides the one being asked for. Leaving it waits for the one being measured, some 50
    ms, and ends the thread."""

    def __init__(self) -> None:
        share_one_heap()
        self._meter = FlowMeter()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="flow")
        self._begun: tuple[Working, Working, Future[Movement]] | None = None

    def __enter__(self) -> FlowAhead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def begin(self, before: Working, after: Working) -> None:
        """The movement that is likely to be asked for next."""
        self._begun = before, after, self._thread.submit(self._meter.between, before.gray, after.gray)

    def between(self, before: Working, after: Working) -> Movement:
        begun, self._begun = self._begun, None
        if begun is None or begun[0] is not before or begun[1] is not after:
            begun = before, after, self._thread.submit(self._meter.between, before.gray, after.gray)
        return begun[2].result()
