"""The objects of a shot: the list, and stepping through frames with hints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import bpy

from .. import known, preferences, runtime
from ..properties import folder_path
from ..roto import objects
from ..roto.editor import Plate, plate_of
from ..shared.errors import BacklotError, InvalidRequest
from ..shared.roto_prompts import FramePrompt, require_label
from .reporting import CANCELLED, FINISHED, refuse


def change(operator: bpy.types.Operator, scene: bpy.types.Scene, edit: Callable[[Plate], Any]) -> set[str]:
    """Does an edit of the objects on the newest prompts, and writes them. `edit` gets the plate and returns the object
    whose mask is to be seen, or None."""
    live = runtime.pump().roto
    try:
        plate = plate_of(scene)
        live.prompts.bring_together(scene)
        thing = edit(plate)
        label = thing.label if thing is not None else ""
        live.prompts.bring_together(scene)  # may put other objects in the place of these
        thing = objects.find(scene, label)
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


def poll_plate(kind: Any, context: bpy.types.Context) -> bool:
    folder = folder_path(context.scene.backlot)
    if not known.has_plate(folder):
        kind.poll_message_set("Read the clip first")
        return False
    return True


class BACKLOT_OT_roto_add_object(bpy.types.Operator):
    """Add an object, or another one of the same kind; clicks belong to it from now on"""

    bl_idname = "backlot.roto_add_object"
    bl_label = "Add Roto Object"
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
        return poll_plate(cls, context)

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
        return poll_plate(cls, context)


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


CLASSES = (
    BACKLOT_OT_roto_add_object,
    BACKLOT_OT_roto_remove_object,
    BACKLOT_OT_roto_move_object,
    BACKLOT_OT_roto_clear_frame,
    BACKLOT_OT_roto_step,
)
