"""One-click compositing set-ups."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import bpy

from ..importers import ownership
from ..shared.errors import BacklotError
from .reporting import FINISHED, refuse

if TYPE_CHECKING:
    from ..compositing.composite import CompositeSetUp
    from ..importers.contents import ShotContents

    _SetUp = Callable[[bpy.types.Scene, bpy.types.Collection, ShotContents, bool], CompositeSetUp]


class _OnShot:
    """An operator on the shot whose camera the scene renders, or else on its first."""

    overscan: bpy.props.BoolProperty(
        name="Overscan",
        description="Let the camera see as much more than the plate as a barrel lens shows in its corners; the render "
        "gets softer by as much. Without it the corners stay without render",
        default=True,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if ownership.current_shot(context.scene) is None:
            cls.poll_message_set("Import a solved shot first")
            return False
        return True

    def run(self, context: bpy.types.Context, set_up: _SetUp) -> set[str]:
        from ..compositing.composite import contents_of

        collection = ownership.current_shot(context.scene)
        try:
            made = set_up(context.scene, collection, contents_of(collection), self.overscan)
        except BacklotError as error:
            return refuse(self, error)
        for note in made.notes:
            self.report({"INFO"}, note)
        return FINISHED


class BACKLOT_OT_setup_composite(_OnShot, bpy.types.Operator):
    """Put the render over the plate in the compositor: the render gets the lens's distortion, the plate's
    colours stay as they are. An undistorted plate is there too"""

    bl_idname = "backlot.setup_composite"
    bl_label = "Set Up Undistort / Redistort"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..compositing.composite import set_up_composite

        return self.run(context, set_up_composite)


class BACKLOT_OT_setup_shadow_catcher(_OnShot, bpy.types.Operator):
    """Put the render over the plate, with a ground under the points that catches shadows. The plate's
    colours stay as they are, whatever the view transform"""

    bl_idname = "backlot.setup_shadow_catcher"
    bl_label = "Set Up Shadow Catcher"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..compositing.shadow_catcher import set_up_shadow_catcher

        return self.run(context, set_up_shadow_catcher)


CLASSES = (BACKLOT_OT_setup_composite, BACKLOT_OT_setup_shadow_catcher)
