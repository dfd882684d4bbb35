"""What is wrong, above all other panels and in each editor alike: what happened, what to do, and a button."""

from __future__ import annotations

import bpy

from .. import runtime, wording
from ..properties import waited_jobs
from ..trouble.kinds import Trouble
from ..trouble.moving import sought_of
from .first_run import draw_first_run, is_needed
from .tab import BacklotTab, letters


def _trouble(context: bpy.types.Context) -> Trouble | None:
    """Before the backend is set up only what is wrong with the shot: the rest is the same in other words."""
    troubles, sought = runtime.pump().troubles, sought_of(context.scene)
    if is_needed():
        return troubles.of_place(sought) if sought is not None else None
    return troubles.of_scene(sought, waits=bool(waited_jobs(context.scene.backlot)))


def draw_banner(layout: bpy.types.UILayout, trouble: Trouble, width: int) -> None:
    """width: letters."""
    box = layout.box()
    column = box.column(align=True)
    row = column.row(align=True)
    wording.draw_wrapped(row.column(align=True), trouble.what, width, "INFO" if trouble.is_over else "ERROR")
    if not trouble.actions and not trouble.is_over:
        row.operator("backlot.dismiss_trouble", text="", icon="X", emboss=False)
    if trouble.todo:
        wording.draw_wrapped(column, trouble.todo, width, "INFO")
    for action in trouble.actions:
        pressed = box.operator(action.operator, text=action.text, icon=action.icon)
        for name, value in action.values.items():
            setattr(pressed, name, value)


class _Troubles:
    """It has a header: Blender puts panels without one before those of all add-ons, and their tab with them."""

    bl_label = ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return is_needed() or _trouble(context) is not None

    def draw_header(self, context: bpy.types.Context) -> None:
        trouble = _trouble(context)
        if trouble is None:
            self.layout.label(text="Set Up")
        else:
            self.layout.label(text="Notice" if trouble.is_over else "Trouble")

    def draw(self, context: bpy.types.Context) -> None:
        if is_needed():
            draw_first_run(self.layout, letters(context))
        trouble = _trouble(context)
        if trouble is not None:
            draw_banner(self.layout, trouble, letters(context))


class BACKLOT_PT_trouble(_Troubles, BacklotTab, bpy.types.Panel):
    bl_idname = "BACKLOT_PT_trouble"


class BACKLOT_PT_trouble_image(_Troubles, BacklotTab, bpy.types.Panel):
    bl_idname = "BACKLOT_PT_trouble_image"
    bl_space_type = "IMAGE_EDITOR"


class BACKLOT_PT_trouble_clip(_Troubles, BacklotTab, bpy.types.Panel):
    bl_idname = "BACKLOT_PT_trouble_clip"
    bl_space_type = "CLIP_EDITOR"


CLASSES = (BACKLOT_PT_trouble, BACKLOT_PT_trouble_image, BACKLOT_PT_trouble_clip)
