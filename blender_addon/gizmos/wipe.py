"""The wipe's line can be dragged."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..compare.overlay import compared_frame
from ..compare.settings import WIPE
from ..solve_overlay.camera_frame import Viewport, drawn_viewport

_REACH_PX = 9.0
_NO_HIT, _HIT = -1, 0


def follow_mouse(viewport: Viewport | None, x: float, y: float) -> None:
    """Puts the line under the mouse, px of the region."""
    from ..compare.wipe import position_at

    frame = compared_frame(viewport)
    if frame is None:
        return
    assert viewport is not None
    settings = viewport.scene.backlot_compare
    across, up = (x - frame.left) / frame.width, (y - frame.bottom) / frame.height
    settings.position = position_at(across, up, settings.angle, frame.width / frame.height)
    viewport.region.tag_redraw()


class BACKLOT_GT_wipe(bpy.types.Gizmo):
    """The line itself is drawn with the pictures."""

    bl_idname = "BACKLOT_GT_wipe"
    __slots__ = ("before",)

    def setup(self) -> None:
        self.before = 0.5

    def draw(self, context: bpy.types.Context) -> None:
        pass

    def test_select(self, context: bpy.types.Context, location: tuple[float, float]) -> int:
        from ..compare.wipe import wipe_line

        frame = compared_frame(drawn_viewport(context))
        if frame is None:
            return _NO_HIT
        settings = context.scene.backlot_compare
        line = wipe_line(settings.position, settings.angle, frame.width / frame.height)
        across, up = (location[0] - frame.left) / frame.width, (location[1] - frame.bottom) / frame.height
        reach = _REACH_PX * context.preferences.system.ui_scale / frame.height
        inside = -reach <= min(across, up) and max(across, up) <= 1.0 + reach
        return _HIT if inside and abs(line.side(across, up)) <= reach else _NO_HIT

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        self.before = context.scene.backlot_compare.position
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event, _tweak: set[str]) -> set[str]:
        follow_mouse(drawn_viewport(context), event.mouse_region_x, event.mouse_region_y)
        return {"RUNNING_MODAL"}

    def exit(self, context: bpy.types.Context, cancel: bool) -> None:
        if cancel:
            context.scene.backlot_compare.position = self.before


class BACKLOT_GGT_wipe(bpy.types.GizmoGroup):
    bl_idname = "BACKLOT_GGT_wipe"
    bl_label = "Wipe"
    bl_space_type = "VIEW_3D"
    bl_region_type = "WINDOW"
    bl_options: ClassVar[set[str]] = {"PERSISTENT", "SHOW_MODAL_ALL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.backlot_compare.mode == WIPE and compared_frame(drawn_viewport(context)) is not None

    def setup(self, context: bpy.types.Context) -> None:
        line = self.gizmos.new(BACKLOT_GT_wipe.bl_idname)
        line.use_draw_modal = True


CLASSES = (BACKLOT_GT_wipe, BACKLOT_GGT_wipe)
