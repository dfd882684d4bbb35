"""The solve's tracks: what they say, what the artist says, and solving again. In the 3D viewport and, where tracks
are edited, in the Movie Clip Editor."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..importers import ownership
from ..importers.track_record import error_of, plate_of, record_of
from .tab import BacklotTab

_ROWS = 8
"""Of each list; more are counted."""


def _draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    clip = plate_of(ownership.current_shot(context.scene))
    if clip is None:
        layout.label(text="Import a solved shot first", icon="INFO")
        return
    record = record_of(clip)
    held = next(thing for thing in clip.tracking.objects if thing.is_camera).tracks
    errors = sorted(error for error in record.errors if error is not None)
    column = layout.column(align=True)
    column.label(text=f"{len(held)} tracks in the clip")
    if errors:
        column.label(text=f"Median error {errors[len(errors) // 2]:.2f} px")
    active = held.active
    if active is not None:
        error = error_of(record, active)
        column.label(text=f"{active.name}: {'no point' if error is None else f'{error:.2f} px'}", icon="TRACKER")
    column.prop(context.scene.backlot, "track_limit")
    _known(layout, clip)
    layout.prop(clip.backlot, "weight")
    row = layout.row()
    row.scale_y = 1.4
    row.operator("backlot.solve_with_tracks", icon="FILE_REFRESH")
    layout.operator("backlot.forget_hints", icon="X")


def _known(layout: bpy.types.UILayout, clip: bpy.types.MovieClip) -> None:
    layout.operator("backlot.add_survey_point", icon="EMPTY_AXIS")
    for index, item in enumerate(clip.backlot.survey[:_ROWS]):
        box = layout.box().column(align=True)
        row = box.row(align=True)
        row.prop_search(item, "track", clip.tracking, "tracks", text="")
        _remove(row, "survey", index)
        box.prop(item, "place", text="")
        box.prop(item, "sd")
    layout.operator("backlot.add_known_distance", icon="DRIVER_DISTANCE")
    for index, item in enumerate(clip.backlot.distances[:_ROWS]):
        box = layout.box().column(align=True)
        row = box.row(align=True)
        row.prop_search(item, "first", clip.tracking, "tracks", text="")
        row.prop_search(item, "second", clip.tracking, "tracks", text="")
        _remove(row, "distances", index)
        box.prop(item, "metres")
        box.prop(item, "sd")
    more = max(len(clip.backlot.survey), len(clip.backlot.distances)) - _ROWS
    if more > 0:
        layout.label(text=f"and {more} more")


def _remove(row: bpy.types.UILayout, kind: str, index: int) -> None:
    operator = row.operator("backlot.remove_known", text="", icon="X")
    operator.kind, operator.index = kind, index


class BACKLOT_PT_tracks(BacklotTab, bpy.types.Panel):
    bl_label = "Tracks"
    bl_idname = "BACKLOT_PT_tracks"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        _draw(self.layout, context)


class BACKLOT_PT_clip_tracks(bpy.types.Panel):
    bl_label = "Backlot Tracks"
    bl_idname = "BACKLOT_PT_clip_tracks"
    bl_space_type = "CLIP_EDITOR"
    bl_region_type = "UI"
    bl_category = "Backlot"

    def draw(self, context: bpy.types.Context) -> None:
        _draw(self.layout, context)


CLASSES = (BACKLOT_PT_tracks, BACKLOT_PT_clip_tracks)
