"""The draw handler of the comparison, in viewports that look through the shot's camera. What it draws with is read in
when it is first wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..importers import ownership
from ..solve_overlay.camera_frame import CameraFrame, Viewport, drawn_viewport
from ..solve_overlay.overlay import SolveOverlay
from .settings import OFF

if TYPE_CHECKING:
    from .painter import ComparePainter


class CompareOverlay:
    """solve: has the cameras of the shots."""

    def __init__(self, solve: SolveOverlay) -> None:
        self._solve = solve
        self._painter: ComparePainter | None = None
        self._handle: Any = None

    def start(self) -> None:
        self._handle = bpy.types.SpaceView3D.draw_handler_add(self.draw, (), "WINDOW", "POST_PIXEL")

    def stop(self) -> None:
        if self._handle is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handle, "WINDOW")
            self._handle = None
        if self._painter is not None:
            self._painter.pictures.drop()
            self._painter = None

    def draw(self) -> None:
        """Called by Blender for every viewport's region. Renders do not come here."""
        context = bpy.context
        if context.scene.backlot_compare.mode == OFF:
            return
        shown = compared_frame(drawn_viewport(context))
        if shown is not None:
            self.painter.draw(context, shown)

    @property
    def painter(self) -> ComparePainter:
        """Made when it is first wanted."""
        from .painter import ComparePainter

        if self._painter is None:
            self._painter = ComparePainter(self._solve.painter.shots)
        return self._painter


def compared_frame(viewport: Viewport | None) -> CameraFrame | None:
    """The camera frame of a viewport that looks through the shot's camera; None of others."""
    if viewport is None:
        return None
    collection = ownership.current_shot(viewport.scene)
    camera = ownership.recall(collection, ownership.CAMERA) if collection is not None else None
    return viewport.camera_frame(camera) if viewport.looks_through(camera) else None
