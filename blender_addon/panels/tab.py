"""Where the panels are, and how wide."""

from __future__ import annotations

import bpy

from .. import wording


class BacklotTab:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Backlot"


def letters(context: bpy.types.Context) -> int:
    """How many letters fit beside each other in the sidebar."""
    region = context.region
    width = region.width if region is not None and region.width > 1 else 260
    return wording.letters(width, context.preferences.system.ui_scale)
