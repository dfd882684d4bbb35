"""Mocap: bringing people into the scene."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from .. import api, known, runtime
from ..importers import ownership
from ..mocap import names
from ..properties import folder_path
from ..requests import mocap_request
from ..shared.errors import BacklotError, InvalidRequest
from .importing import shot_folder_of
from .reporting import FINISHED, refuse
from .starting import OnSolvedShot, start_job


class BACKLOT_OT_capture_motion(OnSolvedShot, bpy.types.Operator):
    """Turn the people of the plate into moving skeletons that stand in the solved scene"""

    bl_idname = "backlot.capture_motion"
    bl_label = "Capture Motion"

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            if bpy.app.background:
                people = api.mocap_of_scene(context.scene)
                self.report({"INFO"}, people.summary if people is not None else "Motion capture is done")
            else:
                start_job(context.scene, mocap_request(context.scene))
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


class BACKLOT_OT_import_mocap(bpy.types.Operator):
    """Import the people of this shot as armatures, or update what was imported; your own changes stay"""

    bl_idname = "backlot.import_mocap"
    bl_label = "Import Motion"
    bl_options: ClassVar[set[str]] = {"REGISTER"}  # the pump writes the undo step when all has come in

    label: bpy.props.StringProperty(
        name="Person", description="Whom to import; empty: everybody", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not known.has_motion(shot_folder_of(context)):
            cls.poll_message_set("The shot has no motion yet: run motion capture first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        folder: Any = folder_path(context.scene.backlot)
        labels = (self.label,) if self.label else ()
        if not bpy.app.background:
            runtime.session().error = None
            runtime.pump().import_people_later(context.scene, folder, labels)
            runtime.pump().hurry()
            return FINISHED
        try:
            self.report({"INFO"}, api.import_mocap(folder, scene=context.scene, labels=labels).summary)
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


class BACKLOT_OT_clean_motion(bpy.types.Operator):
    """Hold standing feet where they stand and calm the motion, in an action of its own; the captured one stays. The
    contact curves say when feet stand, and you may change them"""

    bl_idname = "backlot.clean_motion"
    bl_label = "Apply to Motion"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    reset: bpy.props.BoolProperty(
        name="As Captured", description="Show the captured motion again", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if person_of(context) is None:
            cls.poll_message_set("Import the motion of a person first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..mocap.cleaning import clean_person, settings_of
        from ..mocap.cleanup import Settings

        armature = person_of(context)
        settings = Settings(0.0, 0, 0.0) if self.reset else settings_of(armature)
        try:
            collection = names.shot_of(context.scene, armature)
            if collection is None:
                raise InvalidRequest(f"{armature.name} belongs to no shot of this scene.", "Import its motion here.")
            self.report({"INFO"}, clean_person(collection, armature, settings).summary)
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


def person_of(context: bpy.types.Context) -> bpy.types.Object | None:
    """The person that the panel is about: the active armature, the one chosen for retargeting, or the shot's first."""
    chosen = context.scene.backlot_retarget.person
    for thing in (context.object, chosen):
        if names.is_person(thing):
            return thing
    collection = ownership.current_shot(context.scene)
    people = names.people(collection) if collection is not None else []
    return people[0] if people else None


CLASSES = (BACKLOT_OT_capture_motion, BACKLOT_OT_import_mocap, BACKLOT_OT_clean_motion)
