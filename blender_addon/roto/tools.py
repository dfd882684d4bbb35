"""The tools of the Image Editor's toolbar. The Clip Editor has no toolbar that tools can be added to: there, a button
of the panel starts the same."""

from __future__ import annotations

from typing import Any

import bpy
from gpu_extras.presets import draw_circle_2d

from ..shared.errors import BacklotError
from . import objects
from .editor import plate_of, plate_view, shows_plate

_SEGMENTS = 48
_SIZE = "scene.backlot_roto.brush_radius"
_KEYS = (
    ("backlot.roto_delete_hint", {"type": "X", "value": "PRESS"}, None),
    ("backlot.roto_delete_hint", {"type": "DEL", "value": "PRESS"}, None),
    ("backlot.roto_step", {"type": "PAGE_UP", "value": "PRESS"}, {"properties": [("to", "NEXT")]}),
    ("backlot.roto_step", {"type": "PAGE_DOWN", "value": "PRESS"}, {"properties": [("to", "PREVIOUS")]}),
    ("screen.frame_offset", {"type": "RIGHT_ARROW", "value": "PRESS", "repeat": True}, {"properties": [("delta", 1)]}),
    ("screen.frame_offset", {"type": "LEFT_ARROW", "value": "PRESS", "repeat": True}, {"properties": [("delta", -1)]}),
)


def _hinting(tool: str) -> tuple[Any, ...]:
    pressed = {"type": "LEFTMOUSE", "value": "PRESS"}
    return (
        ("backlot.roto_hint", pressed, {"properties": [("tool", tool), ("include", True)]}),
        ("backlot.roto_hint", {**pressed, "ctrl": True}, {"properties": [("tool", tool), ("include", False)]}),
    )


class BacklotRotoTool(bpy.types.WorkSpaceTool):
    bl_space_type = "IMAGE_EDITOR"
    bl_context_mode = "VIEW"
    bl_idname = "backlot.roto_points"
    bl_label = "Roto Points"
    bl_description = (
        "Click on the object, Ctrl-click on what is none of it, drag a box around it.\n"
        "X: delete the hint under the mouse. Page Up, Page Down: next, previous frame with hints"
    )
    bl_icon = "ops.paint.eyedropper_add"
    bl_widget = None
    bl_keymap = (*_hinting("POINT"), *_KEYS)

    def draw_settings(context: bpy.types.Context, layout: bpy.types.UILayout, _tool: Any) -> None:
        _draw_settings(context, layout)


class BacklotRotoBrush(bpy.types.WorkSpaceTool):
    bl_space_type = "IMAGE_EDITOR"
    bl_context_mode = "VIEW"
    bl_idname = "backlot.roto_brush"
    bl_label = "Roto Brush"
    bl_description = "Paint on the object, with Ctrl on what is none of it.\nF: size of the brush"
    bl_icon = "brush.paint_texture.mask"
    bl_widget = None
    bl_keymap = (
        *_hinting("STROKE"),
        (
            "wm.radial_control",
            {"type": "F", "value": "PRESS"},
            {"properties": [("data_path_primary", _SIZE), ("zoom_path", "space_data.zoom")]},
        ),
        ("wm.context_scale_float", {"type": "LEFT_BRACKET", "value": "PRESS", "repeat": True},
         {"properties": [("data_path", _SIZE), ("value", 0.8)]}),
        ("wm.context_scale_float", {"type": "RIGHT_BRACKET", "value": "PRESS", "repeat": True},
         {"properties": [("data_path", _SIZE), ("value", 1.25)]}),
        *_KEYS,
    )  # fmt: skip

    def draw_settings(context: bpy.types.Context, layout: bpy.types.UILayout, _tool: Any) -> None:
        layout.prop(objects.of_scene(context.scene), "brush_radius")
        _draw_settings(context, layout)

    def draw_cursor(context: bpy.types.Context, _tool: Any, at: tuple[float, float]) -> None:
        _draw_brush(context, at)


def _draw_settings(context: bpy.types.Context, layout: bpy.types.UILayout) -> None:
    active = objects.active_object(context.scene)
    layout.label(text=f"Object: {active.name}" if active is not None else "Object: a new one")
    state = objects.of_scene(context.scene)
    layout.prop(state, "opacity", slider=True)
    layout.prop(state, "outline")


def _draw_brush(context: bpy.types.Context, at: tuple[float, float]) -> None:
    """The brush around the mouse. Blender calls it as long as the tool is chosen, even after the extension has gone."""
    scene = context.scene
    if not hasattr(scene, "backlot_roto") or not shows_plate(scene, context.space_data):
        return
    try:
        size = plate_of(scene).size
    except BacklotError:
        return
    radius = objects.of_scene(scene).brush_radius * plate_view(context.region, size).scale
    draw_circle_2d(at, (1.0, 1.0, 1.0, 0.9), max(radius, 1.0), segments=_SEGMENTS)


TOOLS = (BacklotRotoTool, BacklotRotoBrush)


def register() -> None:
    for index, tool in enumerate(TOOLS):
        bpy.utils.register_tool(tool, separator=index == 0)


def unregister() -> None:
    for tool in reversed(TOOLS):
        bpy.utils.unregister_tool(tool)
