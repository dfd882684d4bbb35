"""All jobs of the backend, whoever asked for them: what runs, what waits and in which order, and what has ended."""

from __future__ import annotations

from typing import ClassVar

import bpy

from .. import runtime, wording
from ..jobs import words
from ..properties import selected_job
from ..shared.messages import CANCELLED, DONE, FAILED, QUEUED, RUNNING, JobStatus, MachineStatus, MemoryUse
from .tab import BacklotTab, letters

_ICONS = {QUEUED: "SORTTIME", RUNNING: "PLAY", DONE: "CHECKMARK", FAILED: "ERROR", CANCELLED: "CANCEL"}


class BACKLOT_UL_jobs(bpy.types.UIList):
    def draw_item(self, _context, layout, _data, item, _icon, _active_data, _active_property, _index=0, _flt=0) -> None:
        split = layout.split(factor=0.52, align=True)
        split.label(text=item.title, icon=_ICONS.get(item.state, "QUESTION"))
        if item.state == RUNNING:
            split.progress(factor=item.fraction, type="BAR", text=item.detail)
            return
        row = split.row()
        row.alignment = "RIGHT"
        row.active = item.state == QUEUED
        row.label(text=item.detail)


class BACKLOT_MT_jobs(bpy.types.Menu):
    bl_label = "More for Jobs"
    bl_idname = "BACKLOT_MT_jobs"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator("backlot.move_job", text="Move to First", icon="TRIA_UP_BAR").direction = "FIRST"
        layout.operator("backlot.move_job", text="Move to Last", icon="TRIA_DOWN_BAR").direction = "LAST"
        layout.separator()
        layout.operator("backlot.clear_jobs", icon="TRASH")
        layout.operator("backlot.cancel_all_jobs", icon="CANCEL")
        layout.separator()
        layout.operator("backlot.queue_clips", icon="FILE_MOVIE")
        layout.operator("backlot.queue_scenes", icon="SCENE_DATA")


class BACKLOT_PT_jobs(BacklotTab, bpy.types.Panel):
    bl_label = "Jobs"
    bl_idname = "BACKLOT_PT_jobs"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        unfinished = sum(not status.is_over for status in runtime.session().jobs.values())
        if unfinished:
            self.layout.label(text=str(unfinished))

    def draw(self, context: bpy.types.Context) -> None:
        layout, session = self.layout, runtime.session()
        if not session.online:
            layout.label(text=session.status_line, icon="UNLINKED")
            layout.operator("backlot.start_backend")
        listed = context.window_manager.backlot_jobs
        chosen = selected_job(listed)
        status = session.jobs.get(chosen.job) if chosen is not None else None
        row = layout.row()
        row.template_list("BACKLOT_UL_jobs", "", listed, "items", listed, "active", rows=5)
        _draw_buttons(row.column(align=True), status)
        if status is not None:
            _draw_job(layout, status, letters(context))
        if session.online:
            machine = runtime.pump().jobs.meter.wish()
            if machine is not None:
                _draw_memory(layout, machine, letters(context))
        layout.operator("backlot.save_diagnostics", icon="FILE_TEXT")


def _draw_buttons(column: bpy.types.UILayout, status: JobStatus | None) -> None:
    """Beside the list; grey what does not go with the job that is selected."""
    state = status.state if status is not None else ""
    for name, icon, states in (
        ("backlot.cancel_job", "X", (QUEUED, RUNNING)),
        ("backlot.retry_job", "FILE_REFRESH", (FAILED, CANCELLED)),
        ("backlot.show_job_log", "TEXT", (RUNNING, DONE, FAILED, CANCELLED, QUEUED)),
    ):
        row = column.row(align=True)
        row.enabled = state in states
        row.operator(name, text="", icon=icon)
    column.menu("BACKLOT_MT_jobs", text="", icon="DOWNARROW_HLT")
    column.separator()
    moves = column.column(align=True)
    moves.enabled = state == QUEUED
    moves.operator("backlot.move_job", text="", icon="TRIA_UP").direction = "UP"
    moves.operator("backlot.move_job", text="", icon="TRIA_DOWN").direction = "DOWN"


def _draw_job(layout: bpy.types.UILayout, status: JobStatus, width: int) -> None:
    """What there is to know of the job that is selected."""
    if status.state == FAILED and status.error:
        wording.draw_error(layout.box(), status.error, width)
        return
    column = layout.column(align=True)
    for line in words.lines(status, runtime.session().jobs):
        wording.draw_wrapped(column, line, width)


def _draw_memory(layout: bpy.types.UILayout, machine: MachineStatus, width: int) -> None:
    column = layout.column(align=True)
    _draw_bar(column, "Memory", machine.memory)
    for card in machine.gpus:
        _draw_bar(column, words.device_name(card.name), card)
    held = words.workers_bytes(machine)
    if held:
        column.label(text=f"Backlot's jobs hold {words.gigabytes(held)}")
    full = [use for use in (machine.memory, *machine.gpus) if words.is_nearly_full(use.used_bytes, use.total_bytes)]
    if full:
        name = "The memory" if not full[0].name else f"The memory of {words.device_name(full[0].name)}"
        wording.draw_wrapped(column, f"{name} is nearly full: jobs may slow down or fail", width, "ERROR")


def _draw_bar(layout: bpy.types.UILayout, name: str, use: MemoryUse) -> None:
    row = layout.row(align=True)
    row.alert = words.is_nearly_full(use.used_bytes, use.total_bytes)
    text = f"{name} {words.memory_text(use.used_bytes, use.total_bytes)}"
    row.progress(factor=use.used_bytes / max(use.total_bytes, 1), type="BAR", text=text)


CLASSES = (BACKLOT_UL_jobs, BACKLOT_MT_jobs, BACKLOT_PT_jobs)
