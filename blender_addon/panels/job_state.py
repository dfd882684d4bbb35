"""The shot's job as panels show it: progress with its cross, and what went wrong."""

from __future__ import annotations

import bpy

from .. import runtime, wording
from ..jobs import words
from ..properties import folder_path, waited_jobs
from ..shared.messages import FAILED, QUEUED, JobStatus


def current_job(context: bpy.types.Context) -> JobStatus | None:
    """The job that the scene waits for, or else the newest of its shot."""
    settings = context.scene.backlot
    folder = folder_path(settings)
    return runtime.session().job_of(folder, settings.job) if folder is not None else None


def draw_progress(layout: bpy.types.UILayout, job: JobStatus, width: int) -> None:
    """Of a job that is not over. width: letters."""
    row = layout.row(align=True)
    row.progress(factor=job.progress.fraction, type="BAR", text=words.percent(job))
    row.operator("backlot.cancel_job", text="", icon="X").job = job.id
    column = layout.column(align=True)
    if job.state == QUEUED:
        wording.draw_wrapped(column, words.waiting_text(job, runtime.session().jobs), width)
        return
    column.label(text=words.step_text(job))
    wording.draw_wrapped(column, words.progress_text(job), width)


def draw_trouble(layout: bpy.types.UILayout, job: JobStatus | None, width: int) -> None:
    """That the backend starts, and what a failed job says with the button to try again. The rest is said above all
    panels, by `trouble.py`."""
    session = runtime.session()
    if not session.online and session.status_line.endswith("starting"):
        layout.label(text=session.status_line, icon="SORTTIME")
    elif not session.online and job is None and waited_jobs(bpy.context.scene.backlot):
        box = layout.box()
        wording.draw_wrapped(box, "This scene waits for a job, and the backend is not running", width, "SORTTIME")
        box.operator("backlot.start_backend", icon="PLAY")
    if job is not None and job.state == FAILED and job.error:
        box = layout.box()
        wording.draw_error(box, job.error, width)
        box.operator("backlot.retry_job", text="Try Again", icon="FILE_REFRESH").job = job.id
