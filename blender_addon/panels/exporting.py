"""The camera for other programs."""

from __future__ import annotations

import bpy

from .. import wording
from .stage_line import draw_notices, last_result, needs_camera
from .stage_panel import StagePanel, panels_of
from .tab import letters


def _formats(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    settings = context.scene.backlot
    layout.prop(settings, "export_all")
    if not settings.export_all:
        grid = layout.grid_flow(columns=2, align=True, even_columns=True)
        grid.prop(settings, "export_formats")


def _result(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    done = last_result(context, "export")
    if done is not None:
        wording.draw_wrapped(layout, f"Written: {done.facts.get('formats', '')}", letters(context))
        draw_notices(context, layout, "export")
    row = layout.row(align=True)
    _draw_import(row)
    row.operator("backlot.open_folder", text="", icon="WINDOW")


def _missing(layout: bpy.types.UILayout, context: bpy.types.Context) -> bool:
    """A camera of another program may take the place of a solved one."""
    if not needs_camera(layout, context):
        return False
    _draw_import(layout)
    return True


def _draw_import(layout: bpy.types.UILayout) -> None:
    layout.operator("backlot.import_camera", text="Import a Camera", icon="IMPORT")


EXPORT = StagePanel(
    stage="export",
    label="Export Camera",
    button="backlot.export_camera",
    icon="EXPORT",
    main=("axes",),
    hidden=("formats",),
    labels={"blender": "Blender"},
    missing=_missing,
    above=_formats,
    result=_result,
)
CLASSES = panels_of(EXPORT)
