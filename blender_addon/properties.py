"""What the extension keeps in the scene and in the window manager."""

from __future__ import annotations

from pathlib import Path

import bpy

from . import declared
from .shared.messages import JobStatus
from .shared.shot import default_shot_folder
from .shared.stages import IngestParams, SolveParams

IngestSettings = declared.property_group(IngestParams, "BACKLOT_IngestSettings")
SolveSettings = declared.property_group(SolveParams, "BACKLOT_SolveSettings")


class ShotSettings(bpy.types.PropertyGroup):
    """The shot of a scene: its clip, its folder and how it is solved. Saved with the file.

    No property of the extension has a Python callback: Blender 4.2 as a module keeps them beyond its end and
    crashes.
    """

    clip: bpy.props.StringProperty(
        name="Clip",
        description="Video file, folder of frames, or a pattern such as name.####.exr",
        subtype="FILE_PATH",
    )
    folder: bpy.props.StringProperty(
        name="Shot Folder",
        description="Where Backlot keeps everything made from the clip; empty: beside the clip",
        subtype="DIR_PATH",
    )
    ingest: bpy.props.PointerProperty(type=IngestSettings)
    solve: bpy.props.PointerProperty(type=SolveSettings)
    import_when_done: bpy.props.BoolProperty(
        name="Import When Done",
        description="Put the solved camera, the plate and the points into this scene as soon as the solve ends",
        default=True,
    )
    set_scene: bpy.props.BoolProperty(
        name="Set Up Scene",
        description="Fit the scene's frame rate, range, resolution and active camera to the shot",
        default=True,
    )
    job: bpy.props.StringProperty(options={"HIDDEN"})

    @property
    def clip_path(self) -> Path:
        return Path(bpy.path.abspath(self.clip))

    @property
    def folder_path(self) -> Path | None:
        """The shot folder, absolute; None before a clip or folder was chosen."""
        if self.folder:
            return Path(bpy.path.abspath(self.folder)).absolute()
        return default_shot_folder(self.clip_path.absolute()) if self.clip else None


class JobItem(bpy.types.PropertyGroup):
    """A row of the job list; a copy of the backend's JobStatus, because lists show only properties."""

    job: bpy.props.StringProperty()
    title: bpy.props.StringProperty()
    state: bpy.props.StringProperty()
    detail: bpy.props.StringProperty()
    fraction: bpy.props.FloatProperty(subtype="FACTOR", min=0.0, max=1.0)

    def show(self, status: JobStatus, detail: str) -> None:
        self.name = self.job = status.id
        self.title = Path(status.request.footage or status.request.shot).name
        self.state = status.state
        self.detail = detail
        self.fraction = status.progress.fraction


class JobList(bpy.types.PropertyGroup):
    items: bpy.props.CollectionProperty(type=JobItem)
    active: bpy.props.IntProperty(name="Active Job", options={"SKIP_SAVE"})

    @property
    def selected(self) -> JobItem | None:
        return self.items[self.active] if 0 <= self.active < len(self.items) else None


CLASSES = (IngestSettings, SolveSettings, ShotSettings, JobItem, JobList)


def register() -> None:
    for kind in CLASSES:
        bpy.utils.register_class(kind)
    bpy.types.Scene.backlot = bpy.props.PointerProperty(type=ShotSettings)
    bpy.types.WindowManager.backlot_jobs = bpy.props.PointerProperty(type=JobList)


def unregister() -> None:
    del bpy.types.WindowManager.backlot_jobs
    del bpy.types.Scene.backlot
    for kind in reversed(CLASSES):
        bpy.utils.unregister_class(kind)
