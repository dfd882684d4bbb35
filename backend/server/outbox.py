"""What waits to be sent to one client: in order, bounded, with only the newest progress of each job."""

from __future__ import annotations

import asyncio
import itertools


class Outbox:
    """limit: bytes that may wait. A message given with a `replaces` key takes the place of a waiting one
    with the same key, so that a client which reads slowly gets the present and not a growing past."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: dict[str, bytes] = {}
        self._numbers = itertools.count()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._finished = False
        self.overflowed = False

    def put(self, data: bytes, replaces: str = "") -> None:
        """Adds a message. Past the limit, `overflowed` is set and nothing more is kept."""
        if self.overflowed:
            return
        key = replaces or f"#{next(self._numbers)}"
        self._bytes += len(data) - len(self._waiting.pop(key, b""))
        self._waiting[key] = data
        if self._bytes > self._limit:
            self.overflowed = True
            self._waiting.clear()
        self._filled.set()

    def finish(self) -> None:
        """Nothing more will come."""
        self._finished = True
        self._filled.set()

    async def get(self) -> bytes:
        """The next message; waits for one. b"" after the last, or once the box has overflowed."""
        while not self._waiting and not self.overflowed and not self._finished:
            self._filled.clear()
            await self._filled.wait()
        if not self._waiting:
            return b""
        key = next(iter(self._waiting))
        data = self._waiting.pop(key)
        self._bytes -= len(data)
        return data
