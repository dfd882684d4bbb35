"""Mocap: the stage, whom it found, bringing them in, foot lock and smoothing, and other rigs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy

from .. import declared, runtime, wording
from ..importers import ownership
from ..mocap import names
from ..operators.mocap import person_of
from ..operators.retargeting import rig_of
from ..properties import folder_path
from ..shared.messages import DONE, JobStatus
from ..shared.mocap_params import MocapParams
from ..shared.params import specs
from .job_state import current_job, draw_run, of_stage, settings_column, solved_summary
from .tab import BacklotTab, letters

if TYPE_CHECKING:
    from ..summary import MocapSummary

_SHOWN = ("engine", "labels", "height_m", "mesh", "textures")
"""Parameters above the button; the others are in Advanced."""
_PROBLEMS = 6
_OUTDATED = "The camera was solved again after this motion was captured: capture it anew"


class BACKLOT_PT_mocap(BacklotTab, bpy.types.Panel):
    bl_label = "Mocap"
    bl_idname = "BACKLOT_PT_mocap"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, job = self.layout, current_job(context)
        summary = solved_summary(context, layout)
        if summary is None:
            return
        settings = settings_column(layout, job)
        for spec in specs(MocapParams):
            if spec.name in _SHOWN:
                declared.draw(settings, context.scene.backlot.mocap, spec)
        own = job if of_stage(job, "mocap") else None
        draw_run(context, layout, own, "backlot.capture_motion", "ARMATURE_DATA", "mocap")
        if own is None or own.is_over:
            self._result(context, summary.mocap, own)

    def _result(self, context: bpy.types.Context, mocap: MocapSummary | None, job: JobStatus | None) -> None:
        from ..mocap.contents import labels_in

        folder, width = folder_path(context.scene.backlot), letters(context)
        box = self.layout.box()
        if mocap is None and not labels_in(folder):
            box.label(text="Nobody was captured yet", icon="INFO")
            return
        column = box.column(align=True)
        if mocap is not None and mocap.is_outdated:
            wording.draw_wrapped(column, _OUTDATED, width, "ERROR")
        for line in mocap.lines if mocap is not None else ():
            wording.draw_wrapped(column, line, width)
        if job is not None and job.state == DONE:
            for sentence in (n for result in job.results for n in result.notices):
                wording.draw_wrapped(column, sentence, width, "INFO")
        self._people(context, box, mocap, width)
        self._problems(box, mocap, width)
        live = runtime.pump().mocap
        if live.imports:
            box.label(text="Importing motion…", icon="SORTTIME")
        else:
            box.operator("backlot.import_mocap", icon="IMPORT").label = ""
        if live.last_import:
            wording.draw_wrapped(box.column(align=True), live.last_import, width)
        row = box.row()
        row.prop(context.scene.backlot_retarget, "overlay")
        shown = row.row()
        shown.active = context.scene.backlot_retarget.overlay
        shown.prop(context.scene.backlot_retarget, "keypoints", text="What Was Seen")

    def _people(
        self, context: bpy.types.Context, box: bpy.types.UILayout, mocap: MocapSummary | None, width: int
    ) -> None:
        """A row for each person, with what is known and the button that brings only him in."""
        from ..mocap.contents import labels_in

        collection = ownership.current_shot(context.scene)
        here = {thing[names.LABEL] for thing in names.people(collection)} if collection is not None else set()
        said = mocap.people if mocap is not None else {}
        for label in labels_in(folder_path(context.scene.backlot)):
            column = box.column(align=True)
            row = column.row(align=True)
            row.label(text=label, icon="CHECKMARK" if label in here else "ARMATURE_DATA")
            row.operator("backlot.import_mocap", text="", icon="IMPORT").label = label
            if label in said:
                wording.draw_wrapped(column, said[label], width)

    def _problems(self, box: bpy.types.UILayout, mocap: MocapSummary | None, width: int) -> None:
        problems = mocap.problems if mocap is not None else ()
        for problem in problems[:_PROBLEMS]:
            row = box.row(align=True)
            wording.draw_wrapped(row.column(align=True), problem.message, width - 4, "INFO")
            row.operator("backlot.show_frame", text="", icon="TIME").frame = problem.first
        if len(problems) > _PROBLEMS:
            box.label(text=f"and {len(problems) - _PROBLEMS} more")


class BACKLOT_PT_mocap_motion(BacklotTab, bpy.types.Panel):
    bl_label = "Feet and Smoothing"
    bl_idname = "BACKLOT_PT_mocap_motion"
    bl_parent_id = "BACKLOT_PT_mocap"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return person_of(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        person = person_of(context)
        column = self.layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        column.label(text=person.name, icon="ARMATURE_DATA")
        for name in ("lock", "blend", "smooth"):
            column.prop(person.backlot_mocap, name)
        row = self.layout.row(align=True)
        row.operator("backlot.clean_motion", icon="CHECKMARK").reset = False
        row.operator("backlot.clean_motion", text="As Captured", icon="LOOP_BACK").reset = True


class BACKLOT_PT_mocap_retarget(BacklotTab, bpy.types.Panel):
    bl_label = "Retarget"
    bl_idname = "BACKLOT_PT_mocap_retarget"
    bl_parent_id = "BACKLOT_PT_mocap"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return person_of(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.backlot_retarget
        column = self.layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        for name in ("person", "rig", "scale_rig", "on_floor", "feet", "hands"):
            column.prop(settings, name)
        rig, person = rig_of(context), settings.person or person_of(context)
        if rig is not None:
            wording.draw_wrapped(self.layout.column(align=True), f"{person.name} to {rig.name}", letters(context))
        row = self.layout.row()
        row.scale_y = 1.4
        row.operator("backlot.retarget_motion", icon="CON_ARMATURE")


class BACKLOT_PT_mocap_bones(BacklotTab, bpy.types.Panel):
    bl_label = "Bone Map"
    bl_idname = "BACKLOT_PT_mocap_bones"
    bl_parent_id = "BACKLOT_PT_mocap_retarget"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings, rig = self.layout, context.scene.backlot_retarget, rig_of(context)
        row = layout.row(align=True)
        row.operator("backlot.guess_bone_map", text="Guess", icon="VIEWZOOM")
        row.operator("backlot.load_bone_map", text="Load", icon="FILE_FOLDER")
        row.operator("backlot.save_bone_map", text="Save", icon="FILE_TICK")
        if rig is None or rig.type != "ARMATURE" or settings.bones_of != rig.name:
            layout.label(text="Guessed when the motion is retargeted", icon="INFO")
            return
        column = layout.column(align=True)
        column.use_property_split, column.use_property_decorate = True, False
        for item in settings.bones:
            column.prop_search(item, "bone", rig.data, "bones", text=item.name)


class BACKLOT_PT_mocap_advanced(BacklotTab, bpy.types.Panel):
    bl_label = "Advanced"
    bl_idname = "BACKLOT_PT_mocap_advanced"
    bl_parent_id = "BACKLOT_PT_mocap"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        for spec in specs(MocapParams):
            if spec.name not in _SHOWN:
                declared.draw(column, context.scene.backlot.mocap, spec)


CLASSES = (
    BACKLOT_PT_mocap,
    BACKLOT_PT_mocap_motion,
    BACKLOT_PT_mocap_retarget,
    BACKLOT_PT_mocap_bones,
    BACKLOT_PT_mocap_advanced,
)
