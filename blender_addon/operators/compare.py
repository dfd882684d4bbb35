"""Comparing the plate with the scene or its render, in camera view."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..compare.settings import MODES, OFF, RENDER, WIPE
from ..gizmos.wipe import follow_mouse
from ..importers import ownership
from ..shared.errors import BacklotError, InvalidRequest
from ..solve_overlay.camera_frame import main_viewport
from .reporting import CANCELLED, FINISHED, refuse

_HINT = "Move the line with the mouse, click to leave it there   (Esc: as it was before)"


class BACKLOT_OT_compare(bpy.types.Operator):
    """Compare the plate with what the viewport shows, or with a render, in camera view. A wipe's line follows the
    mouse until you click; the same again ends it"""

    bl_idname = "backlot.compare"
    bl_label = "Compare with Plate"

    mode: bpy.props.EnumProperty(name="Compare", description="How", items=MODES, default=WIPE)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        collection = ownership.current_shot(context.scene)
        if collection is None or ownership.recall(collection, ownership.CAMERA) is None:
            cls.poll_message_set("Import a solved shot first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.backlot_compare.mode = self.mode
        return FINISHED

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        settings = context.scene.backlot_compare
        self._before = (settings.mode, settings.position)
        settings.mode = OFF if settings.mode == self.mode else self.mode
        if settings.mode != WIPE or not _look_through(context):
            return FINISHED
        self._area, self._viewport = context.area, main_viewport(context)
        context.area.header_text_set(_HINT)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "MOUSEMOVE":
            region = self._viewport.region
            follow_mouse(self._viewport, event.mouse_x - region.x, event.mouse_y - region.y)
        elif event.type in {"LEFTMOUSE", "RET", "NUMPAD_ENTER"} and event.value == "PRESS":
            self._area.header_text_set(None)
            return FINISHED
        elif event.type in {"ESC", "RIGHTMOUSE"}:
            self.cancel(context)
            return CANCELLED
        elif event.type.startswith(("MIDDLEMOUSE", "WHEEL", "TRACKPAD", "NDOF", "TIMER", "WINDOW")):
            return {"PASS_THROUGH"}
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """By Esc, or because Blender ends the tool."""
        settings = context.scene.backlot_compare
        settings.mode, settings.position = self._before
        self._area.header_text_set(None)
        self._area.tag_redraw()


class BACKLOT_OT_take_render(bpy.types.Operator):
    """Take the render that stands in the Image Editor now, as the scene's view transform shows it, for comparing it
    with the plate"""

    bl_idname = "backlot.take_render"
    bl_label = "Take Last Render"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if _render() is None:
            cls.poll_message_set("Render a frame first (F12)")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..compare.pictures import save_as_shown

        scene = context.scene
        settings = scene.backlot_compare
        path = Path(bpy.app.tempdir) / f"backlot_render_{abs(hash(scene.name))}.png"
        try:
            save_as_shown(_render(), scene, path)
        except BacklotError:
            return refuse(self, InvalidRequest("There is no finished render.", "Render a frame first (F12)."))
        settings.taken, settings.taken_frame, settings.source = str(path), scene.frame_current, RENDER
        return FINISHED


def _render() -> bpy.types.Image | None:
    return next((image for image in bpy.data.images if image.type == "RENDER_RESULT"), None)


def _look_through(context: bpy.types.Context) -> bool:
    """Turns the viewport to the shot's camera if the scene uses it; False where that cannot be."""
    viewport = main_viewport(context)
    if viewport is None:
        return False
    if context.scene.camera == ownership.recall(ownership.current_shot(context.scene), ownership.CAMERA):
        viewport.view.view_perspective = "CAMERA"
    return viewport.view.view_perspective == "CAMERA"


CLASSES = (BACKLOT_OT_compare, BACKLOT_OT_take_render)
