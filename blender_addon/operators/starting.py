"""Jobs of a scene, started without waiting: the pump sees to the rest."""

from __future__ import annotations

import bpy

from .. import preferences, runtime
from ..shared.messages import JobRequest, JobStatus


def start_job(scene: bpy.types.Scene, request: JobRequest) -> None:
    """Queues a job that the scene then waits for, and starts the backend if need be."""
    session, program = runtime.session(), preferences.backend_program()
    name = scene.name

    def submitted(status: JobStatus) -> None:
        target = bpy.data.scenes.get(name)
        if target is not None:
            target.backlot.job = status.id

    session.submit(request, submitted)
    session.start(program.python, program.source)
