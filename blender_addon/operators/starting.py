"""Jobs of a scene, started without waiting: the pump sees to the rest."""

from __future__ import annotations

import bpy

from .. import known, preferences, runtime
from ..properties import folder_path, wait_for_job
from ..shared.messages import JobRequest, JobStatus
from .importing import shot_folder_of


def is_solved(context: bpy.types.Context) -> bool:
    """Whether the scene's shot has a solved camera."""
    return known.is_solved(shot_folder_of(context))


class OnSolvedShot:
    """An operator that starts a stage which needs the solved camera."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not is_solved(context):
            cls.poll_message_set("Solve the camera first")
            return False
        settings = context.scene.backlot
        job = runtime.session().job_of(folder_path(settings), settings.job)
        if job is not None and not job.is_over:
            cls.poll_message_set("A job of this shot is running")
            return False
        return True


def start_job(scene: bpy.types.Scene, request: JobRequest) -> None:
    """Queues a job that the scene then waits for, and starts the backend if need be."""
    session, program = runtime.session(), preferences.backend_program()
    name = scene.name

    def submitted(status: JobStatus) -> None:
        target = bpy.data.scenes.get(name)
        if target is not None:
            wait_for_job(target.backlot, status.id)

    session.submit(request, submitted)
    session.start(program.python, program.source)
