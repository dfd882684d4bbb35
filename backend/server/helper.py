"""A child that stays warm and answers requests, started with the first one, and again when it has died."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Mapping
from typing import Any

from shared.codec import Request, Response
from shared.errors import BacklotError, MalformedMessage, RequestTimeout, WorkerCrashed, from_wire

from .child import Child
from .settings import Settings

_Waiting = dict[int, "asyncio.Future[Any]"]


class Helper:
    """name: of its log, and `purpose` what it does, for the sentences of errors."""

    def __init__(self, settings: Settings, name: str, purpose: str, command: tuple[str, ...]) -> None:
        self._settings, self._name, self._purpose = settings, name, purpose
        self._command = command
        self._ids = itertools.count(1)
        self._starting = asyncio.Lock()
        self._child: Child | None = None
        self._waiting: _Waiting = {}
        self._pump: asyncio.Task[None] | None = None

    async def ask(self, method: str, params: Mapping[str, Any], limit_s: float, late: str) -> Any:
        """The plain result. Raises what the child answered, `WorkerCrashed`, and `RequestTimeout` with the sentence
        `late`; a child that is late is ended."""
        child, waiting = await self._ready_child()
        number = next(self._ids)
        answer = waiting[number] = asyncio.get_running_loop().create_future()
        child.send(Request(number, method, dict(params)))
        try:
            return await asyncio.wait_for(answer, limit_s)
        except TimeoutError as slow:
            child.kill()
            raise RequestTimeout(late) from slow
        finally:
            waiting.pop(number, None)

    async def stop(self) -> None:
        if self._child is not None and self._child.alive:
            await self._child.stop(self._settings.stop_grace_s)
        if self._pump is not None:
            await self._pump

    async def _ready_child(self) -> tuple[Child, _Waiting]:
        async with self._starting:
            if self._child is not None and self._pump is not None and self._pump.done():
                self._child.kill()  # heard of its end before the system has: who asks it now would wait in vain
                self._child = None
            if self._child is None or not self._child.alive:
                output = self._settings.logs_dir / f"{self._name}.log"
                output.unlink(missing_ok=True)
                command = (*self._command, "--parent-pid", str(os.getpid()))
                self._child, self._waiting = await Child.start(command, output, {}), {}
                self._pump = asyncio.get_running_loop().create_task(self._receive(self._child, self._waiting))
            return self._child, self._waiting

    async def _receive(self, child: Child, waiting: _Waiting) -> None:
        """Hands the answers of a process to those who wait for them; its end is an error for all."""
        error: BacklotError = WorkerCrashed(f"The process that {self._purpose} ended.")
        try:
            while (message := await child.receive()) is not None:
                if isinstance(message, Response):
                    _settle(message, waiting)
        except MalformedMessage as bad:
            error = bad
            child.kill()
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(error)


def _settle(message: Response, waiting: _Waiting) -> None:
    answer = waiting.get(message.id)
    if answer is None or answer.done():
        return
    if message.error is None:
        answer.set_result(message.result)
    else:
        answer.set_exception(from_wire(message.error))
