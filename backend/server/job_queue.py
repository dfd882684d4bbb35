"""Which job is next: higher priority first, first come first served within one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from shared.messages import JobRequest, JobStatus


@dataclass
class Job:
    """A job as the server holds it. order: place in the line. shot_key: equal for jobs on one folder.
    device: where it runs, "auto" resolved. crashes: how often the server died while it ran."""

    status: JobStatus
    order: int
    shot_key: str
    device: str
    crashes: int = 0
    cancel_asked: bool = False

    @property
    def id(self) -> str:
        return self.status.id

    @property
    def request(self) -> JobRequest:
        return self.status.request


class JobQueue:
    """The jobs that wait."""

    def __init__(self) -> None:
        self._waiting: dict[str, Job] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, job: Job) -> None:
        self._waiting[job.id] = job

    def remove(self, job: Job) -> bool:
        """Whether the job was waiting."""
        return self._waiting.pop(job.id, None) is not None

    def take(self, busy_devices: Collection[str], busy_shots: Collection[str]) -> Job | None:
        """Removes and returns the next job whose device and shot are free."""
        ready = [
            job
            for job in self._waiting.values()
            if job.device not in busy_devices and job.shot_key not in busy_shots
        ]  # fmt: skip
        if not ready:
            return None
        job = min(ready, key=lambda job: (-job.request.priority, job.order))
        del self._waiting[job.id]
        return job
