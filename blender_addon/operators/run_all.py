"""Everything of a shot brought up to date, in order, as one job; and of all shots of a file."""

from __future__ import annotations

import bpy

from .. import api, known, runtime
from ..properties import folder_path
from ..requests import whole_request
from ..shared.errors import BacklotError, InvalidRequest
from .reporting import FINISHED, refuse
from .starting import start_job


class BACKLOT_OT_run_all(bpy.types.Operator):
    """Run what is out of date, in order: the camera, masks if there are hints, and every stage that this shot has"""

    bl_idname = "backlot.run_all"
    bl_label = "Run All"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not _has_clip(context.scene):
            cls.poll_message_set("Choose a clip first")
            return False
        if _is_worked_on(context.scene):
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


class BACKLOT_OT_queue_scenes(bpy.types.Operator):
    """Queue one job for the shot of every scene of this file, in the order of their names; each comes into its scene
    when it is done"""

    bl_idname = "backlot.queue_scenes"
    bl_label = "Run All Scenes"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        own = sorted((scene for scene in bpy.data.scenes if scene.library is None), key=lambda scene: scene.name)
        ready = [scene for scene in own if _has_clip(scene) and not _is_worked_on(scene)]
        one_each = {folder_path(scene.backlot): scene for scene in reversed(ready)}
        scenes = [scene for scene in ready if one_each[folder_path(scene.backlot)] is scene]
        if not scenes:
            return refuse(self, InvalidRequest("No scene has a clip that is not worked on.", "Choose clips first."))
        try:
            requests = [(scene, whole_request(scene)) for scene in scenes]
            for scene, request in requests:
                if waits_for_jobs():
                    api.run(request)
                else:
                    start_job(scene, request)
        except BacklotError as error:
            return refuse(self, error)
        did = "Done" if waits_for_jobs() else "Queued"
        self.report({"INFO"}, f"{did}: {', '.join(scene.name for scene in scenes)}")
        return FINISHED


def waits_for_jobs() -> bool:
    """Timers do not run in the background: operators return when their jobs are done."""
    return bool(bpy.app.background)


def _has_clip(scene: bpy.types.Scene) -> bool:
    return bool(scene.backlot.clip) or known.has_plate(folder_path(scene.backlot))


def _is_worked_on(scene: bpy.types.Scene) -> bool:
    folder = folder_path(scene.backlot)
    job = runtime.session().job_of(folder, scene.backlot.job) if folder is not None else None
    return job is not None and not job.is_over


CLASSES = (BACKLOT_OT_run_all, BACKLOT_OT_queue_scenes)
