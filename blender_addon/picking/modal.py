"""The tool that picks points of the cloud by mouse: hover shows the point that a click would take."""

from __future__ import annotations

import bpy
import numpy as np

from . import cloud_points, highlight
from .screen import ScreenPoints

_NAVIGATION = ("MIDDLEMOUSE", "WHEEL", "TRACKPAD", "NDOF", "NUMPAD", "HOME", "TIMER", "WINDOW")
"""Beginnings of the events that stay Blender's. Others do not: an undo in the middle would replace the cloud."""


class PointPicking:
    """State of one picking: which points, and how the viewport shows them."""

    def __init__(self, cloud: bpy.types.Object, context: bpy.types.Context, wanted: int, hint: str) -> None:
        self.cloud, self.wanted, self.hint = cloud, wanted, hint
        self.picked: list[int] = []
        self._hovered: int | None = None
        self._screen = ScreenPoints(cloud_points.places(cloud), cloud_points.pickable(cloud))
        self._area = context.area
        # Pressed in the sidebar, the operator's own region is the sidebar.
        self._region = next(region for region in context.area.regions if region.type == "WINDOW")
        self._space = context.space_data.region_3d
        self._scale = context.preferences.system.ui_scale
        self._handle = bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")
        self._say()

    def end(self) -> None:
        """Takes the drawing away."""
        bpy.types.SpaceView3D.draw_handler_remove(self._handle, "WINDOW")
        self._area.header_text_set(None)
        self._area.tag_redraw()

    def hear(self, event: bpy.types.Event) -> str:
        """What an event does: "done", "cancel", "own" (taken) or "pass" (Blender's, such as navigation)."""
        x, y = event.mouse_x - self._region.x, event.mouse_y - self._region.y
        if event.type.startswith(_NAVIGATION) or event.alt:
            return "pass"
        if event.type in {"ESC", "RIGHTMOUSE"}:
            return "cancel"
        if event.type == "MOUSEMOVE":
            self.hover(x, y)
            return "pass"
        if event.type == "LEFTMOUSE" and event.value == "PRESS":
            self.hover(x, y)
            return self._take()
        if event.type == "BACK_SPACE" and event.value == "PRESS" and self.picked:
            self.picked.pop()
            self._say()
        return "own"

    def hover(self, x: float, y: float) -> None:
        """Looks for the point under the mouse, px of the region."""
        self._look()
        found = self._screen.nearest(x, y)
        if found != self._hovered:
            self._hovered = found
            self._area.tag_redraw()

    def _take(self) -> str:
        if self._hovered is None or self._hovered in self.picked:
            return "own"
        self.picked.append(self._hovered)
        self._say()
        return "done" if len(self.picked) == self.wanted else "own"

    def _look(self) -> None:
        view = np.array(self._space.perspective_matrix @ self.cloud.matrix_world)
        self._screen.look(view, self._region.width, self._region.height)

    def _say(self) -> None:
        self._area.header_text_set(
            f"{self.hint}: click point {len(self.picked) + 1} of {self.wanted} of the cloud"
            "   (Backspace: take the last one back, Esc: cancel)"
        )
        self._area.tag_redraw()

    def _draw(self) -> None:
        if bpy.context.region != self._region:
            return
        self._look()
        spots = [spot for spot in map(self._screen.pixel, self.picked) if spot is not None]
        hovered = self._screen.pixel(self._hovered) if self._hovered is not None else None
        highlight.draw(spots, hovered, self._scale)
