"""What is to be done when a job ends: kept by the pump, which looks at states and not at events, since a job may end
before its submission is answered."""

from __future__ import annotations

from collections.abc import Callable

from .session import Session
from .shared.errors import from_wire
from .shared.messages import DONE, FAILED, JobRequest, JobStatus

Then = Callable[[JobStatus], None]


class FollowUps:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: dict[str, Then] = {}

    def submit(self, request: JobRequest, then: Then) -> None:
        """Queues a job; `then` gets it when it is done. Its failure becomes the session's error."""

        def queued(status: JobStatus) -> None:
            self._waiting[status.id] = then

        self._session.submit(request, queued)

    def check(self) -> None:
        """Calls what is due."""
        for job, then in list(self._waiting.items()):
            status = self._session.jobs.get(job)
            if status is None or not status.is_over:
                continue
            del self._waiting[job]
            if status.state == DONE:
                then(status)
            elif status.state == FAILED and status.error:
                self._session.error = from_wire(status.error)
