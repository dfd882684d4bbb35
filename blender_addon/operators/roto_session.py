"""The same hints where no tool can be added, as in the Clip Editor: a button turns clicks into hints until Escape."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..overriding import overridden
from ..roto.editor import shows_plate
from ..roto.gesture import POINT, STROKE
from ..shared.errors import InvalidRequest
from .reporting import FINISHED, refuse

_TOOLS = ((POINT, "Points", "A click is a point, a drag a box"), (STROKE, "Brush", "A drag is a stroke"))
_HELP = "Roto: click on the object, Ctrl-click off it, drag a box   (B: brush or points, X: delete a hint, Esc: end)"


class BACKLOT_OT_roto_session(bpy.types.Operator):
    """Turn clicks on the plate into hints, until Escape: click on the object, Ctrl-click on what is none of it, drag a
    box; B takes the brush, X deletes the hint under the mouse"""

    bl_idname = "backlot.roto_session"
    bl_label = "Place Hints"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    tool: bpy.props.EnumProperty(name="Tool", items=_TOOLS)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if not shows_plate(context.scene, context.space_data):
            return refuse(self, InvalidRequest("This editor does not show the plate.", "Choose the plate in it."))
        self._area = context.area
        # Pressed in the sidebar, the operator's own region is the sidebar.
        self._region = next(region for region in context.area.regions if region.type == "WINDOW")
        self._say()
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        try:
            if event.type == "ESC" or not shows_plate(context.scene, self._area.spaces.active):
                return self._end()
            if not self._is_inside(event):
                return {"PASS_THROUGH"}
        except ReferenceError:  # another file was opened meanwhile
            return FINISHED
        if event.value != "PRESS" or event.alt or event.type not in {"LEFTMOUSE", "B", "X", "DEL"}:
            return {"PASS_THROUGH"}
        if event.type == "B":
            self.tool = STROKE if self.tool == POINT else POINT
            self._say()
            return {"RUNNING_MODAL"}
        with overridden(area=self._area, region=self._region):
            if event.type == "LEFTMOUSE":
                bpy.ops.backlot.roto_hint("INVOKE_DEFAULT", True, tool=self.tool, include=not event.ctrl)
            elif bpy.ops.backlot.roto_delete_hint.poll():
                bpy.ops.backlot.roto_delete_hint("INVOKE_DEFAULT", True)
        return {"RUNNING_MODAL"}

    def cancel(self, _context: bpy.types.Context) -> None:
        """Blender ends it, for instance because it quits."""
        self._end()

    def _is_inside(self, event: bpy.types.Event) -> bool:
        """Whether the mouse is over the picture, and over no panel that lies over it."""
        x, y = event.mouse_x, event.mouse_y
        over = [r for r in self._area.regions if 0 <= x - r.x < r.width and 0 <= y - r.y < r.height and r.width > 1]
        return [region.type for region in over] == ["WINDOW"]

    def _say(self) -> None:
        self._area.header_text_set(f"{_HELP}   now: {'brush' if self.tool == STROKE else 'points'}")
        self._area.tag_redraw()

    def _end(self) -> set[str]:
        self._area.header_text_set(None)
        self._area.tag_redraw()
        return FINISHED


CLASSES = (BACKLOT_OT_roto_session,)
