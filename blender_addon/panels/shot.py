"""The clip, its folder, and what is known of it."""

from __future__ import annotations

from typing import ClassVar

import bpy

from .. import declared, runtime, wording
from ..properties import folder_path
from ..shared.params import specs
from ..shared.stages import IngestParams
from .tab import BacklotTab, letters


class BACKLOT_PT_shot(BacklotTab, bpy.types.Panel):
    bl_label = "Shot"
    bl_idname = "BACKLOT_PT_shot"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.backlot
        column = layout.column(align=True)
        column.prop(settings, "clip", text="")
        if not settings.clip and not settings.folder:
            column.operator("backlot.open_clip", text="Choose a Clip", icon="FILE_MOVIE").filepath = ""
            return
        row = layout.row(align=True)
        row.prop(settings, "folder", text="", icon="FILE_FOLDER", placeholder=str(folder_path(settings)))
        row.operator("backlot.open_folder", text="", icon="FILEBROWSER")
        self._facts(context)
        layout.operator("backlot.run_all", icon="PLAY")

    def _facts(self, context: bpy.types.Context) -> None:
        folder = folder_path(context.scene.backlot)
        summary = runtime.session().summary(folder) if folder is not None else None
        if summary is None:
            return
        if summary.error is not None:
            wording.draw_error(self.layout, summary.error, letters(context))
        column = self.layout.column(align=True)
        for line in summary.clip:
            column.label(text=line)
        for line in summary.warnings:
            column.label(text=line, icon="INFO")


class BACKLOT_PT_ingest(BacklotTab, bpy.types.Panel):
    bl_label = "Footage Options"
    bl_idname = "BACKLOT_PT_ingest"
    bl_parent_id = "BACKLOT_PT_shot"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        column = self.layout.column()
        for spec in specs(IngestParams):
            declared.draw(column, context.scene.backlot.ingest, spec)


CLASSES = (BACKLOT_PT_shot, BACKLOT_PT_ingest)
