"""Many clips at once: each in a scene of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy_extras.io_utils import ImportHelper

from .. import api
from ..file_handler import VIDEO
from ..requests import solve_request
from ..shared.errors import BacklotError, FootageNotFound
from .footage import footage_of
from .reporting import FINISHED, refuse
from .run_all import waits_for_jobs
from .starting import start_job

_OF_ONE_SHOT = ("rna_type", "name", "clip", "folder", "job", "known_shot", "known_place")


class BACKLOT_OT_queue_clips(bpy.types.Operator, ImportHelper):
    """Choose several clips and solve them one after the other: each gets a scene, with this one's Backlot settings,
    where its camera stands when it is done"""

    bl_idname = "backlot.queue_clips"
    bl_label = "Queue Clips"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(default=";".join(f"*{ending}" for ending in VIDEO), options={"HIDDEN"})
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        folder = Path(bpy.path.abspath(self.directory))
        chosen = [folder / file.name for file in self.files if file.name]
        missing = next((path for path in chosen if not path.exists()), None)
        if missing is not None or not chosen:
            return refuse(self, FootageNotFound(f"There is no clip at {missing or folder}.", "Choose clips."))
        own = context.scene.backlot
        clips = dict.fromkeys(footage_of(path) for path in chosen)  # frames of one sequence are one clip
        try:
            for clip in clips:
                _solve_in_a_scene(clip, own)
        except BacklotError as error:
            return refuse(self, error)
        did = "Solved" if waits_for_jobs() else "Queued"
        self.report({"INFO"}, f"{did}, each in a scene of its own: {', '.join(clip.stem for clip in clips)}")
        return FINISHED


def _solve_in_a_scene(clip: Path, like: Any) -> None:
    """like: the settings that the new scene's are copied from."""
    scene = bpy.data.scenes.new(clip.stem)
    _copy(like, scene.backlot)
    scene.backlot.clip = str(clip)
    if waits_for_jobs():
        api.solve_scene(scene)
    else:
        start_job(scene, solve_request(scene))


def _copy(source: Any, target: Any) -> None:
    """Of a property group, what is not the one shot's."""
    for field in source.bl_rna.properties:
        name = field.identifier
        if name in _OF_ONE_SHOT or field.type == "COLLECTION":
            continue
        if field.type == "POINTER":
            _copy(getattr(source, name), getattr(target, name))
        elif not field.is_readonly:
            setattr(target, name, getattr(source, name))


CLASSES = (BACKLOT_OT_queue_clips,)
