"""Why a server ends by itself: nobody uses it, or the process that asked for it has ended."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

from shared.process_facts import process_exists

_PARENT_POLL_S = 0.5


async def stop_when_idle(idle_s: Callable[[], float], limit_s: float, stop: Callable[[], None]) -> None:
    """Calls `stop` once `idle_s()` has reached `limit_s`."""
    while (left := limit_s - idle_s()) > 0:
        await asyncio.sleep(min(max(left, 0.01), 1.0))
    stop()


async def stop_with_parent(pid: int, stop: Callable[[], None]) -> None:
    """Calls `stop` when process `pid` has ended."""
    descriptor = _descriptor(pid)
    if descriptor is None:
        while process_exists(pid):
            await asyncio.sleep(_PARENT_POLL_S)
    else:
        await _readable(descriptor)
    stop()


def _descriptor(pid: int) -> int | None:
    """Linux: a descriptor of the process, which becomes readable at its end, also when nobody reaps it. None
    elsewhere, in containers that forbid it, and when the process is gone already."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


async def _readable(descriptor: int) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
