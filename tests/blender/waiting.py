"""The pump's turns for one part of the extension, in tests without an event loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

WAIT_S = 120.0


def until(part: Any, condition: Callable[[], bool]) -> None:
    """Takes in what threads and processes have sent until something is so. part: has a session and a `step`."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        part.session.poll(time.perf_counter() + 0.01)
        part.step()
        time.sleep(0.01)  # the event loop's own pause between two turns
