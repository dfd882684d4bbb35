"""How long each call of what the extension has hung into Blender takes: its timer and its handlers. Used in the window
and, by `build.py bench blender_ui`, in Blender's module."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import bpy

PACKAGE = "bl_ext.user_default.backlot"


class FrameTimer:
    """calls: seconds of each call by name: on the clock, and of processor time of this thread. On a busy computer the
    clock also counts what others do."""

    def __init__(self) -> None:
        self.calls: dict[str, list[tuple[float, float]]] = {}
        self._put_back: list[Callable[[], None]] = []

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        found = self.calls.setdefault(name, [])

        def measured(*given: Any) -> Any:
            began, own = time.perf_counter(), time.thread_time()
            try:
                return call(*given)
            finally:
                found.append((time.perf_counter() - began, time.thread_time() - own))

        return measured

    def watch(self, pump: Any) -> None:
        """The pump's timer, if it runs, and every handler of the extension."""
        own = pump._callback
        pump._callback = self.timed("pump", own)
        self._swap_timer(own, pump._callback)
        self._put_back.append(lambda: self._end_timer(pump, own))
        for name in dir(bpy.app.handlers):
            handlers = getattr(bpy.app.handlers, name)
            if isinstance(handlers, list):
                self._watch_handlers(name, handlers)

    def _watch_handlers(self, name: str, handlers: list[Any]) -> None:
        for place, handler in enumerate(handlers):
            if str(getattr(handler, "__module__", "")).startswith(PACKAGE):
                handlers[place] = bpy.app.handlers.persistent(self.timed(name, handler))
                self._put_back.append(lambda place=place, handler=handler: handlers.__setitem__(place, handler))

    @staticmethod
    def _swap_timer(before: Any, after: Any) -> None:
        if bpy.app.timers.is_registered(before):
            bpy.app.timers.unregister(before)
            bpy.app.timers.register(after, persistent=True)

    def _end_timer(self, pump: Any, own: Any) -> None:
        self._swap_timer(pump._callback, own)
        pump._callback = own

    def end(self) -> dict[str, dict[str, float]]:
        """Puts everything back. By name: calls, and ms of the clock at 50 and 95 of a hundred calls and of the longest,
        and of processor time of the longest (`own_max`)."""
        for put_back in reversed(self._put_back):
            put_back()
        self._put_back.clear()
        return {name: summary(calls) for name, calls in self.calls.items() if calls}


def summary(calls: list[tuple[float, float]]) -> dict[str, float]:
    clock = sorted(1000.0 * wall for wall, _ in calls)
    return {
        "calls": len(clock),
        "p50": round(clock[len(clock) // 2], 2),
        "p95": round(clock[int(0.95 * (len(clock) - 1))], 2),
        "max": round(clock[-1], 2),
        "own_max": round(1000.0 * max(own for _, own in calls), 2),
    }
