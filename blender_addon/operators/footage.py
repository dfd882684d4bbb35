"""Choosing the clip of the scene's shot."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import bpy
from bpy_extras.io_utils import ImportHelper

from .. import api, known, runtime
from ..file_handler import FRAMES, VIDEO, is_given
from ..first_run.live import READY
from ..properties import clip_path
from ..shared.errors import BacklotError, FootageNotFound
from .importing import shot_folder_of
from .reporting import FINISHED, refuse
from .world import start_backend

_NUMBERED = re.compile(r"(.*?)(\d+)$")


class BACKLOT_OT_open_clip(bpy.types.Operator, ImportHelper):
    """Make a clip, or one frame of an image sequence, the shot of this scene"""

    bl_idname = "backlot.open_clip"
    bl_label = "Open Backlot Clip"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(default=";".join(f"*{e}" for e in VIDEO + FRAMES), options={"HIDDEN"})
    solve: bpy.props.BoolProperty(name="Solve Now", description="Start solving the camera at once", default=False)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if is_given(self):  # dropped into the viewport
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
        if not bpy.app.background and runtime.pump().first_run.record == READY:
            start_backend()  # the panel then says what is unusual about the clip
        if self.solve:
            bpy.ops.backlot.solve_camera()
        return FINISHED


class BACKLOT_OT_open_folder(bpy.types.Operator):
    """Show the shot folder in the system's file browser"""

    bl_idname = "backlot.open_folder"
    bl_label = "Show Shot Folder"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not known.exists(shot_folder_of(context)):
            cls.poll_message_set("The shot folder does not exist yet")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        return bpy.ops.wm.path_open(filepath=str(shot_folder_of(context)))


class BACKLOT_OT_check_clip(bpy.types.Operator):
    """Look at the clip without reading it: size, frame rate, colour, and what is unusual. Starts the backend"""

    bl_idname = "backlot.check_clip"
    bl_label = "Check Clip"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not context.scene.backlot.clip:
            cls.poll_message_set("Choose a clip first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        clips, clip = runtime.pump().clips, clip_path(context.scene.backlot)
        if bpy.app.background:  # no panel would show it
            return self._report(clip)
        clips.forget(clip)
        clips.wish(clip)
        start_backend()
        return FINISHED

    def _report(self, clip: Path) -> set[str]:
        from ..clip_facts import clip_warnings, fact_rows

        try:
            reply = api.probe_clip(clip)
        except BacklotError as error:
            return refuse(self, error)
        for label, value in fact_rows(reply.facts):
            self.report({"INFO"}, f"{label}: {value}")
        for warning in clip_warnings(reply.facts):
            self.report({"INFO"}, warning.text)
        return FINISHED


class BACKLOT_OT_use_frames(bpy.types.Operator):
    """Take only these frames of the clip: the shot is read anew from them"""

    bl_idname = "backlot.use_frames"
    bl_label = "Use Frame Range"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    first: bpy.props.IntProperty(name="First Frame", description="First frame; -1 leaves it as it is", default=-1,
                                 min=-1, options={"SKIP_SAVE"})  # fmt: skip
    last: bpy.props.IntProperty(name="Last Frame", description="Last frame; -1 leaves it as it is", default=-1,
                                min=-1, options={"SKIP_SAVE"})  # fmt: skip

    def execute(self, context: bpy.types.Context) -> set[str]:
        ingest = context.scene.backlot.ingest
        if self.first >= 0:
            ingest.use_frame_start, ingest.frame_start = True, self.first
        if self.last >= 0:
            ingest.use_frame_end, ingest.frame_end = True, self.last
        return FINISHED


def footage_of(path: Path) -> Path:
    """One frame of a sequence stands for the whole of it: `a/name.1001.exr` -> `a/name.####.exr`."""
    match = _NUMBERED.match(path.stem)
    if path.suffix.lower() not in FRAMES or match is None:
        return path
    return path.with_name(f"{match[1]}{'#' * len(match[2])}{path.suffix}")


CLASSES = (BACKLOT_OT_open_clip, BACKLOT_OT_open_folder, BACKLOT_OT_check_clip, BACKLOT_OT_use_frames)
