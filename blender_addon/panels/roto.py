"""Roto: the objects, their hints at this frame, the stage, and what came of it. In three editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import bpy

from .. import declared, runtime, wording
from ..properties import folder_path
from ..roto import edits, objects
from ..roto.editor import shows_plate
from ..shared.matte_params import MatteParams
from ..shared.messages import DONE, JobStatus
from ..shared.params import specs
from ..shared.roto_params import RotoParams
from .job_state import current_job, draw_run, of_stage
from .tab import letters

if TYPE_CHECKING:
    from ..summary import RotoSummary, ShotSummary

_SPACES = {"VIEW_3D": "view", "IMAGE_EDITOR": "image", "CLIP_EDITOR": "clip"}
_PROBLEMS = 6
_OUTDATED = "The hints have changed since: Propagate brings the masks up to date"


class BACKLOT_UL_roto_objects(bpy.types.UIList):
    def draw_item(self, context, layout, _data, item, _icon, _active_data, _active_property, _index=0, _flt=0) -> None:
        row = layout.row(align=True)
        swatch = row.row()
        swatch.ui_units_x = 0.8
        swatch.prop(item, "color", text="")
        row.prop(item, "name", text="", emboss=False)
        if item.text:
            row.label(text="", icon="FONT_DATA")
        said = len(objects.prompts_in(item.frames))
        if said:
            row.label(text=str(said), icon="KEYFRAME_HLT")
        row.prop(item, "moving", text="", icon="CON_FOLLOWPATH" if item.moving else "PINNED", emboss=False)
        row.prop(item, "visible", text="", icon="HIDE_OFF" if item.visible else "HIDE_ON", emboss=False)


class _Roto:
    bl_label = "Roto & Matte"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.backlot
        folder = folder_path(settings)
        summary = runtime.session().summary(folder) if folder is not None else None
        if folder is None or summary is None or not summary.clip:
            self._before(context, summary)
            return
        if not shows_plate(context.scene, context.space_data):
            layout.operator("backlot.roto_show_plate", icon="IMAGE_DATA")
        elif context.space_data.type == "CLIP_EDITOR":  # its toolbar takes no tools
            layout.operator("backlot.roto_session", icon="RESTRICT_SELECT_OFF")
        _draw_objects(layout, context.scene)
        _draw_frame(layout, context)
        self._run(context, summary)

    def _before(self, context: bpy.types.Context, summary: ShotSummary | None) -> None:
        """The clip has not been read."""
        layout, settings = self.layout, context.scene.backlot
        layout.prop(settings, "clip", text="")
        if summary is not None and summary.error is not None:
            wording.draw_error(layout, summary.error, letters(context))
        draw_run(context, layout, current_job(context), "backlot.read_clip", "FILE_MOVIE", "ingest")

    def _run(self, context: bpy.types.Context, summary: ShotSummary) -> None:
        layout, job, width = self.layout, current_job(context), letters(context)
        own = job if of_stage(job, "roto") else None
        draw_run(context, layout, own, "backlot.roto_propagate", "TRACKING", "roto")
        if own is None or own.is_over:
            row = layout.row(align=True)
            row.operator("backlot.roto_propagate", text="Backward", icon="TRIA_LEFT").direction = "BACKWARD"
            row.operator("backlot.roto_fix", icon="TOOL_SETTINGS")
            row.operator("backlot.roto_propagate", text="Forward", icon="TRIA_RIGHT").direction = "FORWARD"
            _draw_result(layout, summary.roto, own, width)


def _draw_objects(layout: bpy.types.UILayout, scene: bpy.types.Scene) -> None:
    state = objects.of_scene(scene)
    row = layout.row()
    row.template_list("BACKLOT_UL_roto_objects", "", state, "objects", state, "active", rows=3)
    buttons = row.column(align=True)
    buttons.operator("backlot.roto_add_object", text="", icon="ADD")
    buttons.operator("backlot.roto_remove_object", text="", icon="REMOVE")
    buttons.separator()
    buttons.operator("backlot.roto_move_object", text="", icon="TRIA_UP").up = True
    buttons.operator("backlot.roto_move_object", text="", icon="TRIA_DOWN").up = False
    active = objects.active_object(scene)
    if active is None:
        layout.label(text="Click on an object in the plate", icon="INFO")
        return
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    column.prop(active, "text", placeholder="person, bag, ...")


def _draw_frame(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What is said of the active object at this frame."""
    scene, live = context.scene, runtime.pump().roto
    active = objects.active_object(scene)
    if active is None:
        return
    prompt = objects.prompt_at(active, scene.frame_current)
    row = layout.row(align=True)
    row.operator("backlot.roto_step", text="", icon="PREV_KEYFRAME").to = "PREVIOUS"
    row.label(text=f"Frame {scene.frame_current}: {edits.in_words(prompt)}")
    row.operator("backlot.roto_clear_frame", text="", icon="X").absent = False
    row.operator("backlot.roto_clear_frame", text="", icon="GHOST_DISABLED").absent = True
    row.operator("backlot.roto_step", text="", icon="NEXT_KEYFRAME").to = "NEXT"
    if live.previews.error is not None:
        wording.draw_error(layout.box(), live.previews.error, letters(context))


