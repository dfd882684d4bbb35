"""Depth: running the stage, bringing its results in, and what they do in a render."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import bpy

from .. import api, known, runtime
from ..depth import roles
from ..depth.choice import PARTS, chosen_parts, part_object
from ..depth.names import FOCUS, FOG
from ..importers import ownership
from ..properties import folder_path, import_options
from ..requests import depth_request
from ..shared.errors import BacklotError
from .importing import report_import, shot_folder_of
from .reporting import FINISHED, refuse
from .starting import OnSolvedShot, start_job


class BACKLOT_OT_estimate_depth(OnSolvedShot, bpy.types.Operator):
    """Find the depth of every solved frame, in the scale of the solved camera"""

    bl_idname = "backlot.estimate_depth"
    bl_label = "Estimate Depth"

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            if bpy.app.background:
                shot = api.depth_of_scene(context.scene)
                self.report({"INFO"}, shot.summary if shot is not None else "Depth is done")
            else:
                start_depth(context.scene)
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


class BACKLOT_OT_import_depth(bpy.types.Operator):
    """Import this shot's depth, or update what was imported from it; your own changes stay"""

    bl_idname = "backlot.import_depth"
    bl_label = "Import Depth"
    bl_options: ClassVar[set[str]] = {"REGISTER"}  # the pump writes the undo step when all has come in

    parts: bpy.props.EnumProperty(
        name="Parts", description="What to import; nothing chosen takes the panel's choice", items=PARTS,
        options={"ENUM_FLAG", "SKIP_SAVE"},
    )  # fmt: skip

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not known.has_depth(shot_folder_of(context)):
            cls.poll_message_set("The shot has no depth yet")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..importers.shot_import import import_shot

        settings = context.scene.backlot
        options = replace(import_options(settings), depth=chosen_parts(self.parts or settings.depth_parts))
        folder = folder_path(settings)
        if not bpy.app.background:
            runtime.session().error = None
            runtime.pump().import_later(context.scene, folder, options)
            return FINISHED
        try:
            report_import(self, import_shot(context.scene, folder, options))
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


class BACKLOT_OT_set_depth_role(bpy.types.Operator):
    """What the imported depth does in a render: hide what is behind it, catch shadows, be seen, or nothing"""

    bl_idname = "backlot.set_depth_role"
    bl_label = "Set Depth in Renders"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    part: bpy.props.StringProperty(name="Part", description="mesh, cloud or grid", default="mesh")
    role: bpy.props.EnumProperty(name="In Renders", items=roles.ROLES)

    def execute(self, context: bpy.types.Context) -> set[str]:
        collection = ownership.current_shot(context.scene)
        thing = part_object(collection, self.part) if collection is not None else None
        if thing is None:
            self.report({"ERROR"}, f"There is no imported {self.part}. Import the depth first.")
            return {"CANCELLED"}
        roles.set_role(thing, self.role)
        if self.role == roles.CATCHER and context.scene.render.engine != "CYCLES":
            self.report({"INFO"}, "Only Cycles catches shadows: choose it as the render engine")
        return FINISHED


class _Effect:
    """An operator that puts a node group with the depth behind whatever feeds the scene's output."""

    effect: ClassVar[str]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if ownership.current_shot(context.scene) is None:
            cls.poll_message_set("Import a solved shot first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..compositing.composite import contents_of
        from ..compositing.depth_effects import set_up_effect

        collection = ownership.current_shot(context.scene)
        try:
            for note in set_up_effect(context.scene, collection, contents_of(collection), self.effect):
                self.report({"INFO"}, note)
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


class BACKLOT_OT_setup_depth_of_field(_Effect, bpy.types.Operator):
    """Blur plate and render by their distance from where the camera is focused"""

    bl_idname = "backlot.setup_depth_of_field"
    bl_label = "Set Up Depth of Field"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    effect = FOCUS


class BACKLOT_OT_setup_fog(_Effect, bpy.types.Operator):
    """Let fog grow with the distance, over plate and render"""

    bl_idname = "backlot.setup_fog"
    bl_label = "Set Up Fog"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    effect = FOG


def start_depth(scene: bpy.types.Scene) -> None:
    """Asks the backend for depth and starts it if need be; the pump sees to the rest. Raises `InvalidParameter`."""
    start_job(scene, depth_request(scene))


CLASSES = (
    BACKLOT_OT_estimate_depth,
    BACKLOT_OT_import_depth,
    BACKLOT_OT_set_depth_role,
    BACKLOT_OT_setup_depth_of_field,
    BACKLOT_OT_setup_fog,
)
