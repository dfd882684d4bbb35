"""Which scenes wait for which jobs: also for those that ended while Blender was closed."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ..properties import stop_waiting_for, waited_jobs
from ..session import Session
from ..shared.errors import BacklotError
from ..shared.messages import JobStatus


class SceneJobs:
    """A job's results come into a scene once: undoing their import brings back a scene that still waits, but does not
    import them again."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._taken: set[tuple[str, str]] = set()
        self._sought: set[str] = set()

    def file_opened(self) -> None:
        """Its scenes may wait for what the file before has had."""
        self._taken.clear()
        self._sought.clear()

    def ended(self) -> Iterator[tuple[bpy.types.Scene, JobStatus]]:
        """Jobs that are over, with the scene that waited for each; it does not any more. It looks at states, not at
        events: a job may end before its submission is answered, or while Blender was closed."""
        for scene, job in _waits():
            status = self._session.jobs.get(job)
            if status is None or not status.is_over:
                continue
            stop_waiting_for(scene.backlot, job)
            if (scene.name, job) not in self._taken:
                self._taken.add((scene.name, job))
                yield scene, status

    def find(self) -> None:
        """Asks for the jobs that scenes wait for and the backend did not list, since so many came after them."""
        if not self._session.online:
            self._sought.clear()
            return
        for _, job in _waits():
            if job not in self._session.jobs and job not in self._sought:
                self._sought.add(job)
                self._session.look_up(job, lambda error, job=job: self._not_found(job, error))

    @staticmethod
    def _not_found(job: str, error: BacklotError) -> None:
        if error.code == "unknown-job":
            for scene, waited in _waits():
                if waited == job:
                    stop_waiting_for(scene.backlot, job)


def _waits() -> list[tuple[bpy.types.Scene, str]]:
    """(scene, job) of this file's own scenes."""
    own = [scene for scene in bpy.data.scenes if scene.library is None]
    return [(scene, job) for scene in own for job in waited_jobs(scene.backlot)]
