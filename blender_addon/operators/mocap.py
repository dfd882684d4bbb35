"""Mocap: bringing people into the scene."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from .. import runtime
from ..mocap.contents import labels_in
from ..mocap.scene_import import import_mocap
from ..properties import folder_path
from ..shared.errors import BacklotError
from .importing import shot_folder_of
from .reporting import FINISHED, refuse


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
        folder = shot_folder_of(context)
        if folder is None or not labels_in(folder):
            cls.poll_message_set("The shot has no motion yet: run motion capture first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        folder: Any = folder_path(context.scene.backlot)
        labels = (self.label,) if self.label else ()
        if not bpy.app.background:
            runtime.session().error = None
            runtime.pump().mocap.import_later(context.scene, folder, labels)
            runtime.pump().hurry()
            return FINISHED
        try:
            self.report({"INFO"}, import_mocap(context.scene, folder, labels).summary)
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


CLASSES = (BACKLOT_OT_import_mocap,)
