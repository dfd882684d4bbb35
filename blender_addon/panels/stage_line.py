"""The state of a stage, the same in every panel: never run, up to date, out of date, running, failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import bpy

from .. import runtime, wording
from ..properties import folder_path
from ..requests import wanted_values
from ..shared.artifacts import StageResult
from ..shared.messages import DONE
from ..stage_states import CURRENT, FAILED, NEVER, RUNNING, STALE, UNREAD, StageState, newest_job, shown_state
from . import preset_menu
from .job_state import draw_progress
from .tab import letters

if TYPE_CHECKING:
    from ..summary import ShotSummary

ICONS = {
    NEVER: "RADIOBUT_OFF",
    CURRENT: "CHECKMARK",
    STALE: "FILE_REFRESH",
    RUNNING: "SORTTIME",
    FAILED: "ERROR",
    UNREAD: "SORTTIME",
}
_CUT = "cut-in-clip"


def summary_of(context: bpy.types.Context) -> ShotSummary | None:
    """Of the scene's shot; None before a shot is chosen, and while its folder is being read."""
    folder = folder_path(context.scene.backlot)
    return runtime.session().summary(folder) if folder is not None else None


def needs_camera(layout: bpy.types.UILayout, context: bpy.types.Context) -> bool:
    """Whether the camera has to be solved first; then it says so."""
    summary = summary_of(context)
    if summary is not None and summary.is_solved:
        return False
    layout.label(text="Solve the camera first", icon="INFO")
    return True


def stage_state(context: bpy.types.Context, stage: str) -> StageState:
    """Of the scene's shot, as far as it is known without touching the disk."""
    folder = folder_path(context.scene.backlot)
    if folder is None:
        return StageState(NEVER, text="Never run")
    session = runtime.session()
    summary, job = session.summary(folder), newest_job(session.jobs.values(), folder, stage)
    records = None if summary is None else summary.records
    made = summary is not None and summary.has(stage)
    return shown_state(stage, records, wanted_values(context.scene, stage), job, made)


def draw_header(layout: bpy.types.UILayout, context: bpy.types.Context, stage: str) -> None:
    """At the right of a panel's header, also while it is closed: the state, and the presets."""
    row = layout.row(align=True)
    row.label(text="", icon=ICONS[stage_state(context, stage).kind])
    preset_menu.draw_button(row, stage)


def draw_state(context: bpy.types.Context, layout: bpy.types.UILayout, stage: str) -> StageState:
    """One line; for a job that runs its progress, for one that failed what happened and what to do."""
    state, width = stage_state(context, stage), letters(context)
    if state.kind == RUNNING and state.job is not None:
        draw_progress(layout, state.job, width)
    elif state.kind == FAILED and state.job is not None:
        _draw_failure(layout, state, width)
    else:
        wording.draw_wrapped(layout.column(align=True), state.text, width, ICONS[state.kind])
    return state


def _draw_failure(layout: bpy.types.UILayout, state: StageState, width: int) -> None:
    job, box = state.job, layout.box()
    error = job.error or {"message": "The job failed and did not say why."}
    wording.draw_error(box, error, width)
    row = box.row(align=True)
    if runtime.session().online:
        row.operator("backlot.retry_job", text="Try Again", icon="FILE_REFRESH").job = job.id
    else:
        row.operator("backlot.start_backend", icon="PLAY")
    row.operator("backlot.show_job_log", text="Log", icon="TEXT").job = job.id
    frame = cut_of(error)
    if frame is not None:
        row = box.row(align=True)
        row.operator("backlot.use_frames", text="Use Before Cut", icon="TRIA_LEFT").last = frame - 1
        row.operator("backlot.use_frames", text="Use from Cut", icon="TRIA_RIGHT").first = frame


def cut_of(error: Mapping[str, Any]) -> int | None:
    """The frame at which a clip has a cut, from the error that says so."""
    frame = error.get("details", {}).get("frame") if error.get("code") == _CUT else None
    return frame if isinstance(frame, int) else None


def last_result(context: bpy.types.Context, stage: str) -> StageResult | None:
    """Of the newest job of the scene's shot that finished the stage, as far as the backend remembers."""
    folder = folder_path(context.scene.backlot)
    job = newest_job(runtime.session().jobs.values(), folder, stage) if folder is not None else None
    if job is None or job.state != DONE:
        return None
    return next((result for result in job.results if result.stage == stage), None)


def draw_notices(context: bpy.types.Context, layout: bpy.types.UILayout, stage: str) -> None:
    """What the stage had to say in this session."""
    result = last_result(context, stage)
    for sentence in result.notices if result is not None else ():
        wording.draw_wrapped(layout, sentence, letters(context), "INFO")


def draw_import(layout: bpy.types.UILayout, busy: str, operator: str, **arguments: Any) -> None:
    """The button that brings results in, or what comes in now. busy: "" when nothing does."""
    if busy:
        layout.label(text=f"Importing {busy}", icon="SORTTIME")
        return
    button = layout.operator(operator, icon="IMPORT")
    for name, value in arguments.items():
        setattr(button, name, value)


def draw_some(layout: bpy.types.UILayout, sentences: Sequence[str], width: int, most: int, icon: str = "INFO") -> None:
    """The first sentences, and how many more there are."""
    for sentence in sentences[:most]:
        wording.draw_wrapped(layout, sentence, width, icon)
    if len(sentences) > most:
        layout.label(text=f"and {len(sentences) - most} more")


def draw_problems(
    layout: bpy.types.UILayout, problems: Sequence[tuple[int, str]], width: int, most: int, icon: str = "ERROR"
) -> None:
    """Places that need a look: frame and sentence, each with the button that goes there."""
    for frame, sentence in problems[:most]:
        row = layout.row(align=True)
        wording.draw_wrapped(row.column(align=True), sentence, width - 6, icon)
        row.operator("backlot.show_frame", text="", icon="TIME").frame = frame
    if len(problems) > most:
        layout.label(text=f"and {len(problems) - most} more, marked in the timeline")
