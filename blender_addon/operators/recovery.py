"""What helps out of a trouble: a backend that is started anew, a shot or clip that is found again, or forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy
from bpy_extras.io_utils import ImportHelper

from .. import runtime
from ..file_handler import FRAMES, VIDEO, is_given
from ..properties import folder_path
from ..shared.errors import BacklotError, FootageNotFound, InvalidRequest
from ..shared.shot import ShotFolder
from ..trouble.moving import known_shot, move_to, note_shot
from .footage import footage_of
from .importing import find_shot
from .reporting import FINISHED, refuse


class BACKLOT_OT_restart_backend(bpy.types.Operator):
    """End the backend, also one that does not answer, and start it again; its jobs go on"""

    bl_idname = "backlot.restart_backend"
    bl_label = "Restart Backend"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if runtime.session().starting:
            cls.poll_message_set("The backend is starting")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        running = len(runtime.session().unfinished) if runtime.session().online else 0
        if not running:
            return self.execute(context)
        jobs = "A job is" if running == 1 else f"{running} jobs are"
        return context.window_manager.invoke_confirm(
            self, event, title="Restart Backend", message=f"{jobs} at work: stopped now, gone on with afterwards"
        )

    def execute(self, _context: bpy.types.Context) -> set[str]:
        runtime.pump().restart_backend()
        return FINISHED


class BACKLOT_OT_update_extension(bpy.types.Operator):
    """Show Blender's list of extensions, to update Backlot there or to install a newer zip from disk"""

    bl_idname = "backlot.update_extension"
    bl_label = "Update Extension"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if bpy.app.background:
            cls.poll_message_set("Blender has no window here")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        bpy.ops.screen.userpref_show()
        context.preferences.active_section = "EXTENSIONS"
        context.window_manager.extension_search = "Backlot"
        return FINISHED


class BACKLOT_OT_find_shot_folder(bpy.types.Operator, ImportHelper):
    """Say where this scene's shot lies now. Choose the folder or its shot.json; what was imported follows"""

    bl_idname = "backlot.find_shot_folder"
    bl_label = "Find Shot Folder"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(default="shot.json", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_shot(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if is_given(self):
            return self.execute(context)
        return ImportHelper.invoke(self, context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        try:
            folder = find_shot(Path(bpy.path.abspath(self.filepath)))
            found, known = ShotFolder(folder).read(), known_shot(scene)
        except BacklotError as error:
            return refuse(self, error)
        if known and found.id != known:
            wanted = folder_path(scene.backlot)
            return refuse(
                self,
                InvalidRequest(
                    f"{folder} is another shot, of {Path(found.footage).name}; this scene's is {wanted.name}.",
                    "Choose the folder that was moved, or press Forget and import this one.",
                ),
            )
        followed = move_to(scene, folder)
        note_shot(scene, found.id)
        _look_again(folder)
        self.report({"INFO"}, f"The shot is in {folder}; {followed} imported files follow it")
        return FINISHED


class BACKLOT_OT_find_clip(bpy.types.Operator, ImportHelper):
    """Say where this shot's clip lies now; what was made from it stays"""

    bl_idname = "backlot.find_clip"
    bl_label = "Find Clip"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(default=";".join(f"*{e}" for e in VIDEO + FRAMES), options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_shot(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if is_given(self):
            return self.execute(context)
        return ImportHelper.invoke(self, context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings, path = context.scene.backlot, Path(bpy.path.abspath(self.filepath))
        if not self.filepath or not path.exists():
            return refuse(self, FootageNotFound(f"There is no clip at {path}."))
        folder, known = folder_path(settings), known_shot(context.scene)
        if folder is not None and folder.is_dir():  # it stays where it is, although the clip was beside it
            settings.folder = str(folder)
        settings.clip = str(footage_of(path))
        note_shot(context.scene, known)
        _look_again(folder)
        return FINISHED


class BACKLOT_OT_forget_shot(bpy.types.Operator):
    """Take the shot and its clip out of this scene's settings; files on disk and objects in the scene stay"""

    bl_idname = "backlot.forget_shot"
    bl_label = "Forget Shot"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_shot(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.backlot
        settings.clip = settings.folder = settings.job = settings.known_shot = settings.known_place = ""
        runtime.session().changed = True
        return FINISHED


class BACKLOT_OT_dismiss_trouble(bpy.types.Operator):
    """Do not show this any longer"""

    bl_idname = "backlot.dismiss_trouble"
    bl_label = "Dismiss"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        session = runtime.session()
        session.error, session.changed = None, True
        return FINISHED


def _has_shot(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    if folder_path(context.scene.backlot) is None:
        cls.poll_message_set("This scene has no shot")
        return False
    return True


def _look_again(folder: Path | None) -> None:
    runtime.pump().troubles.look_again()
    if folder is not None:
        runtime.session().refresh_summary(folder)


CLASSES = (
    BACKLOT_OT_restart_backend,
    BACKLOT_OT_update_extension,
    BACKLOT_OT_find_shot_folder,
    BACKLOT_OT_find_clip,
    BACKLOT_OT_forget_shot,
    BACKLOT_OT_dismiss_trouble,
)
