"""Origin, up, heading and scale of the shot."""

from __future__ import annotations

from typing import ClassVar

import bpy

from .. import runtime, wording
from ..importers import ownership
from .tab import BacklotTab, letters

_UP = {"none": "a guess", "points": "from the points", "picked": "picked", "imported": "imported"}


class BACKLOT_PT_world(BacklotTab, bpy.types.Panel):
    bl_label = "World"
    bl_idname = "BACKLOT_PT_world"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        from ..importers import world_record

        collection = ownership.current_shot(context.scene)
        record = world_record.read(collection) if collection is not None else None
        if record is None:
            self.layout.label(text="Import a solved shot first", icon="INFO")
            return
        folder = collection[ownership.SHOT_FOLDER]
        column = self.layout.column(align=True)
        column.label(text=f"Up: {_UP.get(record.up_source, record.up_source)}")
        scale = "arbitrary" if record.scale_source == "none" else f"metres, by {record.scale_source.replace('-', ' ')}"
        column.label(text=f"Scale: {scale}")
        self._ground(folder, letters(context))
        self._picking(context.scene.backlot.align)
        self._by_hand(context.scene)
        if runtime.pump().worlds.is_busy(folder):
            self.layout.label(text="Working on the world…", icon="SORTTIME")
        for sentence in runtime.pump().worlds.notices.get(folder, ()):
            wording.draw_wrapped(self.layout, sentence, letters(context), "INFO")
        self.layout.operator("backlot.reset_world", icon="LOOP_BACK")

    def _ground(self, folder: str, width: int) -> None:
        found = runtime.pump().worlds.suggestions.get(folder)
        self.layout.operator("backlot.suggest_ground", icon="VIEWZOOM")
        if found is None:
            return
        box = self.layout.box()
        says = f"Found, tilted by {found.tilt_deg:.1f}°" if found.found else "Not sure enough"
        box.label(text=f"{says} ({found.confidence:.0%} sure)", icon="CHECKMARK" if found.found else "QUESTION")
        column = box.column(align=True)
        for sentence in found.evidence:
            wording.draw_wrapped(column, sentence, width - 4)
        if found.found:
            box.operator("backlot.use_suggested_ground", icon="CHECKMARK")

    def _by_hand(self, scene: bpy.types.Scene) -> None:
        column = self.layout.column(align=True)
        column.prop(scene, "backlot_adjust_world", toggle=True, icon="EMPTY_ARROWS")
        column.operator("backlot.apply_root", icon="CHECKMARK")

    def _picking(self, align: bpy.types.PropertyGroup) -> None:
        column = self.layout.column(align=True)
        column.label(text="Pick points of the cloud")
        column.operator("backlot.set_origin", icon="OBJECT_ORIGIN")
        column.operator("backlot.set_floor", icon="MESH_PLANE")
        row = column.row(align=True)
        row.prop(align, "axis", text="")
        row.operator("backlot.set_axis", icon="EMPTY_ARROWS")
        column.separator()
        column.prop(align, "distance")
        row = column.row(align=True)
        row.operator("backlot.set_scale", icon="DRIVER_DISTANCE")
        row.operator("backlot.set_object_size", text="By Object", icon="CUBE")
        column.separator()
        column.prop(align, "camera_height")
        column.operator("backlot.set_camera_height", icon="CON_CAMERASOLVER")


CLASSES = (BACKLOT_PT_world,)
