"""The big button."""

from __future__ import annotations

import bpy

from .. import api, known, runtime
from ..properties import folder_path
from ..requests import solve_request
from ..shared.errors import BacklotError
from .reporting import FINISHED, refuse
from .starting import start_job


class BACKLOT_OT_solve_camera(bpy.types.Operator):
    """Solve the camera that filmed the clip and put it into this scene"""

    bl_idname = "backlot.solve_camera"
    bl_label = "Solve Camera"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        settings = context.scene.backlot
        if not settings.clip and not known.has_plate(folder_path(settings)):
            cls.poll_message_set("Choose a clip first")
            return False
        folder = folder_path(settings)
        job = runtime.session().job_of(folder, settings.job) if folder is not None else None
        if job is not None and not job.is_over:
            cls.poll_message_set("This shot is being solved")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            if bpy.app.background:
                return self._wait(context.scene)
            start_solve(context.scene)
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED

    def _wait(self, scene: bpy.types.Scene) -> set[str]:
        """Timers do not run in the background: the operator returns when the camera stands."""
        shot = api.solve_scene(scene)
        self.report({"INFO"}, shot.summary if shot is not None else "Solved")
        return FINISHED


def start_solve(scene: bpy.types.Scene) -> None:
    """Asks the backend to solve the scene's shot, and starts it if need be; the pump sees to the rest.
    Raises `FootageNotFound`, `InvalidParameter`."""
    start_job(scene, solve_request(scene))


CLASSES = (BACKLOT_OT_solve_camera,)
