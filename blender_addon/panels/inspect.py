"""Looking at the solve: what is drawn over the viewport."""

from __future__ import annotations

from typing import ClassVar

import bpy

from .. import wording
from ..compare.settings import OFF, ONION, RENDER, SEQUENCE, VIEWPORT, WIPE
from ..importers import ownership
from .tab import BacklotTab, letters

_FRAMES = 6
"""That are listed."""


def draw_overlay(layout: bpy.types.UILayout, scene: bpy.types.Scene) -> None:
    """The toggles of the solve overlay, for the popover and the sidebar."""
    settings = scene.backlot_solve_overlay
    layout.active = settings.show
    column = layout.column(align=True)
    split = column.split()
    split.prop(settings, "points")
    split.prop(settings, "residuals")
    split = column.split()
    split.prop(settings, "path")
    split.prop(settings, "frusta")
    column.prop(settings, "words")
    fields = layout.column()
    fields.use_property_split = True
    fields.use_property_decorate = False
    fields.prop(settings, "worst_px")
    fields.prop(settings, "magnify", text="Magnify")
    fields.prop(settings, "size")
    fields.prop(settings, "path_colour")


class BACKLOT_PT_overlay(bpy.types.Panel):
    """In the viewport's own Overlays."""

    bl_label = "Solve"
    bl_idname = "BACKLOT_PT_overlay"
    bl_space_type = "VIEW_3D"
    bl_region_type = "HEADER"
    bl_parent_id = "VIEW3D_PT_overlay"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return ownership.current_shot(context.scene) is not None

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(context.scene.backlot_solve_overlay, "show", text="")

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.active = context.space_data.overlay.show_overlays
        draw_overlay(self.layout.column(), context.scene)


class _OnShot(BacklotTab):
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return ownership.current_shot(context.scene) is not None


class BACKLOT_PT_inspect(_OnShot, bpy.types.Panel):
    bl_label = "Inspect"
    bl_idname = "BACKLOT_PT_inspect"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        pass


class BACKLOT_PT_inspect_overlay(_OnShot, bpy.types.Panel):
    bl_label = "Solve Overlay"
    bl_idname = "BACKLOT_PT_inspect_overlay"
    bl_parent_id = "BACKLOT_PT_inspect"

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(context.scene.backlot_solve_overlay, "show", text="")

    def draw(self, context: bpy.types.Context) -> None:
        draw_overlay(self.layout.column(), context.scene)


class BACKLOT_PT_inspect_compare(_OnShot, bpy.types.Panel):
    bl_label = "Compare with Plate"
    bl_idname = "BACKLOT_PT_inspect_compare"
    bl_parent_id = "BACKLOT_PT_inspect"

    def draw(self, context: bpy.types.Context) -> None:
        settings, layout = context.scene.backlot_compare, self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "mode")
        if settings.mode == OFF:
            return
        from ..compare.choice import missing

        column = layout.column()
        if settings.mode == WIPE:
            row = column.row(align=True)
            row.prop(settings, "position")
            column.prop(settings, "angle")
        elif settings.mode == ONION:
            column.prop(settings, "opacity")
            column.prop(settings, "ghosts")
        else:
            column.prop(settings, "gain")
        column.prop(settings, "source")
        if settings.source == RENDER:
            taken = f"Take Again (has frame {settings.taken_frame})" if settings.taken else "Take Last Render"
            column.operator("backlot.take_render", text=taken, icon="RENDER_STILL")
        elif settings.source == SEQUENCE:
            column.prop(settings, "path")
        if settings.source != VIEWPORT:
            column.prop(settings, "is_distorted")
        if missing(context.scene):
            wording.draw_wrapped(column, missing(context.scene), letters(context), "INFO")


class BACKLOT_PT_inspect_frames(_OnShot, bpy.types.Panel):
    bl_label = "Worst Frames"
    bl_idname = "BACKLOT_PT_inspect_frames"
    bl_parent_id = "BACKLOT_PT_inspect"

    def draw(self, context: bpy.types.Context) -> None:
        from ..solve_overlay.scene_view import worst_of

        collection = ownership.current_shot(context.scene)
        camera = ownership.recall(collection, ownership.CAMERA)
        row = self.layout.row(align=True)
        row.label(text="Problems")
        row.operator("backlot.show_problem", text="", icon="PREV_KEYFRAME").forwards = False
        row.operator("backlot.show_problem", text="", icon="NEXT_KEYFRAME").forwards = True
        column = self.layout.column(align=True)
        for found in worst_of(collection, camera, _FRAMES) if camera is not None else ():
            row = column.row(align=True)
            row.label(text=found.sentence)
            row.operator("backlot.show_frame", text="", icon="TIME").frame = found.frame


CLASSES = (
    BACKLOT_PT_overlay,
    BACKLOT_PT_inspect,
    BACKLOT_PT_inspect_overlay,
    BACKLOT_PT_inspect_compare,
    BACKLOT_PT_inspect_frames,
)
