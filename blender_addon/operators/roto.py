"""Objects and their masks: the list, running the stage, and stepping through frames with hints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import bpy

from .. import api, preferences, runtime, wording
from ..properties import folder_path
from ..requests import ingest_request, matte_request, roto_request
from ..roto import edits, objects
from ..roto.editor import Plate, fit_scene, load_plate, plate_of, show_plate
from ..roto.results import has_masks
from ..roto.scene_import import import_roto
from ..shared.errors import BacklotError, InvalidRequest
from ..shared.messages import JobRequest
from ..shared.roto_prompts import FramePrompt, require_label
from .reporting import CANCELLED, FINISHED, refuse
from .starting import start_job

BOTH, FORWARD, BACKWARD = "BOTH", "FORWARD", "BACKWARD"
_DIRECTIONS = (
    (BOTH, "Both Ways", "All frames before and after"),
    (FORWARD, "Forward", "This frame and those after it; earlier masks stay"),
    (BACKWARD, "Backward", "This frame and those before it; later masks stay"),
)
RANGES = {BOTH: lambda _: (None, None), FORWARD: lambda number: (number, None), BACKWARD: lambda number: (None, number)}


def change(operator: bpy.types.Operator, scene: bpy.types.Scene, edit: Callable[[Plate], Any]) -> set[str]:
    """Does an edit of the objects on the newest prompts, and writes them. `edit` gets the plate and returns the object
    whose mask is to be seen, or None."""
    live = runtime.pump().roto
    try:
        plate = plate_of(scene)
        live.prompts.bring_together(scene)
        thing = edit(plate)
        live.prompts.bring_together(scene)
        if thing is not None:
            show_preview(scene, plate, thing)
    except BacklotError as error:
        return refuse(operator, error)
    redraw()
    return FINISHED


def show_preview(scene: bpy.types.Scene, plate: Plate, thing: Any) -> None:
    """Asks for the mask of an object's hints, and starts the backend if need be. A script draws no mask."""
    if bpy.app.background and not runtime.session().online:
        return
    live = runtime.pump().roto
    live.preview(scene, plate, thing)
    if live.previews.waiting:
        program = preferences.backend_program()
        runtime.session().start(program.python, program.source)
        runtime.pump().hurry()


def redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("IMAGE_EDITOR", "CLIP_EDITOR", "VIEW_3D"):
                area.tag_redraw()


def _poll_plate(kind: Any, context: bpy.types.Context) -> bool:
    folder = folder_path(context.scene.backlot)
    if folder is None or not (folder / "shot.json").is_file():
        kind.poll_message_set("Read the clip first")
        return False
    return True


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


class BACKLOT_OT_roto_add_object(bpy.types.Operator):
    """Add an object, or another one of the same kind; clicks belong to it from now on"""

    bl_idname = "backlot.roto_add_object"
    bl_label = "Add Object"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    label: bpy.props.StringProperty(
        name="Name",
        description="Its label, and its folder's name; empty for a free one",
        options={"SKIP_SAVE"},
    )
    text: bpy.props.StringProperty(
        name="Text",
        description="What it is in words, for engines that find by text",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _poll_plate(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        def edit(_plate: Plate) -> None:
            label = self.label or objects.free_label(context.scene)
            require_label(label)
            if objects.free_label(context.scene, label) != label:
                raise InvalidRequest(f"There is an object {label} already.", "Take another name.")
            objects.add(context.scene, label).text = self.text

        return change(self, context.scene, edit)


class _OnActive:
    """An operator on the active object."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if objects.active_object(context.scene) is None:
            cls.poll_message_set("Add an object first")
            return False
        return _poll_plate(cls, context)


class BACKLOT_OT_roto_remove_object(_OnActive, bpy.types.Operator):
    """Remove the object with all of its hints; masks that were made of it stay on disk until the next Propagate"""

    bl_idname = "backlot.roto_remove_object"
    bl_label = "Remove Object"

    def execute(self, context: bpy.types.Context) -> set[str]:
        def edit(_plate: Plate) -> None:
            state = objects.of_scene(context.scene)
            state.objects.remove(state.active)
            state.active = max(0, min(state.active, len(state.objects) - 1))

        return change(self, context.scene, edit)


class BACKLOT_OT_roto_move_object(_OnActive, bpy.types.Operator):
    """Move the object in the list: upper ones are in front of lower ones where nothing else decides"""

    bl_idname = "backlot.roto_move_object"
    bl_label = "Move Object"

    up: bpy.props.BoolProperty(name="Up", default=True)

    def execute(self, context: bpy.types.Context) -> set[str]:
        def edit(_plate: Plate) -> None:
            state = objects.of_scene(context.scene)
            target = min(max(state.active + (-1 if self.up else 1), 0), len(state.objects) - 1)
            state.objects.move(state.active, target)
            state.active = target

        return change(self, context.scene, edit)


class BACKLOT_OT_roto_clear_frame(_OnActive, bpy.types.Operator):
    """Take away all hints of the object at this frame"""

    bl_idname = "backlot.roto_clear_frame"
    bl_label = "Clear Frame"

    absent: bpy.props.BoolProperty(
        name="Not in This Frame",
        description="Say that the object is not to be seen in this frame",
        default=False,
        options={"SKIP_SAVE"},
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        def edit(plate: Plate) -> Any:
            thing = objects.active_object(context.scene)
            objects.set_prompt(thing, plate.number(context.scene), FramePrompt(absent=self.absent))
            return thing

        return change(self, context.scene, edit)


class BACKLOT_OT_roto_step(_OnActive, bpy.types.Operator):
    """Go to the next or the previous frame at which the object has hints"""

    bl_idname = "backlot.roto_step"
    bl_label = "Step to Hints"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    to: bpy.props.EnumProperty(
        name="To", items=(("NEXT", "Next", "The next frame"), ("PREVIOUS", "Previous", "The frame before"))
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        numbers = sorted(objects.prompts_in(objects.active_object(scene).frames))
        here = scene.frame_current
        later, earlier = [n for n in numbers if n > here], [n for n in numbers if n < here]
        found = later[:1] if self.to == "NEXT" else earlier[-1:]
        if not found:
            self.report({"INFO"}, "There are no more hints in that direction")
            return CANCELLED
        scene.frame_set(found[0])
        return FINISHED


class _Run:
    """An operator that starts a stage, and brings its masks or mattes into the scene."""

    wants_objects: ClassVar[bool] = True

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not _poll_plate(cls, context):
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
    bl_label = "Propagate"

    def require(self, scene: bpy.types.Scene, number: int) -> None:
        said = (thing.text.strip() or objects.prompts_in(thing.frames) for thing in objects.of_scene(scene).objects)
        if not any(said):
            raise InvalidRequest("No object has a hint yet.", "Click on one in the Image Editor, or give it a text.")


class BACKLOT_OT_roto_fix(_RunRoto, bpy.types.Operator):
    """Run roto again with the hints of this frame. Only the frames that they can change are done again, and no
    earlier correction is lost"""

    bl_idname = "backlot.roto_fix"
    bl_label = "Fix Here"

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
        if folder is None or not has_masks(folder):
            cls.poll_message_set("The shot has no masks yet")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
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
    BACKLOT_OT_roto_add_object,
    BACKLOT_OT_roto_remove_object,
    BACKLOT_OT_roto_move_object,
    BACKLOT_OT_roto_clear_frame,
    BACKLOT_OT_roto_step,
    BACKLOT_OT_roto_propagate,
    BACKLOT_OT_roto_fix,
    BACKLOT_OT_make_mattes,
    BACKLOT_OT_import_roto,
)
