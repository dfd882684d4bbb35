"""The draw handlers of the skeletons over the plate, in Image Editor and Clip Editor. What they draw with is read in
when it is first wanted.

In the camera's view the armatures themselves are seen, in front of everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..roto.editor import shows_plate
from ..session import Session

if TYPE_CHECKING:
    from .painter import SkeletonPainter


class SkeletonOverlay:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._painter: SkeletonPainter | None = None
        self._handles: list[tuple[Any, Any]] = []

    def start(self) -> None:
        for space in (bpy.types.SpaceImageEditor, bpy.types.SpaceClipEditor):
            self._handles.append((space, space.draw_handler_add(self.draw, (), "WINDOW", "POST_PIXEL")))

    def stop(self) -> None:
        for space, handle in self._handles:
            space.draw_handler_remove(handle, "WINDOW")
        self._handles.clear()

    def draw(self) -> None:
        """Called by Blender for every region of the editors' kinds."""
        context = bpy.context
        scene = context.scene
        if not scene.backlot_retarget.overlay or not shows_plate(scene, context.space_data):
            return
        from .painter import SkeletonPainter

        if self._painter is None:
            self._painter = SkeletonPainter(self._session)
        self._painter.draw()

    def forget_keypoints(self) -> None:
        """After the files have changed."""
        if self._painter is not None:
            self._painter.keypoints.forget()
