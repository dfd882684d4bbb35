"""The world of a shot, set without picking: ground, height, back to the start."""

from __future__ import annotations

from typing import Any

import bpy

from .. import api, preferences, runtime
from ..importers import ownership
from ..shared.errors import BacklotError
from ..worlds import Settle
from .reporting import FINISHED, refuse


def current_folder(scene: bpy.types.Scene) -> str:
    """The folder of the shot that the scene shows, "" when none was imported."""
    collection = ownership.current_shot(scene)
    return str(collection.get(ownership.SHOT_FOLDER, "")) if collection is not None else ""


def poll_shot(kind: Any, context: bpy.types.Context) -> bool:
    """Whether the scene has an imported shot whose world may be changed now."""
    folder = current_folder(context.scene)
    if not folder:
        kind.poll_message_set("Import a solved shot first")
        return False
    if runtime.pump().worlds.is_busy(folder):
        kind.poll_message_set("The world of this shot is being worked on")
        return False
    return True


def set_world(
    operator: bpy.types.Operator, scene: bpy.types.Scene, settle: Settle | None = None, **wanted: Any
) -> set[str]:
    """Asks for a change of the current shot's world. In the background it is done when this returns; with a window
    the answer moves the scene when it comes, and `settle` is called before."""
    from ..importers import world_record
    from ..shared.world_messages import WorldRequest

    collection = ownership.current_shot(scene)
    record = world_record.read(collection)
    known = {"revision": record.revision} if record is not None else {}
    request = WorldRequest(current_folder(scene), **(known | wanted))
    if bpy.app.background:
        try:
            reply = api.change_world(request)
        except BacklotError as error:
            return refuse(operator, error)
        for sentence in reply.notices:
            operator.report({"INFO"}, sentence)
        return FINISHED
    runtime.pump().worlds.change(request, operator.bl_label, settle)
    start_backend()
    return FINISHED


def start_backend() -> None:
    """Starts the backend if none runs; what was asked is sent as soon as it does."""
    program = preferences.backend_program()
    runtime.session().start(program.python, program.source)


class _OnShot:
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return poll_shot(cls, context)


class BACKLOT_OT_suggest_ground(_OnShot, bpy.types.Operator):
    """Look for the ground in the points and in the lines of the plate. Nothing is moved yet"""

    bl_idname = "backlot.suggest_ground"
    bl_label = "Find Ground"

    def execute(self, context: bpy.types.Context) -> set[str]:
        folder = current_folder(context.scene)
        if not bpy.app.background:
            runtime.pump().worlds.suggest(folder)
            start_backend()
            return FINISHED
        try:
            found = api.suggest_world(folder)
        except BacklotError as error:
            return refuse(self, error)
        runtime.pump().worlds.suggestions[folder] = found
        self.report({"INFO"}, f"Ground {'found' if found.found else 'not found'} ({found.confidence:.0%} sure)")
        return FINISHED


class BACKLOT_OT_use_suggested_ground(_OnShot, bpy.types.Operator):
    """Stand the shot on the ground that is found by itself: up becomes Z and the ground z = 0. Everything
    imported moves, and the shot's files with it"""

    bl_idname = "backlot.use_suggested_ground"
    bl_label = "Use Suggested Ground"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return set_world(self, context.scene, auto_ground=True)


class BACKLOT_OT_set_camera_height(_OnShot, bpy.types.Operator):
    """Scale the shot so that the camera is at this height over the floor (median of the shot). Set the floor
    first"""

    bl_idname = "backlot.set_camera_height"
    bl_label = "Set Camera Height"

    height: bpy.props.FloatProperty(
        name="Height", description="Metres over the floor; 0 takes the World panel's", min=0.0, unit="LENGTH"
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        height = self.height or context.scene.backlot.align.camera_height
        return set_world(self, context.scene, camera_height=height)


class BACKLOT_OT_reset_world(_OnShot, bpy.types.Operator):
    """Go back to the solver's own origin, up, heading and scale"""

    bl_idname = "backlot.reset_world"
    bl_label = "Reset World"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return set_world(self, context.scene, reset=True)


CLASSES = (
    BACKLOT_OT_suggest_ground,
    BACKLOT_OT_use_suggested_ground,
    BACKLOT_OT_set_camera_height,
    BACKLOT_OT_reset_world,
)
