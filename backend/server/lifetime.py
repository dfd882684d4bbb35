"""Why a server ends by itself: nobody uses it, or the process that asked for it has ended."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from shared.connection import process_exists

_PARENT_POLL_S = 0.5


async def stop_when_idle(idle_s: Callable[[], float], limit_s: float, stop: Callable[[], None]) -> None:
    """Calls `stop` once `idle_s()` has reached `limit_s`."""
    while (left := limit_s - idle_s()) > 0:
        await asyncio.sleep(min(max(left, 0.01), 1.0))
    stop()


async def stop_with_parent(pid: int, stop: Callable[[], None]) -> None:
    """Calls `stop` when process `pid` has ended."""
    if hasattr(os, "pidfd_open"):
        await _ended(pid)
    else:
        while process_exists(pid):
            await asyncio.sleep(_PARENT_POLL_S)
    stop()


async def _ended(pid: int) -> None:
    """Linux: exact, also for a process that nobody reaps."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:  # it is gone already
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
