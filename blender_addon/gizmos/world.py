"""Arrows, rings and a handle at the shot's Root that adjust its world."""

from __future__ import annotations

from typing import ClassVar

import bpy
from mathutils import Matrix, Vector

from ..importers import ownership
from ..picking.change import MOVE, SCALE, TURN

_COLOURS = ((0.96, 0.20, 0.32), (0.54, 0.86, 0.0), (0.16, 0.56, 1.0))
_WHITE = (0.9, 0.9, 0.9)
_ALPHA, _LIT = 0.7, 1.0
_RING = 0.75
"""Size of the rings beside the arrows."""


class BACKLOT_GGT_world(bpy.types.GizmoGroup):
    bl_idname = "BACKLOT_GGT_world"
    bl_label = "Adjust World"
    bl_space_type = "VIEW_3D"
    bl_region_type = "WINDOW"
    bl_options: ClassVar[set[str]] = {"3D", "PERSISTENT"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.backlot_adjust_world and _root(context) is not None

    def setup(self, context: bpy.types.Context) -> None:
        self.turns = {}
        for number, name in enumerate("XYZ"):
            along = Vector((0.0, 0.0, 1.0)).rotation_difference(Vector([float(i == number) for i in range(3)]))
            arrow = self._make("GIZMO_GT_arrow_3d", MOVE, name, _COLOURS[number])
            ring = self._make("GIZMO_GT_dial_3d", TURN, name, _COLOURS[number])
            ring.draw_options = {"CLIP"}
            ring.scale_basis = _RING
            self.turns[arrow] = self.turns[ring] = along.to_matrix().to_4x4()
        handle = self._make("GIZMO_GT_arrow_3d", SCALE, "Z", _WHITE)
        handle.draw_style = "BOX"
        self.turns[handle] = Vector((0.0, 0.0, 1.0)).rotation_difference(Vector((1.0, 1.0, 1.0))).to_matrix().to_4x4()

    def draw_prepare(self, context: bpy.types.Context) -> None:
        """Before every redraw: the Root may have moved."""
        root = _root(context)
        if root is None:
            return
        place, turn, _ = root.matrix_world.decompose()
        stands = Matrix.Translation(place) @ turn.to_matrix().to_4x4()
        for gizmo, along in self.turns.items():
            gizmo.matrix_basis = stands @ along

    def _make(self, kind: str, does: str, axis: str, colour: tuple[float, float, float]) -> bpy.types.Gizmo:
        gizmo = self.gizmos.new(kind)
        operator = gizmo.target_set_operator("backlot.adjust_world")
        operator.kind, operator.axis = does, axis
        gizmo.color, gizmo.alpha = colour, _ALPHA
        gizmo.color_highlight, gizmo.alpha_highlight = colour, _LIT
        return gizmo


def _root(context: bpy.types.Context) -> bpy.types.Object | None:
    collection = ownership.current_shot(context.scene)
    return ownership.recall(collection, ownership.ROOT) if collection is not None else None


CLASSES = (BACKLOT_GGT_world,)
