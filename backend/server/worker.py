"""The worker process of one device: it runs one job at a time and stays warm between them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from backend.worker.protocol import WorkOrder
from shared.artifacts import StageResult
from shared.build_command import build_command
from shared.codec import Notification, Request, Response
from shared.errors import BacklotError, JobCancelled, MalformedMessage, OutOfMemory, WorkerCrashed, from_wire
from shared.processors import usable_processors
from shared.wire import pack, unpack

from .child import Child
from .settings import Settings

LOG = logging.getLogger("backlot.server.worker")

Listener = Callable[[Notification], Awaitable[None]]

_WINDOWS_DEATHS = {0xC0000005: "access violation", 0xC00000FD: "stack overflow", 0xC0000409: "abort"}


class _DiedBeforeStart(Exception):
    """The warm process was gone when its next job came."""


class Worker:
    """Starts its process when a job comes and none is warm. last_pid: of the newest process."""

    def __init__(self, device: str, settings: Settings) -> None:
        self.device = device
        self._settings = settings
        self._child: Child | None = None
        self.last_pid: int | None = None
        self._ids = itertools.count(1)
        self._job: str | None = None
        self._cancelled = False
        self._kill_later: asyncio.TimerHandle | None = None

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.alive

    async def run(self, order: WorkOrder, listener: Listener) -> tuple[StageResult, ...]:
        """Runs a job to its end. `listener` hears its notifications, and "worker.silent" with `seconds`.

        Raises the job's own error, `JobCancelled`, `WorkerCrashed`, `OutOfMemory`.
        """
        self._job, self._cancelled = order.job, False
        try:
            return await self._run_again_if_gone(order, listener)
        except BacklotError as error:
            if self._cancelled and not isinstance(error, JobCancelled):
                raise JobCancelled(f"Job {order.job} was cancelled.") from error
            raise
        finally:
            self._job = None
            self._forget_kill()

    def cancel(self, grace_s: float | None = None) -> None:
        """Asks the running job to end, and kills the process when it has not after `grace_s`."""
        if self._child is None or self._job is None or self._cancelled:
            self._cancelled = True
            return
        self._cancelled = True
        self._child.send(Notification("job.cancel", {"job": self._job}))
        grace_s = self._settings.cancel_grace_s if grace_s is None else grace_s
        self._kill_later = asyncio.get_running_loop().call_later(grace_s, self._child.kill)

    async def stop(self) -> None:
        """Ends the process."""
        if self._child is not None and self.alive:
            await self._child.stop(self._settings.stop_grace_s)
        self._child = None

    async def _run_again_if_gone(self, order: WorkOrder, listener: Listener) -> tuple[StageResult, ...]:
        was_warm = self._child is not None
        try:
            return await self._run_once(order, listener)
        except _DiedBeforeStart as gone:
            if not was_warm:
                raise WorkerCrashed("The worker process ended before it began the job.") from gone
        LOG.warning("the idle worker of %s had died; a new one is started", self.device)
        return await self._run_once(order, listener)

    async def _run_once(self, order: WorkOrder, listener: Listener) -> tuple[StageResult, ...]:
        if self._child is not None and not self._child.alive:
            self._child = None
        child = self._child or await self._start()
        if self._cancelled:
            raise JobCancelled(f"Job {order.job} was cancelled.")
        number = next(self._ids)
        child.send(Request(number, "job.run", pack(order)))
        conversation = _Conversation(child, number, listener, self._settings.silence_s)
        answer = await conversation.until_answer()
        if answer is None:
            raise await self._died(child, conversation)
        if answer.error is not None:
            raise from_wire(answer.error)
        return unpack(_Results, answer.result).results

    async def _start(self) -> Child:
        output = self._settings.logs_dir / f"worker-{self.device.replace(':', '-')}.log"
        output.unlink(missing_ok=True)
        command = (*self._settings.worker_command, "--device", self.device, "--parent-pid", str(os.getpid()))
        child = self._child = await Child.start(command, output, thread_limits())
        self.last_pid = child.pid
        try:
            ready = await asyncio.wait_for(child.receive(), self._settings.start_limit_s)
        except (TimeoutError, MalformedMessage) as error:
            child.kill()
            await child.ended()
            raise WorkerCrashed(f"The worker process did not get ready: {error}", output=tail(output)) from error
        if ready is None:
            code = await child.ended()
            raise WorkerCrashed(
                f"The worker process stopped while starting ({describe_exit(code)}).",
                f"Run `{build_command('doctor')}` in Backlot's folder.",
                output=tail(output),
            )
        LOG.info("worker of %s started, pid %d", self.device, child.pid)
        return child

    async def _died(self, child: Child, conversation: _Conversation) -> BacklotError | _DiedBeforeStart:
        if conversation.broken:
            child.kill()
        code = await child.ended()
        self._child = None
        LOG.warning("worker of %s ended: %s", self.device, describe_exit(code))
        if self._cancelled:
            return JobCancelled("The job was cancelled.")
        if conversation.broken:
            return WorkerCrashed(f"The worker process sent nonsense and was stopped: {conversation.broken}")
        return death(code, conversation.stage) if conversation.began else _DiedBeforeStart()

    def _forget_kill(self) -> None:
        if self._kill_later is not None:
            self._kill_later.cancel()
            self._kill_later = None


@dataclass(frozen=True)
class _Results:
    results: tuple[StageResult, ...]


class _Conversation:
    """What a worker says during one job. stage: the last one it named."""

    def __init__(self, child: Child, number: int, listener: Listener, silence_s: float) -> None:
        self._child, self._number, self._listener, self._silence_s = child, number, listener, silence_s
        self.stage = ""
        self.began = False
        self.broken = ""

    async def until_answer(self) -> Response | None:
        """The answer to the job; None when the process ended, or `broken` says what nonsense it sent."""
        silent = False
        while True:
            try:
                message = await asyncio.wait_for(self._child.receive(), None if silent else self._silence_s)
            except TimeoutError:
                silent = True
                await self._listener(Notification("worker.silent", {"seconds": self._silence_s}))
                continue
            except MalformedMessage as bad:
                self.broken = bad.message
                return None
            silent = False
            if message is None or (isinstance(message, Response) and message.id == self._number):
                return message
            if isinstance(message, Notification):
                await self._hear(message)

    async def _hear(self, message: Notification) -> None:
        self.began = True
        self.stage = str(message.params.get("stage") or self.stage)
        await self._listener(message)


def death(code: int, stage: str) -> BacklotError:
    """What it means that a worker died by itself in `stage`. code: as `Child.ended` gives it."""
    where = f"while it ran {stage}" if stage else "before its first stage"
    details = {"stage": stage, "exit": describe_exit(code)}
    if code == -getattr(signal, "SIGKILL", 9):
        return OutOfMemory(
            f"The operating system killed the worker process {where}, most likely because memory ran out.", **details
        )
    return WorkerCrashed(f"The worker process crashed {where}: {describe_exit(code)}.", **details)


def describe_exit(code: int) -> str:
    """An exit code in words: `segmentation fault (SIGSEGV)`, `exit code 3`."""
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
        return f"{(signal.strsignal(-code) or 'signal').lower()} ({name})"
    return _WINDOWS_DEATHS.get(code, f"exit code {code}")


def tail(path: Path, lines: int = 12) -> list[str]:
    """The last lines of a short file, for an error's details."""
    try:
        return path.read_text("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return []


def thread_limits() -> dict[str, str]:
    """Environment that keeps native libraries to the processors this process may use, and their idle
    threads asleep (spinning ones take the time of the server and of Blender)."""
    count = str(usable_processors())
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")
    limits = {name: os.environ.get(name, count) for name in names}
    return {**limits, "OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
