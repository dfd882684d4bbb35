"""Cancelling and retrying jobs."""

from __future__ import annotations

import bpy

from .. import runtime
from ..properties import folder_path, selected_job
from ..shared.errors import UnknownJob
from ..shared.messages import CANCELLED as JOB_CANCELLED
from ..shared.messages import FAILED, JobStatus
from .reporting import FINISHED, refuse


class _JobOperator:
    """job: empty for the one selected in the list."""

    job: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def find(self, context: bpy.types.Context) -> JobStatus | None:
        selected = selected_job(context.window_manager.backlot_jobs)
        return runtime.session().jobs.get(self.job or (selected.job if selected is not None else ""))

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if not runtime.session().online:
            cls.poll_message_set("There is no connection to the backend")
            return False
        return True


class BACKLOT_OT_cancel_job(_JobOperator, bpy.types.Operator):
    """Stop the job; running it again continues where it stopped"""

    bl_idname = "backlot.cancel_job"
    bl_label = "Cancel Job"

    def execute(self, context: bpy.types.Context) -> set[str]:
        status = self.find(context)
        if status is None or status.is_over:
            return refuse(self, UnknownJob("There is no running job to cancel.", ""))
        runtime.session().cancel(status.id)
        return FINISHED


class BACKLOT_OT_retry_job(_JobOperator, bpy.types.Operator):
    """Run a failed or cancelled job again; it continues where it stopped"""

    bl_idname = "backlot.retry_job"
    bl_label = "Retry Job"

    def execute(self, context: bpy.types.Context) -> set[str]:
        status = self.find(context)
        if status is None or status.state not in (FAILED, JOB_CANCELLED):
            return refuse(self, UnknownJob("Only a failed or cancelled job can be run again.", ""))
        name = context.scene.name

        def submitted(new: JobStatus) -> None:
            scene = bpy.data.scenes.get(name)
            if scene is not None and str(folder_path(scene.backlot)) == new.request.shot:
                scene.backlot.job = new.id

        runtime.session().retry(status.id, submitted)
        return FINISHED


CLASSES = (BACKLOT_OT_cancel_job, BACKLOT_OT_retry_job)
