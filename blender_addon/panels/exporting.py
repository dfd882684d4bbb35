"""The camera for other programs."""

from __future__ import annotations

from typing import ClassVar

import bpy

from .. import declared, runtime, wording
from ..operators.world import current_folder
from ..shared.params import specs
from ..shared.stages import ExportParams
from .tab import BacklotTab, letters

_TOGGLES = "formats"
"""The parameter that the panel shows as a row of toggles."""


class BACKLOT_PT_export(BacklotTab, bpy.types.Panel):
    bl_label = "Export Camera"
    bl_idname = "BACKLOT_PT_export"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.backlot
        layout.prop(settings, "export_all")
        if not settings.export_all:
            grid = layout.grid_flow(columns=2, align=True, even_columns=True)
            grid.prop(settings, "export_formats")
        column = layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        for spec in specs(ExportParams):
            if spec.name != _TOGGLES and not spec.folded:
                declared.draw(column, settings.export, spec)
        row = layout.row(align=True)
        row.scale_y = 1.4
        row.operator("backlot.export_camera", icon="EXPORT")
        row.operator("backlot.open_folder", text="", icon="FILEBROWSER")
        self._notices(context)
        layout.operator("backlot.import_camera", text="Import a Camera…", icon="IMPORT").filepath = ""

    def _notices(self, context: bpy.types.Context) -> None:
        folder = current_folder(context.scene)
        done = [
            result
            for job in runtime.session().jobs.values()
            if job.request.shot == folder and job.is_over
            for result in job.results
            if result.stage == "export"
        ]
        if done:
            wording.draw_wrapped(self.layout, f"Written: {done[-1].facts.get('formats', '')}", letters(context))
            for sentence in done[-1].notices:
                wording.draw_wrapped(self.layout, sentence, letters(context), "INFO")


class BACKLOT_PT_export_advanced(BacklotTab, bpy.types.Panel):
    bl_label = "Advanced"
    bl_idname = "BACKLOT_PT_export_advanced"
    bl_parent_id = "BACKLOT_PT_export"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        for spec in specs(ExportParams):
            if spec.folded:
                declared.draw(column, context.scene.backlot.export, spec)


CLASSES = (BACKLOT_PT_export, BACKLOT_PT_export_advanced)
