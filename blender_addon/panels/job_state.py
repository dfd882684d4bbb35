"""The shot's job as panels show it: progress with its cross, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import runtime, wording
from ..jobs import words
from ..properties import folder_path, waited_jobs
from ..requests import wanted_values
from ..shared.messages import FAILED, QUEUED, JobStatus
from ..stage_states import CURRENT, STALE, state_of
from .tab import letters

if TYPE_CHECKING:
    from ..summary import ShotSummary


def current_job(context: bpy.types.Context) -> JobStatus | None:
    """The job that the scene waits for, or else the newest of its shot."""
    settings = context.scene.backlot
    folder = folder_path(settings)
    return runtime.session().job_of(folder, settings.job) if folder is not None else None


def of_stage(job: JobStatus | None, stage: str) -> bool:
    """Whether a job was asked for a stage."""
    return job is not None and stage in job.request.stages


def solved_summary(context: bpy.types.Context, layout: bpy.types.UILayout) -> ShotSummary | None:
    """Of the scene's shot; None, and a line that says so, before its camera is solved."""
    folder = folder_path(context.scene.backlot)
    summary = runtime.session().summary(folder) if folder is not None else None
    if summary is None or not summary.is_solved:
        layout.label(text="Solve the camera first", icon="INFO")
        return None
    return summary


def settings_column(layout: bpy.types.UILayout, job: JobStatus | None) -> bpy.types.UILayout:
    """Where a stage's parameters go: grey while a job of the shot runs."""
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    column.enabled = job is None or job.is_over
    return column


def draw_run(
    context: bpy.types.Context, layout: bpy.types.UILayout, job: JobStatus | None, operator: str, icon: str, stage: str
) -> None:
    """A stage's big button with its state above, or the progress of its job while that runs; then what went wrong."""
    width = letters(context)
    if job is not None and not job.is_over:
        draw_progress(layout, job, width)
    else:
        draw_state(context, layout, stage)
        row = layout.row()
        row.scale_y = 1.6
        row.operator(operator, icon=icon)
    draw_trouble(layout, job, width)


def draw_state(context: bpy.types.Context, layout: bpy.types.UILayout, stage: str) -> None:
    """Up to date, or out of date because of something; nothing for a stage that never ran."""
    folder = folder_path(context.scene.backlot)
    summary = runtime.session().summary(folder) if folder is not None else None
    if summary is None:
        return
    state = state_of(stage, summary.records, wanted_values(context.scene, stage))
    if state.kind == CURRENT:
        layout.label(text="Up to date", icon="CHECKMARK")
    elif state.kind == STALE:
        wording.draw_wrapped(layout, f"Out of date: {'; '.join(state.reasons)}", letters(context), "FILE_REFRESH")


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