def _draw_result(layout: bpy.types.UILayout, roto: RotoSummary | None, job: JobStatus | None, width: int) -> None:
    if roto is None:
        layout.label(text="No masks yet", icon="INFO")
        return
    box = layout.box()
    column = box.column(align=True)
    if roto.is_outdated:
        wording.draw_wrapped(column, _OUTDATED, width, "ERROR")
    for line in roto.lines:
        wording.draw_wrapped(column, line, width)
    if job is not None and job.state == DONE:
        for result in (result for result in job.results if result.stage == "roto"):
            wording.draw_wrapped(column, wording.roto_line(result.facts), width, "CHECKMARK")
            for notice in result.notices:
                wording.draw_wrapped(column, notice, width, "INFO")
    for problem in roto.problems[:_PROBLEMS]:
        wording.draw_wrapped(column, problem, width, "INFO")
    if len(roto.problems) > _PROBLEMS:
        column.label(text=f"and {len(roto.problems) - _PROBLEMS} more places to look at")
    if runtime.pump().roto.importing:
        box.label(text="Importing masks…", icon="SORTTIME")
    else:
        box.operator("backlot.import_roto", icon="IMPORT")


class _Display:
    bl_label = "Overlay"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(objects.of_scene(context.scene), "show", text="")

    def draw(self, context: bpy.types.Context) -> None:
        state = objects.of_scene(context.scene)
        column = self.layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        column.active = state.show
        column.prop(state, "opacity", slider=True)
        column.prop(state, "outline")
        column.prop(state, "brush_radius")
        own = {thing.label for thing in state.objects}
        for result in state.results:
            if result.name not in own:
                column.prop(result, "visible", text=result.name)


class _Sources:
    bl_label = "Hints from Masks"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        state, column = objects.of_scene(context.scene), self.layout.column(align=True)
        column.prop(state, "painted", text="")
        column.operator("backlot.roto_from_image", icon="BRUSH_DATA")
        column.separator()
        column.prop(state, "drawn", text="")
        column.operator("backlot.roto_from_mask", icon="MOD_MASK")
        column.separator()
        column.operator("backlot.roto_keep_mask", icon="LOCKED")


class _Matte:
    bl_label = "Matte"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, job, width = self.layout, current_job(context), letters(context)
        column = layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        for spec in specs(MatteParams):
            if not spec.folded:
                declared.draw(column, context.scene.backlot.matte, spec)
        own = job if of_stage(job, "matte") else None
        draw_run(context, layout, own, "backlot.make_mattes", "IMAGE_ALPHA", "matte")
        if own is not None and own.state == DONE:
            for notice in (notice for result in own.results for notice in result.notices):
                wording.draw_wrapped(layout, notice, width, "INFO")


class _Compositing:
    bl_label = "Compositing"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        column, results = self.layout.column(align=True), objects.of_scene(context.scene).results
        for result in results:
            text = f"{result.name} in Front of Render"
            column.operator("backlot.setup_roto_holdout", text=text, icon="NODE_COMPOSITING").label = result.name
        if not results:
            column.label(text="Import the masks first", icon="INFO")


class _Options:
    bl_label = "Options"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        for spec in specs(RotoParams):
            declared.draw(column, context.scene.backlot.roto, spec)
        column.separator()
        column.prop(context.scene.backlot, "import_when_done")


_CHILDREN = (
    ("display", _Display), ("sources", _Sources), ("options", _Options), ("matte", _Matte),
    ("compositing", _Compositing),
)  # fmt: skip


def _panels() -> tuple[Any, ...]:
    """Every panel once for each editor."""
    made: list[Any] = []
    for space, short in _SPACES.items():
        where = {"bl_space_type": space, "bl_region_type": "UI", "bl_category": "Backlot"}
        parent = "BACKLOT_PT_roto" if space == "VIEW_3D" else f"BACKLOT_PT_roto_{short}"
        # Beside the others in the viewport it is closed at first; elsewhere it is the only one.
        opened = {} if space == "VIEW_3D" else {"bl_options": set()}
        made.append(type(parent, (_Roto, bpy.types.Panel), {**where, **opened, "bl_idname": parent}))
        for name, kind in _CHILDREN:
            own = f"{parent}_{name}"
            made.append(type(own, (kind, bpy.types.Panel), {**where, "bl_idname": own, "bl_parent_id": parent}))
    return tuple(made)


CLASSES = (BACKLOT_UL_roto_objects, *_panels())
