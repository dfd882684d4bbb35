"""Which job is next: higher priority first, first come first served within one, unless somebody moves them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from shared.messages import JobRequest, JobStatus


@dataclass
class Job:
    """A job as the server holds it. shot_key: equal for jobs on one folder. crashes: how often the server died
    while it ran."""

    status: JobStatus
    shot_key: str
    crashes: int = 0
    cancel_asked: bool = False

    @property
    def id(self) -> str:
        return self.status.id

    @property
    def request(self) -> JobRequest:
        return self.status.request

    @property
    def device(self) -> str:
        """Where it runs, "auto" resolved."""
        return self.status.device


@dataclass(frozen=True)
class Place:
    """Where a job stands in the line; see `JobStatus.turn`."""

    job: Job
    priority: int
    order: float


class JobQueue:
    """The jobs that wait."""

    def __init__(self) -> None:
        self._waiting: dict[str, Job] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, job: Job) -> bool:
        return job.id in self._waiting

    def add(self, job: Job) -> None:
        self._waiting[job.id] = job

    def remove(self, job: Job) -> bool:
        """Whether the job was waiting."""
        return self._waiting.pop(job.id, None) is not None

    def take(self, busy_devices: Collection[str], busy_shots: Collection[str]) -> Job | None:
        """Removes and returns the next job whose device and shot are free."""
        for job in self._line():
            if job.device not in busy_devices and job.shot_key not in busy_shots:
                del self._waiting[job.id]
                return job
        return None

    def moved(self, job: Job, beside: Job, *, after: bool) -> list[Place]:
        """The places that put a waiting job right before (or after) another one: of the job alone, as long as there is
        a number between its neighbours'. It takes on the priority of the other."""
        line = [other for other in self._line() if other is not job]
        index = line.index(beside) + after
        line.insert(index, job)
        priority = beside.request.priority
        before = _order(line, index - 1, priority)
        behind = _order(line, index + 1, priority)
        order = _between(before, behind)
        if order is not None:
            return [Place(job, priority, order)]
        kin = [other for other in line if other is job or other.request.priority == priority]
        first = min(other.status.order for other in kin)
        return [Place(other, priority, first + number) for number, other in enumerate(kin)]

    def _line(self) -> list[Job]:
        return sorted(self._waiting.values(), key=lambda job: job.status.turn)


def _order(line: list[Job], index: int, priority: int) -> float | None:
    """Of the job at `index`, None when there is none of that priority."""
    if not 0 <= index < len(line) or line[index].request.priority != priority:
        return None
    return line[index].status.order


def _between(before: float | None, behind: float | None) -> float | None:
    """A number between two; None when no floating point number lies there."""
    if before is None:
        return (behind or 0.0) - 1.0
    if behind is None:
        return before + 1.0
    middle = (before + behind) / 2.0
    return middle if before < middle < behind else None
