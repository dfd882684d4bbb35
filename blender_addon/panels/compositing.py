"""Node set-ups that take the lens and the plate into a render."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..importers import ownership
from ..importers.track_record import plate_of
from .tab import BacklotTab


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


CLASSES = (BACKLOT_PT_compositing,)
