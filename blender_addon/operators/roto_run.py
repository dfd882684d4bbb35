"""Roto and matte of a shot: showing the plate, running the stages, and bringing in what they wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import bpy

from .. import api, known, runtime, wording
from ..properties import folder_path
from ..requests import ingest_request, matte_request, roto_request
from ..roto import edits, objects
from ..roto.editor import Plate, fit_scene, load_plate, plate_of, show_plate
from ..shared.errors import BacklotError, InvalidRequest
from ..shared.messages import JobRequest
from .reporting import FINISHED, refuse
from .roto import poll_plate
from .starting import start_job

BOTH, FORWARD, BACKWARD = "BOTH", "FORWARD", "BACKWARD"
_DIRECTIONS = (
    (BOTH, "Both Ways", "All frames before and after"),
    (FORWARD, "Forward", "This frame and those after it; earlier masks stay"),
    (BACKWARD, "Backward", "This frame and those before it; later masks stay"),
)
RANGES = {BOTH: lambda _: (None, None), FORWARD: lambda number: (number, None), BACKWARD: lambda number: (None, number)}


def _no_job(kind: Any, context: bpy.types.Context) -> bool:
    settings = context.scene.backlot
    job = runtime.session().job_of(folder_path(settings), settings.job)
    if job is not None and not job.is_over:
        kind.poll_message_set("A job of this shot is running")
        return False
    return True


class BACKLOT_OT_roto_show_plate(bpy.types.Operator):
    """Show the plate in an Image Editor, where it follows the scene's frame; reads the clip first if need be"""

    bl_idname = "backlot.roto_show_plate"
    bl_label = "Show Plate"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        try:
            image = load_plate(scene)
            if not any("backlot_shot" in c for c in scene.collection.children_recursive):
                fit_scene(scene)
            areas = [context.area] if context.area is not None else []
            areas += context.screen.areas if context.screen is not None else []
            area = next((area for area in areas if area.type == "IMAGE_EDITOR"), None)
            if area is None:
                self.report({"INFO"}, "Open an Image Editor and choose the plate there")
                return FINISHED
            area.spaces.active.mode = "VIEW"
            show_plate(scene, area.spaces.active, image)
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


class BACKLOT_OT_read_clip(bpy.types.Operator):
    """Read the clip into its shot, without solving its camera"""

    bl_idname = "backlot.read_clip"
    bl_label = "Read Clip"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not context.scene.backlot.clip:
            cls.poll_message_set("Choose a clip first")
            return False
        return _no_job(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            request = ingest_request(context.scene)
            if bpy.app.background:
                api.run(request)
            else:
                start_job(context.scene, request)
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


class _Run:
    """An operator that starts a stage, and brings its masks or mattes into the scene."""

    wants_objects: ClassVar[bool] = True

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not poll_plate(cls, context):
            return False
        if cls.wants_objects and not objects.of_scene(context.scene).objects:
            cls.poll_message_set("Click on an object first, or add one and say what it is in words")
            return False
        return _no_job(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        try:
            plate = plate_of(scene)
            runtime.pump().roto.prompts.bring_together(scene)
            self.require(scene, plate.number(scene))
            request = self.request(scene, plate.number(scene))
            if bpy.app.background:
                self._wait(scene, plate, request)
            else:
                start_job(scene, request)
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED

    def require(self, scene: bpy.types.Scene, number: int) -> None:
        """Raises `InvalidRequest` when there is nothing to start with."""
        raise NotImplementedError

    def request(self, scene: bpy.types.Scene, number: int) -> JobRequest:
        """What is asked of the backend, at a plate frame. Raises `InvalidParameter`."""
        raise NotImplementedError

    def _wait(self, scene: bpy.types.Scene, plate: Plate, request: JobRequest) -> None:
        """Timers do not run in the background: the operator returns when the masks are there."""
        from ..roto.scene_import import import_roto

        for result in api.run(request).results:
            if result.stage == "roto":
                self.report({"INFO"}, wording.roto_line(result.facts))
        runtime.pump().roto.masks.forget()
        if scene.backlot.import_when_done:
            self.report({"INFO"}, import_roto(scene, plate.folder).summary)


class _RunRoto(_Run):
    direction: bpy.props.EnumProperty(name="Direction", items=_DIRECTIONS, options={"SKIP_SAVE"})

    def request(self, scene: bpy.types.Scene, number: int) -> JobRequest:
        return roto_request(scene, RANGES[self.direction](number))


class BACKLOT_OT_roto_propagate(_RunRoto, bpy.types.Operator):
    """Find the masks of all objects in all frames from their hints. Frames that nothing has changed for are not done
    again"""

    bl_idname = "backlot.roto_propagate"
    bl_label = "Propagate Masks"

    def require(self, scene: bpy.types.Scene, number: int) -> None:
        said = (thing.text.strip() or objects.prompts_in(thing.frames) for thing in objects.of_scene(scene).objects)
        if not any(said):
            raise InvalidRequest("No object has a hint yet.", "Click on one in the Image Editor, or give it a text.")


class BACKLOT_OT_roto_fix(_RunRoto, bpy.types.Operator):
    """Run roto again with the hints of this frame. Only the frames that they can change are done again, and no
    earlier correction is lost"""

    bl_idname = "backlot.roto_fix"
    bl_label = "Fix Mask Here"

    def require(self, scene: bpy.types.Scene, number: int) -> None:
        things = objects.of_scene(scene).objects
        if not any(edits.count(objects.prompt_at(thing, number)) for thing in things):
            raise InvalidRequest(
                f"Frame {number} has no hints.", "Click on what is missing, Ctrl-click on what is too much."
            )


class BACKLOT_OT_make_mattes(_Run, bpy.types.Operator):
    """Turn the masks into mattes, with hair and motion blur; finds the masks first if their hints have changed"""

    bl_idname = "backlot.make_mattes"
    bl_label = "Make Mattes"
    wants_objects = False

    def require(self, scene: bpy.types.Scene, number: int) -> None:
        from ..roto.results import has_masks

        if not has_masks(folder_path(scene.backlot)):
            raise InvalidRequest("The shot has no masks yet.", "Press Propagate first.")

    def request(self, scene: bpy.types.Scene, number: int) -> JobRequest:
        return matte_request(scene)


class BACKLOT_OT_import_roto(bpy.types.Operator):
    """Import masks and mattes, or update what was imported: image sequences, splines, and markers where a look is
    needed. Your own changes stay"""

    bl_idname = "backlot.import_roto"
    bl_label = "Import Masks"
    bl_options: ClassVar[set[str]] = {"REGISTER"}  # the pump writes the undo step when all has come in

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:

        folder = folder_path(context.scene.backlot)
        if not known.has_any_masks(folder):
            cls.poll_message_set("The shot has no masks yet")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..roto.scene_import import import_roto

        folder: Path = folder_path(context.scene.backlot)
        if not bpy.app.background:
            runtime.session().error = None
            runtime.pump().roto.import_later(context.scene, folder)
            runtime.pump().hurry()
            return FINISHED
        try:
            self.report({"INFO"}, import_roto(context.scene, folder).summary)
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


CLASSES = (
    BACKLOT_OT_roto_show_plate,
    BACKLOT_OT_read_clip,
    BACKLOT_OT_roto_propagate,
    BACKLOT_OT_roto_fix,
    BACKLOT_OT_make_mattes,
    BACKLOT_OT_import_roto,
)
