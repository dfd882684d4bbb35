"""The draw handler of the solve overlay in the 3D viewport. What it draws with is read in when it is first wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bpy

from ..session import Session
from .camera_frame import drawn_viewport

if TYPE_CHECKING:
    from .painter import SolvePainter


class SolveOverlay:
    """Nothing is computed for scenes that do not want it. hurry: called when the pump should look soon."""

    def __init__(self, session: Session, hurry: Callable[[], None]) -> None:
        self._session, self._hurry = session, hurry
        self._painter: SolvePainter | None = None
        self._handle: Any = None

    def start(self) -> None:
        self._handle = bpy.types.SpaceView3D.draw_handler_add(self.draw, (), "WINDOW", "POST_PIXEL")

    def stop(self) -> None:
        if self._handle is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handle, "WINDOW")
            self._handle = None
        self._painter = None

    def draw(self) -> None:
        """Called by Blender for every viewport's region. Renders do not come here."""
        context = bpy.context
        if not context.scene.backlot_solve_overlay.show:
            return
        viewport = drawn_viewport(context)
        if viewport is not None and viewport.space.overlay.show_overlays:
            self.painter.draw(context, viewport)

    @property
    def painter(self) -> SolvePainter:
        """Made when it is first wanted."""
        from .painter import SolvePainter

        if self._painter is None:
            self._painter = SolvePainter(self._session, self._hurry)
        return self._painter
