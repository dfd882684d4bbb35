"""Choosing the clip of the scene's shot."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import bpy
from bpy_extras.io_utils import ImportHelper

from .. import runtime
from ..file_handler import VIDEO
from ..shared.errors import FootageNotFound
from ..shared.shot import ShotFolder
from .importing import shot_folder_of
from .reporting import FINISHED, refuse

FRAMES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dpx", ".exr")
_NUMBERED = re.compile(r"(.*?)(\d+)$")


class BACKLOT_OT_open_clip(bpy.types.Operator, ImportHelper):
    """Make a clip, or one frame of an image sequence, the shot of this scene"""

    bl_idname = "backlot.open_clip"
    bl_label = "Open Backlot Clip"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(default=";".join(f"*{e}" for e in VIDEO + FRAMES), options={"HIDDEN"})
    solve: bpy.props.BoolProperty(name="Solve Now", description="Start solving the camera at once", default=False)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.filepath:  # dropped into the viewport
            return self.execute(context)
        return ImportHelper.invoke(self, context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        if not self.filepath or not path.exists():
            return refuse(self, FootageNotFound(f"There is no clip at {path}."))
        settings = context.scene.backlot
        settings.folder = ""
        settings.clip = str(footage_of(path))
        runtime.session().changed = True  # a drop or a script leaves the sidebar as it was drawn before
        self.report({"INFO"}, f"The shot of this scene is {path.name}")
        if self.solve:
            bpy.ops.backlot.solve_camera()
        return FINISHED


class BACKLOT_OT_open_folder(bpy.types.Operator):
    """Show the shot folder in the system's file browser"""

    bl_idname = "backlot.open_folder"
    bl_label = "Show Shot Folder"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        folder = shot_folder_of(context)
        if folder is None or not ShotFolder(folder).root.is_dir():
            cls.poll_message_set("The shot folder does not exist yet")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        return bpy.ops.wm.path_open(filepath=str(shot_folder_of(context)))


def footage_of(path: Path) -> Path:
    """One frame of a sequence stands for the whole of it: `a/name.1001.exr` -> `a/name.####.exr`."""
    match = _NUMBERED.match(path.stem)
    if path.suffix.lower() not in FRAMES or match is None:
        return path
    return path.with_name(f"{match[1]}{'#' * len(match[2])}{path.suffix}")


CLASSES = (BACKLOT_OT_open_clip, BACKLOT_OT_open_folder)
