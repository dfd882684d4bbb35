"""The clip, its folder, what is known of it, and what of that the artist overrides."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy

from .. import declared, runtime, wording
from ..properties import clip_path, folder_path
from ..shared.params import specs
from ..shared.shot import SourceFacts
from ..shared.stages import IngestParams
from ..stage_states import FAILED, RUNNING, STALE
from .job_state import current_job, draw_progress
from .stage_line import draw_header, draw_state, stage_state, summary_of
from .tab import BacklotTab, letters

if TYPE_CHECKING:
    from ..clip_facts import ClipWarning

_STAGE = "ingest"


class BACKLOT_PT_shot(BacklotTab, bpy.types.Panel):
    bl_label = "Shot"
    bl_idname = "BACKLOT_PT_shot"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        draw_header(self.layout, context, _STAGE)

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.backlot
        if not settings.clip and not settings.folder:
            column = layout.column(align=True)
            column.scale_y = 1.4
            column.operator("backlot.open_clip", text="Choose a Clip", icon="FILE_MOVIE")
            layout.operator("backlot.import_shot", text="Open a Shot Folder", icon="FILE_FOLDER")
            return
        column = layout.column(align=True)
        column.prop(settings, "clip", text="", icon="FILE_MOVIE", placeholder="Clip")
        row = column.row(align=True)
        row.prop(settings, "folder", text="", icon="FILE_FOLDER", placeholder=str(folder_path(settings)))
        row.operator("backlot.open_folder", text="", icon="WINDOW")
        _draw_clip(layout, context)
        _draw_run_all(layout, context)


class BACKLOT_PT_ingest(BacklotTab, bpy.types.Panel):
    bl_label = "Footage Options"
    bl_idname = "BACKLOT_PT_ingest"
    bl_parent_id = "BACKLOT_PT_shot"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        _draw_params(self.layout, context, tuple(spec.name for spec in specs(IngestParams)))


def _draw_run_all(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The button, or how far a job of several stages is; what only one stage does, its own panel shows."""
    job = current_job(context)
    if job is not None and not job.is_over and len(set(job.request.stages) - {_STAGE}) > 1:
        draw_progress(layout, job, letters(context))
        return
    row = layout.row()
    row.scale_y = 1.4
    row.operator("backlot.run_all", icon="PLAY")


def _draw_clip(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Facts and warnings: of the plate, or of the clip before it was read."""
    summary, width = summary_of(context), letters(context)
    if summary is not None and summary.error is not None:
        wording.draw_error(layout.box(), summary.error, width)
    elif summary is not None and summary.facts is not None:
        _draw_facts(layout, context, summary.facts)
        state = stage_state(context, _STAGE)
        if state.kind in (STALE, RUNNING, FAILED):
            draw_state(context, layout, _STAGE)
        if state.kind == STALE and context.scene.backlot.clip:
            layout.operator("backlot.read_clip", text="Read Clip Again", icon="FILE_REFRESH")
    elif context.scene.backlot.clip:
        _draw_probe(layout, context)


def _draw_probe(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    from ..clip_facts import clip_warnings

    state = stage_state(context, _STAGE)
    if state.kind in (RUNNING, FAILED):
        draw_state(context, layout, _STAGE)
        return
    probe = runtime.pump().clips.wish(clip_path(context.scene.backlot))
    if probe.reply is not None:
        _draw_facts(layout, context, probe.reply.facts)
        for notice in probe.reply.notices if not clip_warnings(probe.reply.facts) else ():
            wording.draw_wrapped(layout, notice, letters(context), "INFO")
    elif probe.error is not None:
        box = layout.box()
        wording.draw_error(box, probe.error, letters(context))
        box.operator("backlot.check_clip", icon="FILE_REFRESH")
    elif runtime.session().online:
        layout.label(text="Looking at the clip", icon="SORTTIME")
    else:
        layout.operator("backlot.check_clip", icon="VIEWZOOM")


def _draw_facts(layout: bpy.types.UILayout, context: bpy.types.Context, facts: SourceFacts) -> None:
    from ..clip_facts import clip_warnings, fact_rows

    column = layout.column(align=True)
    for label, value in fact_rows(facts):
        row = column.split(factor=0.4, align=True)
        name = row.row()
        name.alignment = "RIGHT"
        name.label(text=label)
        row.label(text=value)
    for warning in clip_warnings(facts):
        _draw_warning(layout, context, warning)


def _draw_warning(layout: bpy.types.UILayout, context: bpy.types.Context, warning: ClipWarning) -> None:
    """What is unusual, and below it what overrides it."""
    box = layout.box()
    wording.draw_wrapped(box.column(align=True), warning.text, letters(context) - 2, "INFO")
    if warning.params:
        _draw_params(box, context, warning.params)


def _draw_params(layout: bpy.types.UILayout, context: bpy.types.Context, names: tuple[str, ...]) -> None:
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    for spec in specs(IngestParams):
        if spec.name in names:
            declared.draw(column, context.scene.backlot.ingest, spec)


CLASSES = (BACKLOT_PT_shot, BACKLOT_PT_ingest)
