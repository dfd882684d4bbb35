"""A job's log, to look at."""

from __future__ import annotations

from typing import ClassVar

import bpy

from .. import runtime
from ..properties import selected_job
from ..shared.errors import InvalidRequest
from .reporting import FINISHED, refuse

_NAME = "Backlot Log"


class BACKLOT_OT_show_job_log(bpy.types.Operator):
    """Show what the selected job has logged, in a Text Editor or a window of its own; it follows while the job runs"""

    bl_idname = "backlot.show_job_log"
    bl_label = "Show Log"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    job: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..diagnostics.report import log_of_job

        selected, session = selected_job(context.window_manager.backlot_jobs), runtime.session()
        job = self.job or (selected.job if selected is not None else "")
        said = log_of_job(session.home, job) if job else ""
        if not said and job not in session.jobs:
            return refuse(self, InvalidRequest("There is no log of this job.", "Select a job that has run."))
        text = bpy.data.texts.get(_NAME) or bpy.data.texts.new(_NAME)
        text.use_fake_user = False  # it goes with its window, rather than into every file
        _show(context, text)
        runtime.pump().jobs.log.follow(job, text, said)
        self.report({"INFO"}, f"The log is the text {_NAME}")
        return FINISHED


def _show(context: bpy.types.Context, text: bpy.types.Text) -> None:
    """In a Text Editor that is open, or in a new window."""
    areas = [area for window in context.window_manager.windows for area in window.screen.areas]
    editors = [area for area in areas if area.type == "TEXT_EDITOR"]
    if not editors and not bpy.app.background and context.window is not None:
        bpy.ops.wm.window_new()
        area = context.window_manager.windows[-1].screen.areas[0]
        area.ui_type = "TEXT_EDITOR"
        editors = [area]
    for area in editors:
        view = area.spaces.active
        view.text, view.show_word_wrap, view.show_syntax_highlight = text, True, False
        view.top = len(text.lines)  # the end, which it then follows


CLASSES = (BACKLOT_OT_show_job_log,)
