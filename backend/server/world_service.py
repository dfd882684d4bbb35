"""`world.change`, `world.suggest`, `camera.import` and `clip.probe`, each by a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from shared.connection import HOME_VARIABLE
from shared.errors import InternalError, RequestTimeout, from_wire
from shared.wire import pack

from .process_tree import ProcessTree, start_options
from .settings import SOURCE, Settings

_LIMIT_S = {"clip.probe": 120.0, "world.suggest": 60.0, "world.change": 3600.0, "camera.import": 1800.0}
"""A change rewrites every depth frame of the shot; it is safe to end it at any moment."""
_AT_ONCE = 2


class WorldService:
    """Starts a process a question; questions that come in numbers wait for their turn."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._running: set[ProcessTree] = set()

    async def ask(self, method: str, params: Any) -> Any:
        """The plain result. Raises what the process answered, `InternalError` when it died, `RequestTimeout`."""
        question = json.dumps({"method": method, "params": pack(params)}).encode()
        async with self._turns:
            output, complaints = await self._run(method, question, _LIMIT_S[method])
        try:
            said = json.loads(output)
        except ValueError as bad:
            lines = complaints.decode("utf-8", "replace").strip().splitlines()[-8:]
            raise InternalError(f"The process that works on {method} ended without an answer.", output=lines) from bad
        if "error" in said:
            raise from_wire(said["error"])
        return said["result"]

    async def _run(self, method: str, question: bytes, limit_s: float) -> tuple[bytes, bytes]:
        process = await asyncio.create_subprocess_exec(
            *self._settings.world_command,
            cwd=SOURCE,
            env={**os.environ, HOME_VARIABLE: str(self._settings.home)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            **start_options(),
        )
        tree = ProcessTree(process.pid)
        self._running.add(tree)
        try:
            return await asyncio.wait_for(process.communicate(question), limit_s)
        except TimeoutError as late:
            raise RequestTimeout(f"{method} was not done within {limit_s:g} s.") from late
        finally:
            self._running.discard(tree)
            if process.returncode is None:
                tree.kill()
                await process.wait()
            tree.close()

    async def stop(self) -> None:
        """Ends what runs; whoever asked hears that it ended."""
        for tree in tuple(self._running):
            tree.kill()
