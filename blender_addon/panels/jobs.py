"""All jobs of the backend."""

from __future__ import annotations

from typing import ClassVar

import bpy

from .. import runtime, wording
from ..properties import selected_job
from ..shared.messages import CANCELLED, DONE, FAILED, QUEUED, RUNNING
from .tab import BacklotTab, letters

_ICONS = {QUEUED: "SORTTIME", RUNNING: "PLAY", DONE: "CHECKMARK", FAILED: "ERROR", CANCELLED: "X"}


class BACKLOT_UL_jobs(bpy.types.UIList):
    def draw_item(self, _context, layout, _data, item, _icon, _active_data, _active_property, _index=0, _flt=0) -> None:
        row = layout.row(align=True)
        row.label(text=item.title, icon=_ICONS.get(item.state, "QUESTION"))
        if item.state == RUNNING:
            row.progress(factor=item.fraction, type="BAR", text=f"{round(100 * item.fraction)} %")
        else:
            row.label(text=item.detail)


class BACKLOT_PT_jobs(BacklotTab, bpy.types.Panel):
    bl_label = "Jobs"
    bl_idname = "BACKLOT_PT_jobs"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, session = self.layout, runtime.session()
        layout.label(text=session.status_line, icon="LINKED" if session.online else "UNLINKED")
        if not session.online:
            layout.operator("backlot.start_backend")
        listed = context.window_manager.backlot_jobs
        row = layout.row()
        row.template_list("BACKLOT_UL_jobs", "", listed, "items", listed, "active", rows=3)
        buttons = row.column(align=True)
        buttons.operator("backlot.cancel_job", text="", icon="X")
        buttons.operator("backlot.retry_job", text="", icon="FILE_REFRESH")
        buttons.operator("backlot.show_job_log", text="", icon="TEXT")
        self._selected(context)
        layout.operator("backlot.save_diagnostics", icon="FILE_TEXT")

    def _selected(self, context: bpy.types.Context) -> None:
        selected = selected_job(context.window_manager.backlot_jobs)
        status = runtime.session().jobs.get(selected.job) if selected is not None else None
        if status is None:
            return
        if status.state == FAILED and status.error:
            wording.draw_error(self.layout.box(), status.error, letters(context))
        else:
            wording.draw_wrapped(self.layout, wording.state_text(status), letters(context))


CLASSES = (BACKLOT_UL_jobs, BACKLOT_PT_jobs)
