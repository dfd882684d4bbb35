"""Depth: the stage, what came of it, bringing it in, and what it does in renders."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy

from .. import declared, runtime, wording
from ..depth import roles
from ..depth.choice import PARTS, part_object
from ..depth.names import SHOW_CONFIDENCE
from ..importers import ownership
from ..shared.depth_params import DepthParams
from ..shared.messages import DONE, JobStatus
from ..shared.params import specs
from .job_state import current_job, draw_run, of_stage, settings_column, solved_summary
from .tab import BacklotTab, letters

if TYPE_CHECKING:
    from ..summary import DepthSummary, ShotSummary

_GAPS = 6
"""Ranges without depth that the panel lists."""
_TUNED = (("Step", "Every n-th Pixel"), ("Edge", "Cut at Jumps of"), ("Least Confidence", "Least Confidence"))
"""Inputs of the surface's modifier that the panel shows."""


class BACKLOT_PT_depth(BacklotTab, bpy.types.Panel):
    bl_label = "Depth"
    bl_idname = "BACKLOT_PT_depth"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, job = self.layout, current_job(context)
        summary = solved_summary(context, layout)
        if summary is None:
            return
        settings = settings_column(layout, job)
        for spec in specs(DepthParams):
            if not spec.folded:
                declared.draw(settings, context.scene.backlot.depth, spec)
        own = job if of_stage(job, "depth") else None
        draw_run(context, layout, own, "backlot.estimate_depth", "MOD_DISPLACE", "depth")
        if summary.depth is not None and (own is None or own.is_over):
            self._result(context, summary, own)

    def _result(self, context: bpy.types.Context, summary: ShotSummary, job: JobStatus | None) -> None:
        depth = summary.depth
        assert depth is not None
        box, width = self.layout.box(), letters(context)
        column = box.column(align=True)
        for line in depth.lines:
            wording.draw_wrapped(column, line, width)
        if depth.problem:
            wording.draw_wrapped(column, depth.problem, width, "ERROR")
        for sentence in depth.missing[:_GAPS]:
            wording.draw_wrapped(column, sentence, width, "INFO")
        if len(depth.missing) > _GAPS:
            column.label(text=f"and {len(depth.missing) - _GAPS} more ranges")
        if job is not None and job.state == DONE:
            for sentence in (n for result in job.results for n in result.notices):
                wording.draw_wrapped(column, sentence, width, "INFO")
        self._parts(context, box, depth)

    def _parts(self, context: bpy.types.Context, box: bpy.types.UILayout, depth: DepthSummary) -> None:
        settings = context.scene.backlot
        row = box.row(align=True)
        there = {"MESH": depth.has_mesh, "CLOUD": depth.has_cloud, "GRID": True}
        for part, _, _ in PARTS:
            cell = row.row(align=True)
            cell.active = there[part]
            cell.prop_enum(settings, "depth_parts", part)
        importing = runtime.pump().importing
        if importing:
            box.label(text=f"Importing {importing}…", icon="SORTTIME")
        else:
            box.operator("backlot.import_depth", icon="IMPORT")


class BACKLOT_PT_depth_scene(BacklotTab, bpy.types.Panel):
    bl_label = "In the Scene"
    bl_idname = "BACKLOT_PT_depth_scene"
    bl_parent_id = "BACKLOT_PT_depth"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        collection = ownership.current_shot(context.scene)
        return collection is not None and any(part_object(collection, part[0]) for part in PARTS)

    def draw(self, context: bpy.types.Context) -> None:
        from ..depth.field_nodes import input_key
        from ..depth.grid import find_modifier

        layout, collection = self.layout, ownership.current_shot(context.scene)
        said = {role: label for role, label, _ in roles.ROLES}
        column = layout.column(align=True)
        for part, label, _ in PARTS:
            thing = part_object(collection, part)
            if thing is None:
                continue
            row = column.split(factor=0.35, align=True)
            row.label(text=label)
            menu = row.operator_menu_enum("backlot.set_depth_role", "role", text=said[roles.role_of(thing)])
            menu.part = part.lower()
        grid = part_object(collection, "GRID")
        modifier = find_modifier(grid) if grid is not None else None
        if modifier is not None:
            column = layout.column(align=True)
            column.use_property_split, column.use_property_decorate = True, False
            for name, label in _TUNED:
                column.prop(modifier, f'["{input_key(modifier.node_group, name)}"]', text=label)
            column.prop(grid, f'["{SHOW_CONFIDENCE}"]', text="Show Confidence", slider=True)


class BACKLOT_PT_depth_compositing(BacklotTab, bpy.types.Panel):
    bl_label = "Compositing"
    bl_idname = "BACKLOT_PT_depth_compositing"
    bl_parent_id = "BACKLOT_PT_depth"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.operator("backlot.setup_depth_of_field", icon="CAMERA_DATA")
        column.operator("backlot.setup_fog", icon="OUTLINER_DATA_VOLUME")


class BACKLOT_PT_depth_advanced(BacklotTab, bpy.types.Panel):
    bl_label = "Advanced"
    bl_idname = "BACKLOT_PT_depth_advanced"
    bl_parent_id = "BACKLOT_PT_depth"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        for spec in specs(DepthParams):
            if spec.folded:
                declared.draw(column, context.scene.backlot.depth, spec)


CLASSES = (BACKLOT_PT_depth, BACKLOT_PT_depth_scene, BACKLOT_PT_depth_compositing, BACKLOT_PT_depth_advanced)
