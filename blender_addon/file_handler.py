"""Dropping files into a 3D viewport: clips and frames, shots, and cameras of other programs.

Blender hands over files by the ends of their names, folders not at all; and where it takes pictures and videos itself
(as empties, in the viewport), they have to be dropped onto the sidebar.
"""

from __future__ import annotations

import bpy

VIDEO = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".mxf", ".m4v")
FRAMES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dpx", ".exr")
CAMERAS = (".chan", ".jsx", ".abc", ".fbx", ".usd", ".usda", ".usdc")


def is_given(operator: bpy.types.Operator) -> bool:
    """Whether an operator's file was dropped, or named by a button or script. Blender also fills in the one of the last
    run, which is not meant."""
    return bool(operator.filepath) and operator.properties.is_property_set("filepath")


class _OnViewport:
    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


class BACKLOT_FH_clip(_OnViewport, bpy.types.FileHandler):
    bl_idname = "BACKLOT_FH_clip"
    bl_label = "Backlot Clip"
    bl_import_operator = "backlot.open_clip"
    bl_file_extensions = ";".join(VIDEO + FRAMES)


class BACKLOT_FH_shot(_OnViewport, bpy.types.FileHandler):
    bl_idname = "BACKLOT_FH_shot"
    bl_label = "Backlot Shot"
    bl_import_operator = "backlot.import_shot"
    bl_file_extensions = ".json"


class BACKLOT_FH_camera(bpy.types.FileHandler):
    bl_idname = "BACKLOT_FH_camera"
    bl_label = "Backlot Camera of the Shot"
    bl_import_operator = "backlot.import_camera"
    bl_file_extensions = ";".join(CAMERAS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """A camera belongs to a shot: before there is one, Blender's own importers have these files to themselves."""
        is_viewport = context.area is not None and context.area.type == "VIEW_3D"
        return is_viewport and bpy.ops.backlot.import_camera.poll()


CLASSES = (BACKLOT_FH_clip, BACKLOT_FH_shot, BACKLOT_FH_camera)


def register() -> None:
    for kind in CLASSES:
        bpy.utils.register_class(kind)


def unregister() -> None:
    for kind in reversed(CLASSES):
        bpy.utils.unregister_class(kind)
