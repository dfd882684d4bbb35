"""Bringing a solved shot into the scene."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import bpy
from bpy_extras.io_utils import ImportHelper

from .. import runtime
from ..file_handler import is_given
from ..importers import ownership
from ..importers.options import DEFAULT_TRACKS, ImportOptions
from ..properties import folder_path, import_options
from ..shared.errors import ArtifactMissing, BacklotError
from .reporting import FINISHED, refuse

if TYPE_CHECKING:
    from ..importers.shot_import import ImportedShot


def shot_folder_of(context: bpy.types.Context) -> Path | None:
    """The scene's shot folder."""
    return folder_path(context.scene.backlot)


class BACKLOT_OT_import_shot(bpy.types.Operator, ImportHelper):
    """Import a solved shot: camera, plate and points. Choose the shot folder or its shot.json"""

    bl_idname = "backlot.import_shot"
    bl_label = "Import Backlot Shot"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(default="shot.json", options={"HIDDEN"})
    set_scene: bpy.props.BoolProperty(
        name="Set Up Scene",
        description="Fit the scene's frame rate, range, resolution and active camera to the shot",
        default=True,
    )
    plate: bpy.props.BoolProperty(name="Plate", description="Show the plate behind the camera", default=True)
    cloud: bpy.props.BoolProperty(name="Points", description="Import the solved points", default=True)
    tracks: bpy.props.IntProperty(
        name="Tracks", default=DEFAULT_TRACKS, min=-1,
        description="How many of the solve's tracks become tracks of the plate's clip; 0: all, -1: none",
    )  # fmt: skip

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if is_given(self):
            return self.execute(context)
        return ImportHelper.invoke(self, context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..importers.shot_import import import_shot

        limit = self.tracks if self.tracks >= 0 else None
        options = ImportOptions(set_scene=self.set_scene, plate=self.plate, cloud=self.cloud, track_limit=limit)
        try:
            folder = find_shot(Path(bpy.path.abspath(self.filepath)))
            shot = import_shot(context.scene, folder, options)
        except BacklotError as error:
            return refuse(self, error)
        if folder_path(context.scene.backlot) is None:
            context.scene.backlot.folder = str(folder)
        report_import(self, shot)
        return FINISHED


class BACKLOT_OT_update_scene(bpy.types.Operator):
    """Import this scene's shot, or update what was imported from it; your own changes stay"""

    bl_idname = "backlot.update_scene"
    bl_label = "Import or Update Scene"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        folder = shot_folder_of(context)
        summary = runtime.session().summary(folder) if folder is not None else None
        if summary is not None and not summary.is_solved:
            cls.poll_message_set("The shot has no solved camera yet")
            return False
        return folder is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..importers.shot_import import import_shot

        settings = context.scene.backlot
        try:
            shot = import_shot(context.scene, folder_path(settings), import_options(settings))
        except BacklotError as error:
            return refuse(self, error)
        report_import(self, shot)
        return FINISHED


class BACKLOT_OT_show_frame(bpy.types.Operator):
    """Go to this frame of the shot"""

    bl_idname = "backlot.show_frame"
    bl_label = "Show Frame"

    frame: bpy.props.IntProperty(name="Frame", description="Plate number, which is the scene's frame number")

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.frame_set(self.frame)
        return FINISHED


class BACKLOT_OT_show_problem(bpy.types.Operator):
    """Go to where the next bad range of the solve begins; after the last one to the first"""

    bl_idname = "backlot.show_problem"
    bl_label = "Next Solve Problem"

    forwards: bpy.props.BoolProperty(
        name="Forwards", description="To the next one, else to the one before", default=True
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        from ..importers.quality_curves import problem_starts

        collection = ownership.current_shot(context.scene)
        if collection is None or not problem_starts(collection):
            cls.poll_message_set("The solve has no bad range")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..importers.quality_curves import problem_starts
        from ..solve_overlay.worst import next_start

        scene = context.scene
        starts = problem_starts(ownership.current_shot(scene))
        scene.frame_set(next_start(starts, scene.frame_current, forwards=self.forwards))
        return FINISHED


def find_shot(chosen: Path) -> Path:
    """The shot folder that a chosen file or folder belongs to. Raises `ArtifactMissing`."""
    for folder in (chosen, *chosen.parents):
        if (folder / "shot.json").is_file():
            return folder
    raise ArtifactMissing(f"{chosen} is not in a shot folder.", "Choose a folder that has a shot.json.")


def report_import(operator: bpy.types.Operator, shot: ImportedShot) -> None:
    runtime.pump().worlds.imported(shot.collection)
    operator.report({"INFO"}, shot.summary)
    if shot.depth_error is not None:
        operator.report({"WARNING"}, str(shot.depth_error))
    if shot.kept:
        names = ", ".join(name.removeprefix("render.").replace("_", " ") for name in shot.kept)
        operator.report({"INFO"}, f"Your own scene settings were kept: {names}")


CLASSES = (BACKLOT_OT_import_shot, BACKLOT_OT_update_scene, BACKLOT_OT_show_frame, BACKLOT_OT_show_problem)
