"""Depth: the stage, what came of it, bringing it in, and what it does in renders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import runtime, wording
from ..depth import roles
from ..depth.choice import PARTS, part_object
from ..depth.names import SHOW_CONFIDENCE
from ..importers import ownership
from .stage_line import draw_import, draw_notices, draw_some, needs_camera, summary_of
from .stage_panel import Fold, StagePanel, When, panels_of
from .tab import letters

if TYPE_CHECKING:
    from ..summary import DepthSummary

_GAPS = 6
"""Ranges without depth that the panel lists."""
_TUNED = (("Step", "Every n-th Pixel"), ("Edge", "Cut at Jumps of"), ("Least Confidence", "Confidence"))
"""Inputs of the surface's modifier that the panel shows."""


def _result(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    summary = summary_of(context)
    if summary is None or summary.depth is None:
        return
    depth, box, width = summary.depth, layout.box(), letters(context)
    column = box.column(align=True)
    for line in depth.lines:
        wording.draw_wrapped(column, line, width)
    if depth.problem:
        wording.draw_wrapped(column, depth.problem, width, "ERROR")
    draw_some(column, depth.missing, width, _GAPS)
    draw_notices(context, column, "depth")
    _parts(context, box, depth)


def _parts(context: bpy.types.Context, box: bpy.types.UILayout, depth: DepthSummary) -> None:
    row = box.row(align=True)
    there = {"MESH": depth.has_mesh, "CLOUD": depth.has_cloud, "GRID": True}
    for part, _, _ in PARTS:
        cell = row.row(align=True)
        cell.active = there[part]
        cell.prop_enum(context.scene.backlot, "depth_parts", part)
    draw_import(box, runtime.pump().importing, "backlot.import_depth")


def _is_in_scene(context: bpy.types.Context) -> bool:
    collection = ownership.current_shot(context.scene)
    return collection is not None and any(part_object(collection, part[0]) for part in PARTS)


def _in_scene(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    from ..depth.field_nodes import input_key
    from ..depth.grid import find_modifier

    collection = ownership.current_shot(context.scene)
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
    if modifier is not None and modifier.node_group is not None:
        column = layout.column(align=True)
        column.use_property_split, column.use_property_decorate = True, False
        for name, label in _TUNED:
            column.prop(modifier, f'["{input_key(modifier.node_group, name)}"]', text=label)
        column.prop(grid, f'["{SHOW_CONFIDENCE}"]', text="As Colours", slider=True)


def _compositing(layout: bpy.types.UILayout, _context: bpy.types.Context) -> None:
    column = layout.column()
    column.operator("backlot.setup_depth_of_field", icon="CAMERA_DATA")
    column.operator("backlot.setup_fog", icon="OUTLINER_DATA_VOLUME")


DEPTH = StagePanel(
    stage="depth",
    label="Depth",
    button="backlot.estimate_depth",
    icon="MOD_DISPLACE",
    main=("engine", "resolution", "dense", "mesh"),
    folds=(
        Fold("scene", "In the Scene", draw=_in_scene, poll=_is_in_scene, is_open=True),
        Fold("range", "Frame Range", ("frame_start", "frame_end")),
        Fold("surface", "Consistency and Holes", ("iterations", "consistency_resolution", "holes")),
        Fold("compositing", "Compositing", draw=_compositing, poll=_is_in_scene),
    ),
    when=(
        When("mesh", "dense", (True,)),
        When("mesh_faces", "mesh", (True,)),
        When("model", "engine", ("auto", "depth-learned")),
        When("align_every", "engine", ("auto", "depth-learned")),
        When("camera_height", "engine", ("ground-plane",)),
    ),
    missing=needs_camera,
    result=_result,
)
CLASSES = panels_of(DEPTH)
