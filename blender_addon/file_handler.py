"""Dropping a clip into a 3D viewport."""

from __future__ import annotations

import bpy

VIDEO = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".mxf", ".m4v")


class BACKLOT_FH_clip(bpy.types.FileHandler):
    bl_idname = "BACKLOT_FH_clip"
    bl_label = "Backlot Clip"
    bl_import_operator = "backlot.open_clip"
    bl_file_extensions = ";".join(VIDEO)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


def register() -> None:
    bpy.utils.register_class(BACKLOT_FH_clip)


def unregister() -> None:
    bpy.utils.unregister_class(BACKLOT_FH_clip)
