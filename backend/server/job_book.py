"""Every job and its changes of state: remembered, saved, announced.

A terminal state is saved before it is announced, and is entered once: each job has exactly one terminal
event, also across restarts of the server.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from shared.artifacts import StageResult
from shared.errors import BacklotError, UnknownJob, WorkerCrashed
from shared.messages import (
    CANCELLED,
    DONE,
    FAILED,
    MOVED,
    QUEUED,
    RUNNING,
    JobRequest,
    JobStatus,
    Progress,
)

from ..devices import resolve_device
from .history import History, StoredJob, outdated
from .hub import Hub
from .job_logs import JobLogs
from .job_queue import Job, Place
from .settings import Settings

LOG = logging.getLogger("backlot.server.jobs")
_PRUNE_EVERY = 50
"""Jobs by which a server that runs for months may exceed what it should keep."""


class JobBook:
    """The jobs of a server. What changes a job is a coroutine that saves it; progress is not saved."""

    def __init__(self, settings: Settings, history: History, logs: JobLogs, hub: Hub) -> None:
        self._settings = settings
        self._history, self._hub = history, hub
        self.logs = logs
        self._jobs: dict[str, Job] = {}
        self._last_order = 0.0

    # -- reading --------------------------------------------------------------------------------------

    def get(self, id: str) -> Job:
        """Raises `UnknownJob`."""
        job = self._jobs.get(id)
        if job is None:
            raise UnknownJob(f"There is no job {id!r}.")
        return job

    def newest(self, limit: int) -> list[JobStatus]:
        return [job.status for job in list(reversed(self._jobs.values()))[: max(limit, 0)]]

    def shown(self, limit: int) -> list[JobStatus]:
        """The newest, and all that are not over however old they are; newest first."""
        newest = list(reversed(self._jobs.values()))
        return [job.status for place, job in enumerate(newest) if place < limit or not job.status.is_over]

    def unfinished(self) -> list[Job]:
        return [job for job in self._jobs.values() if not job.status.is_over]

    # -- life of the book -----------------------------------------------------------------------------

    async def open(self) -> list[Job]:
        """Reads history; returns the jobs that go back into the queue, in the order in which they may start: those that
        had begun before the others, whose turn may have been moved."""
        for stored in await self._history.open():
            await self._enter(stored.status, stored.crashes)
        await self._prune()
        await self.logs.keep_only(set(self._jobs))
        for job in self.unfinished():
            await self._take_up(job)
        return sorted(self.unfinished(), key=lambda job: (job.status.attempts == 0, *job.status.turn))

    async def _take_up(self, job: Job) -> None:
        if job.status.state == RUNNING:
            job.crashes += 1
            if job.crashes >= self._settings.crash_limit:
                await self.fail(job, _gives_up(job))
                return
            self.logs.add(job.id, "warning", "the backend stopped while this job ran; it continues")
        await self._change(job, QUEUED, state=QUEUED, started=None, progress=Progress())

    async def _prune(self) -> None:
        """Forgets the jobs that history need not keep, with their logs."""
        known = [job.status for job in self._jobs.values()]
        await self.forget(outdated(known, self._settings.keep_jobs, self._settings.keep_days, time.time()))

    async def forget(self, ids: Iterable[str]) -> list[str]:
        """Takes jobs out of the history, with their logs; those that are not over, or unknown, stay. Returns which."""
        over = [id for id in dict.fromkeys(ids) if id in self._jobs and self._jobs[id].status.is_over]
        for id in over:
            del self._jobs[id]
        self._hub.tell_gone(over)
        try:
            await self._history.forget(over)
        except BacklotError as error:  # they are forgotten another time
            LOG.error("old jobs could not be removed from the history: %s", error)
        await self.logs.remove(over)
        return over

    async def create(self, request: JobRequest, client: str) -> Job:
        """A new queued job, saved."""
        id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        job = await self._enter(JobStatus(id, QUEUED, request, client=client, created=time.time()), 0)
        try:
            await self._history.save(StoredJob(job.status))
        except BacklotError:
            del self._jobs[id]
            raise
        self.logs.add(id, "info", f"queued by {client or 'a client'}: {', '.join(request.stages)} of {request.shot}")
        self._hub.publish(QUEUED, job.status)
        if len(self._jobs) > self._settings.keep_jobs + _PRUNE_EVERY:
            await self._prune()
        return job

    async def _enter(self, status: JobStatus, crashes: int) -> Job:
        shot = status.request.shot
        if not status.is_over:  # in a thread: it asks the disk, which may be a slow network one
            shot = await asyncio.to_thread(os.path.realpath, shot)
            # 0 is an order like any other: who has none has no device either.
            order = status.order if status.device else math.floor(self._last_order) + 1.0
            status = replace(status, device=resolve_device(status.request.device), order=order)
        self._last_order = max(self._last_order, status.order)
        job = self._jobs[status.id] = Job(status, os.path.normcase(shot), crashes)
        return job

    # -- changes of a job -----------------------------------------------------------------------------

    async def place(self, places: list[Place]) -> None:
        """Gives waiting jobs other places in the line: at once, and then saves them."""
        for place in places:
            job, request = place.job, replace(place.job.request, priority=place.priority)
            job.status = replace(job.status, request=request, order=place.order)
            self._last_order = max(self._last_order, place.order)
            self._hub.publish(MOVED, job.status)
        # All in one go: one of them may start meanwhile, and must not be saved as waiting after that.
        await self._save(*(place.job for place in places))

    async def start(self, job: Job) -> None:
        self.logs.add(job.id, "info", f"started on {job.device}")
        attempts = job.status.attempts + 1
        await self._change(job, "started", state=RUNNING, started=time.time(), attempts=attempts, error=None)

    def progress(self, job: Job, progress: Progress) -> None:
        job.status = replace(job.status, progress=progress)
        self._hub.publish("progress", job.status)

    async def notice(self, job: Job, sentence: str) -> None:
        await self._change(job, "notice", notices=(*job.status.notices, sentence))

    async def stage_done(self, job: Job, result: StageResult) -> None:
        others = tuple(r for r in job.status.results if r.stage != result.stage)
        await self._change(job, "stage", results=(*others, result))

    async def requeue(self, job: Job) -> None:
        """Back into the queue, because the server stops."""
        self.logs.add(job.id, "info", "the backend stops; this job continues at its next start")
        await self._change(job, QUEUED, state=QUEUED, started=None, progress=Progress())

    async def finish(self, job: Job, results: tuple[StageResult, ...]) -> None:
        self.logs.add(job.id, "info", "done")
        await self._end(job, DONE, results=results, progress=replace(job.status.progress, fraction=1.0, eta_s=None))

    async def fail(self, job: Job, error: BacklotError) -> None:
        self.logs.add(job.id, "error", str(error), job.status.progress.stage)
        await self._end(job, FAILED, error=error.to_wire())

    async def cancelled(self, job: Job) -> None:
        self.logs.add(job.id, "info", "cancelled", job.status.progress.stage)
        await self._end(job, CANCELLED)

    async def _end(self, job: Job, state: str, **changes: Any) -> None:
        assert not job.status.is_over, f"job {job.id} ends twice"
        await self._change(job, state, state=state, ended=time.time(), **changes)

    async def _change(self, job: Job, kind: str, **changes: Any) -> None:
        status = replace(job.status, **changes)
        await self._save(replace(job, status=status))
        job.status = status
        self._hub.publish(kind, status)

    async def _save(self, *jobs: Job) -> None:
        try:
            await self._history.save(*(StoredJob(job.status, job.crashes) for job in jobs))
        except BacklotError as error:  # they go on: only their memory across restarts is lost
            LOG.error("%s could not be saved: %s", ", ".join(f"job {job.id}" for job in jobs), error)


def _gives_up(job: Job) -> WorkerCrashed:
    return WorkerCrashed(
        f"The backend stopped unexpectedly {job.crashes} times while this job ran, so it is not tried again.",
        "Send the job's log; other jobs are not affected.",
    )
