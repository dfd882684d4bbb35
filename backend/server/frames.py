"""Plate frames for viewers: asked of a light process that stays warm, answered with a file to map."""

from __future__ import annotations

import asyncio
import itertools
import os
import zlib
from pathlib import Path
from typing import Any

from shared.codec import Request, Response
from shared.errors import BacklotError, InvalidRequest, MalformedMessage, RequestTimeout, WorkerCrashed, from_wire

from .child import Child
from .settings import Settings

_ANSWER_LIMIT_S = 30.0
_Waiting = dict[int, "asyncio.Future[Any]"]


class FrameService:
    """Starts its process with the first request, and again when it has died."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ids = itertools.count(1)
        self._starting = asyncio.Lock()
        self._child: Child | None = None
        self._waiting: _Waiting = {}
        self._pump: asyncio.Task[None] | None = None

    async def frame(self, shot: str, frame: int) -> Any:
        """{"path": an .npy file, uint8 [H,W,3] RGB}. Raises what the reading raised, `WorkerCrashed`,
        `RequestTimeout`."""
        if not Path(shot).is_absolute():
            raise InvalidRequest(f"The shot folder {shot!r} is not an absolute path.", "Give its whole path.")
        child, waiting = await self._ready_child()
        number = next(self._ids)
        answer = waiting[number] = asyncio.get_running_loop().create_future()
        child.send(Request(number, "frame", {"shot": shot, "frame": frame}))
        try:
            return await asyncio.wait_for(answer, _ANSWER_LIMIT_S)
        except TimeoutError as late:
            child.kill()
            raise RequestTimeout(f"Frame {frame} of {shot} could not be read in {_ANSWER_LIMIT_S:g} s.") from late
        finally:
            waiting.pop(number, None)

    async def stop(self) -> None:
        if self._child is not None and self._child.alive:
            await self._child.stop(self._settings.stop_grace_s)
        if self._pump is not None:
            await self._pump

    async def _ready_child(self) -> tuple[Child, _Waiting]:
        async with self._starting:
            if self._child is None or not self._child.alive:
                output = self._settings.logs_dir / "frames.log"
                output.unlink(missing_ok=True)
                folder = preview_folder(self._settings.home)
                command = (*self._settings.frames_command, "--folder", str(folder), "--parent-pid", str(os.getpid()))
                self._child, self._waiting = await Child.start(command, output, {}), {}
                self._pump = asyncio.get_running_loop().create_task(_receive(self._child, self._waiting))
            return self._child, self._waiting


async def _receive(child: Child, waiting: _Waiting) -> None:
    """Hands the answers of a process to those who wait for them; its end is an error for all."""
    error: BacklotError = WorkerCrashed("The process that reads plate frames ended.")
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


def preview_folder(home: Path) -> Path:
    """A folder for frames on their way to viewers: in memory where the system has such a place for this
    user, otherwise in the home folder."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.access(runtime, os.W_OK):
        # One folder a home: servers of several homes must not clean up after each other.
        return Path(runtime) / "backlot" / f"{zlib.crc32(str(home).encode()):08x}"
    return home / "preview"
