"""Everything of a shot brought up to date, in order, as one job."""

from __future__ import annotations

import bpy

from .. import api, runtime
from ..properties import folder_path
from ..requests import has_plate, whole_request
from ..shared.errors import BacklotError
from .reporting import FINISHED, refuse
from .starting import start_job


class BACKLOT_OT_run_all(bpy.types.Operator):
    """Run what is out of date, in order: the camera, masks if there are hints, and every stage that this shot has"""

    bl_idname = "backlot.run_all"
    bl_label = "Run All"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        settings = context.scene.backlot
        folder = folder_path(settings)
        if not settings.clip and not has_plate(folder):
            cls.poll_message_set("Choose a clip first")
            return False
        job = runtime.session().job_of(folder, settings.job) if folder is not None else None
        if job is not None and not job.is_over:
            cls.poll_message_set("This shot is being worked on")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            request = whole_request(context.scene)
            if not bpy.app.background:
                start_job(context.scene, request)
                return FINISHED
            status = api.run(request)
        except BacklotError as error:
            return refuse(self, error)
        made = [result.stage for result in status.results if not result.skipped]
        self.report({"INFO"}, f"Done: {', '.join(made)}" if made else "Everything was up to date")
        return FINISHED


CLASSES = (BACKLOT_OT_run_all,)
