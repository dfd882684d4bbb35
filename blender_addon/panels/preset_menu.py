"""The preset menus in the headers of stages: those that Backlot brings, the defaults, and the artist's own, which are
Blender's presets: small scripts in the user's folder `presets/backlot/STAGE`."""

from __future__ import annotations

import bpy
from bl_ui.utils import PresetPanel

from ..operators.presets import add_operator, menu_name, subfolder
from ..shared.stage_presets import PRESETS
from ..shared.stages import STAGES


def draw_button(layout: bpy.types.UILayout, stage: str) -> None:
    """The button that opens the menu."""
    button = layout.row(align=True)
    button.emboss = "NONE"
    button.popover(panel=menu_name(stage), icon="PRESET", text="")


def _menu(stage: str, label: str) -> type[bpy.types.Panel]:
    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.emboss = "PULLDOWN_MENU"
        for preset in PRESETS.get(stage, ()):
            chosen = column.operator("backlot.use_preset", text=preset.name)
            chosen.stage, chosen.preset = stage, preset.name
        column.separator()
        back = column.operator("backlot.use_preset", text="Reset to Defaults", icon="LOOP_BACK")
        back.stage, back.preset = stage, ""
        if bpy.utils.preset_paths(subfolder(stage)):
            PresetPanel.draw(self, context)
        else:  # Blender would say that a folder is missing
            _draw_first(self.layout, context, stage)

    members = {
        "bl_idname": menu_name(stage),
        "bl_label": f"{label} Presets",
        "preset_subdir": subfolder(stage),
        "preset_operator": "script.execute_preset",
        "preset_add_operator": add_operator(stage),
        "draw": draw,
    }
    return type(menu_name(stage), (PresetPanel, bpy.types.Panel), members)


def _draw_first(layout: bpy.types.UILayout, context: bpy.types.Context, stage: str) -> None:
    """The row that keeps the first preset of one's own."""
    layout.separator()
    row = layout.row()
    name = row.row()
    name.emboss = "NORMAL"
    name.prop(context.window_manager, "preset_name", text="")
    row.operator_context = "EXEC_DEFAULT"
    row.operator(add_operator(stage), text="", icon="ADD").name = context.window_manager.preset_name


CLASSES = tuple(_menu(info.name, info.label) for info in STAGES)
