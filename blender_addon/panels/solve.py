"""Solving: the few settings that matter, the button, progress, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy

from .. import declared, runtime, wording
from ..importers import ownership
from ..importers.tracks import plate_of
from ..properties import folder_path
from ..shared.messages import DONE, JobStatus
from ..shared.params import specs
from ..shared.stages import SolveParams
from .job_state import current_job, draw_run, of_stage, settings_column
from .tab import BacklotTab, letters

if TYPE_CHECKING:
    from ..summary import ShotSummary

_PROBLEMS = 6
"""Bad ranges that the panel lists; the timeline marks all."""


class BACKLOT_PT_solve(BacklotTab, bpy.types.Panel):
    bl_label = "Solve Camera"
    bl_idname = "BACKLOT_PT_solve"

    def draw(self, context: bpy.types.Context) -> None:
        layout, job = self.layout, current_job(context)
        settings = settings_column(layout, job)
        for spec in specs(SolveParams):
            if not spec.folded and not (spec.name == "sensor_mm" and context.scene.backlot.solve.sensor != "custom"):
                declared.draw(settings, context.scene.backlot.solve, spec)
        own = None if of_stage(job, "depth") else job
        draw_run(context, layout, own, "backlot.solve_camera", "CAMERA_DATA", "solve")
        self._result(context, own)

    def _result(self, context: bpy.types.Context, job: JobStatus | None) -> None:
        folder = folder_path(context.scene.backlot)
        summary = runtime.session().summary(folder) if folder is not None else None
        if summary is None or not summary.is_solved or (job is not None and not job.is_over):
            return
        box = self.layout.box()
        column = box.column(align=True)
        for line in summary.camera:
            column.label(text=line)
        self._problems(context, box, summary)
        if job is not None and job.state == DONE:
            for sentence in (*job.notices, *(n for result in job.results for n in result.notices)):
                wording.draw_wrapped(column, sentence, letters(context), "INFO")
        importing = runtime.pump().importing
        if importing:
            box.label(text=f"Importing {importing}…", icon="SORTTIME")
        else:
            box.operator("backlot.update_scene", icon="IMPORT")

    def _problems(self, context: bpy.types.Context, box: bpy.types.UILayout, summary: ShotSummary) -> None:
        for problem in summary.problems[:_PROBLEMS]:
            row = box.row(align=True)
            wording.draw_wrapped(row.column(align=True), problem.sentence, letters(context) - 6, "ERROR")
            row.operator("backlot.show_frame", text="", icon="TIME").frame = problem.first
        if len(summary.problems) > _PROBLEMS:
            box.label(text=f"and {len(summary.problems) - _PROBLEMS} more, marked in the timeline")


class BACKLOT_PT_solve_advanced(BacklotTab, bpy.types.Panel):
    bl_label = "Advanced"
    bl_idname = "BACKLOT_PT_solve_advanced"
    bl_parent_id = "BACKLOT_PT_solve"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.backlot
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        column = self.layout.column()
        for spec in specs(SolveParams):
            if spec.folded:
                declared.draw(column, settings.solve, spec)
        column.separator()
        column.prop(settings, "import_when_done")
        column.prop(settings, "set_scene")


class BACKLOT_PT_compositing(BacklotTab, bpy.types.Panel):
    bl_label = "Compositing"
    bl_idname = "BACKLOT_PT_compositing"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        from ..importers.plate import LENS_ERROR

        column = self.layout.column()
        clip = plate_of(ownership.current_shot(context.scene))
        if clip is not None and LENS_ERROR in clip:
            column.label(text=f"Lens of the Movie Clip: within {clip[LENS_ERROR]:.3f} px")
        column.operator("backlot.setup_composite", icon="NODETREE")
        column.operator("backlot.setup_shadow_catcher", icon="MESH_PLANE")


CLASSES = (BACKLOT_PT_solve, BACKLOT_PT_solve_advanced, BACKLOT_PT_compositing)
