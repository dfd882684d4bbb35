"""`doctor` and `engines`, answered by a process of their own: it may import what the server must not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from typing import Any

from shared.connection import HOME_VARIABLE
from shared.errors import InternalError, RequestTimeout

from .process_tree import ProcessTree, start_options
from .settings import SOURCE, Settings

_LIMIT_S = 120.0
_KEEP_S = 30.0


class Checkup:
    """The report is kept for half a minute; callers that come meanwhile share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: asyncio.Task[dict[str, Any]] | None = None
        self._made = 0.0

    async def report(self) -> dict[str, Any]:
        """{"text": for people, "facts": map, "engines": [EngineStatus]}. Raises `InternalError`,
        `RequestTimeout`."""
        if self._running is None or (self._running.done() and time.monotonic() - self._made > _KEEP_S):
            self._running = asyncio.get_running_loop().create_task(self._make())
        try:
            return await asyncio.shield(self._running)
        except (InternalError, RequestTimeout):
            self._running = None
            raise

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError, InternalError, RequestTimeout):
                await self._running

    async def _make(self) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *self._settings.doctor_command,
            cwd=SOURCE,
            env={**os.environ, HOME_VARIABLE: str(self._settings.home)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            **start_options(),
        )
        tree = ProcessTree(process.pid)
        try:
            output, complaints = await asyncio.wait_for(process.communicate(), _LIMIT_S)
        except TimeoutError as late:
            raise RequestTimeout(f"The check-up did not end within {_LIMIT_S:g} s.") from late
        finally:
            if process.returncode is None:
                tree.kill()
                await process.wait()
            tree.close()
        self._made = time.monotonic()
        return _parse(output, complaints)


def _parse(output: bytes, complaints: bytes) -> dict[str, Any]:
    try:
        report = json.loads(output)
    except ValueError as bad:
        said = complaints.decode("utf-8", "replace").strip().splitlines()[-8:]
        raise InternalError("The check-up ended without a report.", output=said) from bad
    if not isinstance(report, dict):
        raise InternalError("The check-up's report is not a map.")
    return report
