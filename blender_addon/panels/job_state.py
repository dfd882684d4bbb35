"""The shot's job as panels show it: progress with its cross."""

from __future__ import annotations

import bpy

from .. import runtime, wording
from ..jobs import words
from ..properties import folder_path
from ..shared.messages import QUEUED, JobStatus


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
