"""Mocap: the stage, whom it found, bringing them in, foot lock and smoothing, and other rigs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import runtime, wording
from ..importers import ownership
from ..mocap import names
from ..operators.mocap import person_of
from ..operators.retargeting import rig_of
from .stage_line import draw_import, draw_notices, draw_problems, needs_camera, summary_of
from .stage_panel import Fold, StagePanel, When, panels_of
from .tab import letters

if TYPE_CHECKING:
    from ..summary import ShotSummary

_PROBLEMS = 6
_OUTDATED = "The camera was solved again after this motion was captured: capture it anew"


def _result(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    summary, width = summary_of(context), letters(context)
    mocap, people = summary.mocap, summary.motions
    if mocap is None and not people:
        return
    box = layout.box()
    column = box.column(align=True)
    if mocap is not None and mocap.is_outdated:
        wording.draw_wrapped(column, _OUTDATED, width, "ERROR")
    for line in mocap.lines if mocap is not None else ():
        wording.draw_wrapped(column, line, width)
    draw_notices(context, column, "mocap")
    _people(context, box, summary, width)
    problems = mocap.problems if mocap is not None else ()
    draw_problems(box, [(one.first, one.message) for one in problems], width, _PROBLEMS, "INFO")
    live = runtime.pump().mocap
    draw_import(box, "motion" if live.imports else "", "backlot.import_mocap", label="")
    if live.last_import:
        wording.draw_wrapped(box.column(align=True), live.last_import, width)
    row = box.row()
    row.prop(context.scene.backlot_retarget, "overlay")
    shown = row.row()
    shown.active = context.scene.backlot_retarget.overlay
    shown.prop(context.scene.backlot_retarget, "keypoints", text="What Was Seen")


def _people(context: bpy.types.Context, box: bpy.types.UILayout, summary: ShotSummary, width: int) -> None:
    """A row for each person, with what is known and the button that brings only him in."""
    collection = ownership.current_shot(context.scene)
    here = {thing[names.LABEL] for thing in names.people(collection)} if collection is not None else set()
    said = summary.mocap.people if summary.mocap is not None else {}
    for label in summary.motions:
        column = box.column(align=True)
        row = column.row(align=True)
        row.label(text=label, icon="CHECKMARK" if label in here else "ARMATURE_DATA")
        row.operator("backlot.import_mocap", text="", icon="IMPORT").label = label
        if label in said:
            wording.draw_wrapped(column, said[label], width)


def _has_person(context: bpy.types.Context) -> bool:
    return person_of(context) is not None


def _motion(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    person = person_of(context)
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    column.label(text=person.name, icon="ARMATURE_DATA")
    for name in ("lock", "blend", "smooth"):
        column.prop(person.backlot_mocap, name)
    row = layout.row(align=True)
    row.operator("backlot.clean_motion", icon="CHECKMARK").reset = False
    row.operator("backlot.clean_motion", text="As Captured", icon="LOOP_BACK").reset = True


def _retarget(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    settings = context.scene.backlot_retarget
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    for name in ("person", "rig", "scale_rig", "on_floor", "feet", "hands"):
        column.prop(settings, name)
    rig, person = rig_of(context), settings.person or person_of(context)
    if rig is not None:
        wording.draw_wrapped(layout.column(align=True), f"{person.name} to {rig.name}", letters(context))
    row = layout.row()
    row.scale_y = 1.4
    row.operator("backlot.retarget_motion", text="Retarget", icon="CON_ARMATURE")


def _bones(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    settings, rig = context.scene.backlot_retarget, rig_of(context)
    row = layout.row(align=True)
    row.operator("backlot.guess_bone_map", text="Guess", icon="VIEWZOOM")
    row.operator("backlot.load_bone_map", text="Load", icon="FILE_FOLDER")
    row.operator("backlot.save_bone_map", text="Save", icon="FILE_TICK")
    if rig is None or rig.type != "ARMATURE" or settings.bones_of != rig.name:
        wording.draw_wrapped(layout, "Guessed when the motion is retargeted", letters(context), "INFO")
        return
    column = layout.column(align=True)
    column.use_property_split, column.use_property_decorate = True, False
    for item in settings.bones:
        column.prop_search(item, "bone", rig.data, "bones", text=item.name)


MOCAP = StagePanel(
    stage="mocap",
    label="Mocap",
    button="backlot.capture_motion",
    icon="ARMATURE_DATA",
    main=("engine", "labels", "height_m", "mesh", "textures"),
    folds=(
        Fold("motion", "Feet and Smoothing", draw=_motion, poll=_has_person, is_open=True),
        Fold("retarget", "Retarget", draw=_retarget, poll=_has_person, is_open=True),
        Fold("bones", "Bone Map", draw=_bones, under="retarget"),
        Fold("range", "Frame Range", ("frame_start", "frame_end")),
    ),
    labels={"height_m": "Height (m)", "blender": "Blender"},
    when=(
        When("textures", "mesh", ("proxy", "smpl")),
        When("mesh_sequence", "mesh", ("proxy", "smpl")),
        When("body_model", "mesh", ("smpl",)),
        When("command", "engine", ("gvhmr", "wham", "sam-3d-body")),
    ),
    missing=needs_camera,
    result=_result,
)
CLASSES = panels_of(MOCAP)
