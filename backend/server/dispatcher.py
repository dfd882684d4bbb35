"""Queued jobs to workers: one job at a time on a device, and one at a time in a shot."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from backend.worker.protocol import WorkOrder
from shared.artifacts import StageResult
from shared.codec import Notification
from shared.errors import (
    BacklotError,
    InternalError,
    InvalidRequest,
    JobCancelled,
    MalformedMessage,
    OutOfMemory,
    WorkerCrashed,
)
from shared.messages import Progress
from shared.wire import unpack

from .job_book import JobBook
from .job_queue import Job, JobQueue
from .leftovers import remove_leftovers
from .settings import Settings
from .worker import Worker

LOG = logging.getLogger("backlot.server.dispatcher")
_SWEEP_LIMIT_S = 0.3


class Dispatcher:
    """Runs what is in the queue until it is stopped."""

    def __init__(self, settings: Settings, book: JobBook) -> None:
        self._settings, self._book = settings, book
        self._queue = JobQueue()
        self._workers: dict[str, Worker] = {}
        self._running: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle_timers: dict[str, asyncio.TimerHandle] = {}
        self._stopping = False

    @property
    def busy(self) -> bool:
        return bool(self._running) or len(self._queue) > 0

    def add(self, job: Job) -> None:
        """Puts a job into the queue and starts it if it can."""
        self._queue.add(job)
        self._pump()

    async def move(self, job: Job, beside: Job, *, after: bool) -> None:
        """Puts a waiting job right before (or after) another one. Raises `InvalidRequest` when one does not wait."""
        for one in (job, beside):
            if one not in self._queue:
                raise InvalidRequest(f"Job {one.id} does not wait any more.", "Only waiting jobs can be moved.")
        if job is not beside:
            await self._book.place(self._queue.moved(job, beside, after=after))

    def processes(self) -> list[tuple[str, int, str]]:
        """(device, process, job or "") of every worker that lives."""
        return [
            (device, worker.last_pid, self._running[device].id if device in self._running else "")
            for device, worker in self._workers.items()
            if worker.alive and worker.last_pid is not None
        ]

    async def cancel(self, job: Job) -> None:
        """Ends a queued job now and a running one within its grace time. An ended one stays as it is."""
        if self._queue.remove(job):
            await self._book.cancelled(job)
        elif not job.status.is_over and not job.cancel_asked:
            job.cancel_asked = True
            self._book.logs.add(job.id, "info", "cancel was asked for")
            self._workers[job.device].cancel()

    async def stop(self) -> None:
        """Stops every worker; running jobs go back into the queue for the next start."""
        self._stopping = True
        for device in self._running:
            self._workers[device].cancel(self._settings.stop_grace_s)
        if self._tasks:
            await asyncio.wait(self._tasks)
        for timer in self._idle_timers.values():
            timer.cancel()
        await asyncio.gather(*(worker.stop() for worker in self._workers.values()))

    def _pump(self) -> None:
        while not self._stopping:
            busy_shots = {job.shot_key for job in self._running.values()}
            job = self._queue.take(self._running, busy_shots)
            if job is None:
                return
            self._running[job.device] = job
            self._spawn(self._run(job))

    async def _run(self, job: Job) -> None:
        worker = self._workers.setdefault(job.device, Worker(job.device, self._settings))
        self._keep_warm(job.device)
        try:
            await self._work(job, worker)
        except Exception:
            LOG.exception("job %s ended badly", job.id)
            if not job.status.is_over:
                await self._book.fail(job, InternalError("The backend met an unexpected error."))
        finally:
            del self._running[job.device]
            self._stop_when_idle(job.device)
            self._pump()

    async def _work(self, job: Job, worker: Worker) -> None:
        await self._book.start(job)
        if job.cancel_asked:
            await self._book.cancelled(job)
            return
        logs = self._book.logs
        order = WorkOrder(job.id, job.request, str(logs.lines_path(job.id)), str(logs.output_path(job.id)))
        try:
            results = await worker.run(order, lambda message: self._hear(job, message))
        except BacklotError as error:
            await self._ended(job, worker, error)
        else:
            await self._book.finish(job, results)

    async def _ended(self, job: Job, worker: Worker, error: BacklotError) -> None:
        if isinstance(error, JobCancelled | WorkerCrashed | OutOfMemory) and worker.last_pid is not None:
            await self._sweep(job, worker.last_pid)
        if isinstance(error, WorkerCrashed | OutOfMemory) and "output" not in error.details:
            error.details["output"] = await self._book.logs.tail(job.id)
        if isinstance(error, JobCancelled) and self._stopping and not job.cancel_asked:
            await self._book.requeue(job)
        elif isinstance(error, JobCancelled):
            await self._book.cancelled(job)
        else:
            await self._book.fail(job, error)

    async def _sweep(self, job: Job, pid: int) -> None:
        """A huge shot on a slow disk must not hold the job's end back: the sweep then goes on behind it."""
        sweep = asyncio.ensure_future(asyncio.to_thread(remove_leftovers, Path(job.request.shot), pid))
        await asyncio.wait([sweep], timeout=_SWEEP_LIMIT_S)

    async def _hear(self, job: Job, message: Notification) -> None:
        try:
            await self._note(job, message)
        except MalformedMessage as bad:
            LOG.error("the worker of job %s sent a bad %s: %s", job.id, message.method, bad)

    async def _note(self, job: Job, message: Notification) -> None:
        if message.method == "job.progress":
            self._book.progress(job, unpack(Progress, message.params))
        elif message.method == "job.notice":
            await self._book.notice(job, str(message.params.get("sentence", "")))
        elif message.method == "job.stage":
            await self._book.stage_done(job, unpack(StageResult, message.params))
        elif message.method == "worker.silent":
            await self._book.notice(job, _silence(message.params["seconds"]))

    def _keep_warm(self, device: str) -> None:
        timer = self._idle_timers.pop(device, None)
        if timer is not None:
            timer.cancel()

    def _stop_when_idle(self, device: str) -> None:
        def stop() -> None:
            if device not in self._running:
                LOG.info("the worker of %s was idle and is stopped", device)
                self._spawn(self._workers.pop(device).stop())

        self._idle_timers[device] = asyncio.get_running_loop().call_later(self._settings.worker_idle_s, stop)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _silence(seconds: float) -> str:
    return (
        f"The worker has not answered for {seconds:g} s. It may be busy in a long step or stuck: "
        "cancel the job if it does not go on."
    )
