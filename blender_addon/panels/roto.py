"""Roto: the objects, their hints at this frame, the stage, and what came of it. In three editors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import bpy

from .. import runtime, wording
from ..roto import edits, objects
from ..roto.editor import BRUSH, hint_tool, shows_plate
from ..stage_states import RUNNING
from .stage_line import draw_import, draw_notices, draw_some, draw_state, last_result, summary_of
from .stage_panel import Fold, StagePanel, When, panels_of
from .tab import letters

if TYPE_CHECKING:
    from ..summary import RotoSummary

_SPACES = {"VIEW_3D": "view", "IMAGE_EDITOR": "image", "CLIP_EDITOR": "clip"}
_PROBLEMS = 6


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


def _before(layout: bpy.types.UILayout, context: bpy.types.Context) -> bool:
    """Rows that read the clip, and True, while it has not been read."""
    summary = summary_of(context)
    if summary is not None and summary.facts is not None:
        return False
    if not has_own_tab(context):
        layout.label(text="Read the clip first", icon="INFO")
    else:
        layout.prop(context.scene.backlot, "clip", text="")
    state = draw_state(context, layout, "ingest")
    if state.kind != RUNNING:
        layout.operator("backlot.read_clip", icon="FILE_MOVIE")
    return True


def _objects(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    if not shows_plate(context.scene, context.space_data):
        layout.operator("backlot.roto_show_plate", icon="IMAGE_DATA")
    elif context.space_data.type == "CLIP_EDITOR":  # its toolbar takes no tools
        layout.operator("backlot.roto_session", icon="RESTRICT_SELECT_OFF")
    _draw_objects(layout, context)
    _draw_frame(layout, context)


def _result(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    row = layout.row(align=True)
    row.operator("backlot.roto_propagate", text="Backward", icon="TRIA_LEFT").direction = "BACKWARD"
    row.operator("backlot.roto_fix", text="Fix Here", icon="TOOL_SETTINGS")
    row.operator("backlot.roto_propagate", text="Forward", icon="TRIA_RIGHT").direction = "FORWARD"
    summary = summary_of(context)
    if summary is not None and summary.roto is not None:
        _draw_masks(layout, context, summary.roto)


def has_own_tab(context: bpy.types.Context) -> bool:
    """Whether this is an editor that has no other Backlot panels of the shot."""
    return context.space_data is not None and context.space_data.type != "VIEW_3D"


def _first_step(context: bpy.types.Context) -> str:
    """What to do where there is no object yet."""
    if not shows_plate(context.scene, context.space_data):
        return "Press Show Plate, then click on an object in it"
    tool = hint_tool(context)
    if tool:
        return "Paint on an object in the plate" if tool == BRUSH else "Click on an object in the plate"
    by = "Press Place Hints" if context.space_data.type == "CLIP_EDITOR" else "Choose Roto Points in the toolbar"
    return f"{by}, then click on an object"


def _draw_objects(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    scene = context.scene
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
        wording.draw_wrapped(layout.column(align=True), _first_step(context), letters(context), "INFO")
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


def _draw_masks(layout: bpy.types.UILayout, context: bpy.types.Context, roto: RotoSummary) -> None:
    box, width = layout.box(), letters(context)
    column = box.column(align=True)
    for line in roto.lines:
        wording.draw_wrapped(column, line, width)
    result = last_result(context, "roto")
    if result is not None:
        wording.draw_wrapped(column, wording.roto_line(result.facts), width, "CHECKMARK")
    draw_notices(context, column, "roto")
    draw_some(column, roto.problems, width, _PROBLEMS)
    draw_import(box, "masks" if runtime.pump().roto.importing else "", "backlot.import_roto")


def _overlay_switch(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    layout.prop(objects.of_scene(context.scene), "show", text="")


def _overlay(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    state = objects.of_scene(context.scene)
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    column.active = state.show
    column.prop(state, "opacity", slider=True)
    column.prop(state, "outline")
    column.prop(state, "brush_radius")
    own = {thing.label for thing in state.objects}
    for result in state.results:
        if result.name not in own:
            column.prop(result, "visible", text=result.name)


def _sources(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    state, column = objects.of_scene(context.scene), layout.column(align=True)
    column.prop(state, "painted", text="")
    column.operator("backlot.roto_from_image", icon="BRUSH_DATA")
    column.separator()
    column.prop(state, "drawn", text="")
    column.operator("backlot.roto_from_mask", icon="MOD_MASK")
    column.separator()
    column.operator("backlot.roto_keep_mask", icon="LOCKED")


def _compositing(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    column, results = layout.column(align=True), objects.of_scene(context.scene).results
    for result in results:
        text = f"{result.name} in Front of Render"
        column.operator("backlot.setup_roto_holdout", text=text, icon="NODE_COMPOSITING").label = result.name
    if not results:
        column.label(text="Import the masks first", icon="INFO")


def _matte_result(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    draw_notices(context, layout, "matte")


_EXPORTS = ("splines", "spline_error", "cryptomatte", "multilayer", "nuke", "after_effects")
ROTO = StagePanel(
    stage="roto",
    label="Roto & Matte",
    button="backlot.roto_propagate",
    icon="TRACKING",
    text="Propagate",
    main=("engine",),
    folds=(
        Fold("display", "Overlay", draw=_overlay, header=_overlay_switch),
        Fold("sources", "Hints from Masks", draw=_sources),
        Fold("range", "Frame Range", ("frame_start", "frame_end")),
        Fold("files", "Files for Other Programs", _EXPORTS),
        Fold("compositing", "Compositing", draw=_compositing),
    ),
    labels={"reprompt_every": "Prompt Every"},
    when=(
        When("spline_error", "splines", (True,)),
        When("nuke", "splines", (True,)),
        When("after_effects", "splines", (True,)),
    ),
    missing=_before,
    above=_objects,
    result=_result,
    settings=("import_when_done",),
)
MATTE = StagePanel(
    stage="matte",
    label="Matte",
    name="roto_matte",
    under="BACKLOT_PT_roto",
    button="backlot.make_mattes",
    icon="IMAGE_ALPHA",
    main=("engine", "band", "foreground"),
    folds=(
        Fold("band", "Band", ("widen_inside", "widen_outside", "shutter", "trimaps")),
        Fold("range", "Labels and Frames", ("labels", "frame_start", "frame_end")),
    ),
    when=(When("command", "engine", ("external",)), When("chunk", "engine", ("external",))),
    result=_matte_result,
)


def _in_editor(space: str, short: str) -> tuple[type[bpy.types.Panel], ...]:
    """Beside the others in the viewport the panel is closed at first; elsewhere it is the only one."""
    where = {"bl_space_type": space, "bl_region_type": "UI", "bl_category": "Backlot"}
    name = "roto" if space == "VIEW_3D" else f"roto_{short}"
    roto = replace(ROTO, where=where, name=name, is_open=space != "VIEW_3D")
    matte = replace(MATTE, where=where, name=f"{name}_matte", under=roto.idname)
    return (*panels_of(roto), *panels_of(matte))


CLASSES = (BACKLOT_UL_roto_objects, *(kind for space, short in _SPACES.items() for kind in _in_editor(space, short)))
