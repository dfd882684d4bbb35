"""What can be done with jobs: cancel, run again, move in the line, clear; and the word that one has ended."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy

from .. import runtime
from ..properties import folder_path, selected_job, wait_for_job
from ..shared.errors import UnknownJob
from ..shared.messages import CANCELLED as JOB_CANCELLED
from ..shared.messages import FAILED, QUEUED, JobStatus, in_line
from .reporting import CANCELLED, FINISHED, refuse

UP, DOWN, FIRST, LAST = "UP", "DOWN", "FIRST", "LAST"
_DIRECTIONS = (
    (UP, "Up", "Before the one ahead of it"),
    (DOWN, "Down", "Behind the one after it"),
    (FIRST, "First", "Before all others that wait"),
    (LAST, "Last", "Behind all others that wait"),
)


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
    """Run a failed or cancelled job again with the settings it had; it continues where it stopped"""

    bl_idname = "backlot.retry_job"
    bl_label = "Retry Job"

    def execute(self, context: bpy.types.Context) -> set[str]:
        status = self.find(context)
        if status is None or status.state not in (FAILED, JOB_CANCELLED):
            return refuse(self, UnknownJob("Only a failed or cancelled job can be run again.", ""))
        runtime.session().retry(status.id, _waited_for_by_its_scenes)
        return FINISHED


class BACKLOT_OT_move_job(_JobOperator, bpy.types.Operator):
    """Let a waiting job run earlier or later than the others"""

    bl_idname = "backlot.move_job"
    bl_label = "Move Job"

    direction: bpy.props.EnumProperty(name="Direction", items=_DIRECTIONS, options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        status, session = self.find(context), runtime.session()
        if status is None or status.state != QUEUED:
            return refuse(self, UnknownJob("Only a waiting job can be moved.", ""))
        line = in_line(session.jobs.values())
        index = line.index(status)
        target = {UP: index - 1, DOWN: index + 1, FIRST: 0, LAST: len(line) - 1}[self.direction]
        target = min(max(target, 0), len(line) - 1)
        if target != index:
            session.move(status.id, line[target].id, after=target > index)
        return FINISHED


class BACKLOT_OT_clear_jobs(_JobOperator, bpy.types.Operator):
    """Take all jobs that have ended out of the list, with their logs; what they made stays"""

    bl_idname = "backlot.clear_jobs"
    bl_label = "Clear Ended Jobs"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        session = runtime.session()
        over = [status.id for status in session.jobs.values() if status.is_over]
        if not over:
            self.report({"INFO"}, "No job has ended yet")
            return CANCELLED
        session.forget(over)
        return FINISHED


class BACKLOT_OT_cancel_all_jobs(_JobOperator, bpy.types.Operator):
    """Stop the job that runs and take all that wait out of the line, those of other Blenders too"""

    bl_idname = "backlot.cancel_all_jobs"
    bl_label = "Cancel All Jobs"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        session = runtime.session()
        waiting = [status.id for status in reversed(in_line(session.jobs.values()))]
        running = [status.id for status in session.jobs.values() if not status.is_over and status.state != QUEUED]
        if not waiting and not running:
            return refuse(self, UnknownJob("There is no running job to cancel.", ""))
        for job in (*waiting, *running):
            session.cancel(job)
        return FINISHED


class BACKLOT_OT_tell_job_end(bpy.types.Operator):
    """Report that a job has ended, without taking any input"""

    bl_idname = "backlot.tell_job_end"
    bl_label = "Tell the End of a Job"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    text: bpy.props.StringProperty(options={"SKIP_SAVE"})
    failed: bpy.props.BoolProperty(options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Blender shows reports of operators that its own event loop has called."""
        manager = context.window_manager
        self._timer = manager.event_timer_add(0.01, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """With the first event, which goes on to whom it is meant for."""
        self.cancel(context)
        return self.execute(context) | {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Also when Blender ends it, because a file is opened."""
        context.window_manager.event_timer_remove(self._timer)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        self.report({"WARNING" if self.failed else "INFO"}, self.text or "No job has ended")
        return FINISHED


def _waited_for_by_its_scenes(job: JobStatus) -> None:
    for scene in bpy.data.scenes:
        if scene.library is None and folder_path(scene.backlot) == Path(job.request.shot):
            wait_for_job(scene.backlot, job.id)


CLASSES = (
    BACKLOT_OT_cancel_job,
    BACKLOT_OT_retry_job,
    BACKLOT_OT_move_job,
    BACKLOT_OT_clear_jobs,
    BACKLOT_OT_cancel_all_jobs,
    BACKLOT_OT_tell_job_end,
)
