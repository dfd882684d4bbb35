"""What the extension keeps in the scene and in the window manager.

The groups hold no Python functions, neither methods nor callbacks: Blender 4.2 as a module keeps them beyond
its own end and crashes there.
"""

from __future__ import annotations

import functools
from pathlib import Path

import bpy

from . import declared, wording
from .compare import settings as compare_settings
from .depth.choice import PARTS, present_parts
from .importers import ownership
from .importers.options import DEFAULT_TRACKS, ImportOptions
from .mocap import settings as mocap_settings
from .roto import settings as roto_settings
from .shared.depth_params import DepthParams
from .shared.export_formats import EXPORT_FORMATS
from .shared.matte_params import MatteParams
from .shared.mocap_params import MocapParams
from .shared.roto_params import RotoParams
from .shared.shot import default_shot_folder
from .shared.stages import ExportParams, IngestParams, SolveParams
from .solve_overlay import settings as overlay_settings

IngestSettings = declared.property_group(IngestParams, "BACKLOT_IngestSettings")
ExportSettings = declared.property_group(ExportParams, "BACKLOT_ExportSettings")
DepthSettings = declared.property_group(DepthParams, "BACKLOT_DepthSettings")
MocapSettings = declared.property_group(MocapParams, "BACKLOT_MocapSettings")
MatteSettings = declared.property_group(MatteParams, "BACKLOT_MatteSettings")
RotoStageSettings = declared.property_group(RotoParams, "BACKLOT_RotoSettings")
SolveSettings = declared.property_group(SolveParams, "BACKLOT_SolveSettings")


WORLD_AXES = tuple(
    (axis, axis.upper(), f"The second point lies in the direction {axis.upper()} of the first")
    for axis in ("x", "-x", "y", "-y", "z", "-z")
)

_EXPORTS = tuple((choice.value, wording.title(choice.label), choice.help) for choice in EXPORT_FORMATS)


class AlignSettings(bpy.types.PropertyGroup):
    """Known lengths and directions of the set, for the World panel."""

    distance: bpy.props.FloatProperty(
        name="Distance",
        description="True distance of the two points that you pick, or size of a known object, in metres",
        default=1.0, min=1e-4, max=1e6, soft_max=100.0, unit="LENGTH", precision=3,
    )  # fmt: skip
    camera_height: bpy.props.FloatProperty(
        name="Camera Height",
        description="Height of the camera over the floor (median of the shot), in metres",
        default=1.6, min=1e-3, max=1e5, soft_max=100.0, unit="LENGTH", precision=3,
    )  # fmt: skip
    axis: bpy.props.EnumProperty(
        name="Axis", description="Direction from the first picked point to the second", items=WORLD_AXES
    )


class ShotSettings(bpy.types.PropertyGroup):
    """The shot of a scene: its clip, its folder and how it is solved. Saved with the file."""

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
    depth: bpy.props.PointerProperty(type=DepthSettings)
    depth_parts: bpy.props.EnumProperty(
        name="Depth Parts",
        description="What of the depth comes into the scene; Shift adds one",
        items=PARTS,
        options={"ENUM_FLAG"},
        default={part[0] for part in PARTS},
    )
    roto: bpy.props.PointerProperty(type=RotoStageSettings)
    matte: bpy.props.PointerProperty(type=MatteSettings)
    mocap: bpy.props.PointerProperty(type=MocapSettings)
    export: bpy.props.PointerProperty(type=ExportSettings)
    export_all: bpy.props.BoolProperty(
        name="Everything This Computer Can Write",
        description="Alembic, USD, FBX, Nuke, After Effects, Houdini, COLMAP, ST maps where the lens bends lines",
        default=True,
    )
    export_formats: bpy.props.EnumProperty(
        name="Formats",
        description="What to write; Shift adds one",
        items=_EXPORTS,
        options={"ENUM_FLAG"},
        default={"abc"},
    )
    align: bpy.props.PointerProperty(type=AlignSettings)
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
    track_limit: bpy.props.IntProperty(
        name="Tracks",
        description="How many of the solve's tracks become tracks of the plate's clip: the best, spread over the "
        "picture; 0: all of them, -1: none",
        default=DEFAULT_TRACKS,
        min=-1,
    )
    job: bpy.props.StringProperty(description="Jobs that the scene waits for: ids between spaces", options={"HIDDEN"})
    known_shot: bpy.props.StringProperty(options={"HIDDEN"})
    known_place: bpy.props.StringProperty(options={"HIDDEN"})


class SurveyItem(bpy.types.PropertyGroup):
    """A known place of what a track shows."""

    track: bpy.props.StringProperty(name="Track", description="Name of a track of the clip")
    place: bpy.props.FloatVectorProperty(
        name="Place", description="Where it is, in metres of a z-up world of your choice", size=3, unit="LENGTH"
    )
    sd: bpy.props.FloatProperty(
        name="Precision", description="How well the place is known, metres", default=0.01, min=1e-6, unit="LENGTH"
    )


class DistanceItem(bpy.types.PropertyGroup):
    """A known distance between what two tracks show."""

    first: bpy.props.StringProperty(name="First Track", description="Name of a track of the clip")
    second: bpy.props.StringProperty(name="Second Track", description="Name of another track of the clip")
    metres: bpy.props.FloatProperty(
        name="Distance", description="Distance between the two, metres", default=1.0, min=1e-6, unit="LENGTH"
    )
    sd: bpy.props.FloatProperty(
        name="Precision", description="How well the distance is known, metres", default=0.01, min=1e-6, unit="LENGTH"
    )


class ClipSettings(bpy.types.PropertyGroup):
    """What the artist knows about the tracks of a plate. Saved with the clip."""

    survey: bpy.props.CollectionProperty(type=SurveyItem)
    distances: bpy.props.CollectionProperty(type=DistanceItem)
    weight: bpy.props.FloatProperty(
        name="Weight of Own Tracks",
        description="How many automatic tracks each track that you made or moved counts as",
        default=10.0,
        min=0.01,
        max=10000.0,
    )


class JobItem(bpy.types.PropertyGroup):
    """A row of the job list; a copy of the backend's JobStatus, because lists show only properties."""

    job: bpy.props.StringProperty()
    title: bpy.props.StringProperty()
    state: bpy.props.StringProperty()
    detail: bpy.props.StringProperty()
    fraction: bpy.props.FloatProperty(subtype="FACTOR", min=0.0, max=1.0)


class JobList(bpy.types.PropertyGroup):
    items: bpy.props.CollectionProperty(type=JobItem)
    active: bpy.props.IntProperty(name="Active Job", options={"SKIP_SAVE"})


def clip_path(settings: ShotSettings) -> Path:
    """The chosen clip, absolute."""
    return Path(bpy.path.abspath(settings.clip)).absolute()


def folder_path(settings: ShotSettings) -> Path | None:
    """The shot folder, absolute; None before a clip or folder was chosen."""
    if settings.folder:
        return Path(bpy.path.abspath(settings.folder)).absolute()
    return _beside(clip_path(settings)) if settings.clip else None


@functools.lru_cache(maxsize=64)
def _beside(clip: Path) -> Path:
    """Whether a clip is a file or a folder is looked up once: panels ask at every drawing."""
    return default_shot_folder(clip)


def import_options(settings: ShotSettings) -> ImportOptions:
    """How the scene wants its shot imported; depth that stands in it is updated."""
    limit = settings.track_limit if settings.track_limit >= 0 else None
    folder = folder_path(settings)
    here = settings.id_data.collection.children_recursive
    shots = ownership.collections_of(str(folder)) if folder is not None else []
    depth = present_parts(next((shot for shot in shots if shot in here), None))
    return ImportOptions(set_scene=settings.set_scene, track_limit=limit, depth=depth)


def waited_jobs(settings: ShotSettings) -> tuple[str, ...]:
    """Ids of the jobs whose results the scene wants when they are done."""
    return tuple(settings.job.split())


def wait_for_job(settings: ShotSettings, job: str) -> None:
    """The scene wants the results of a job, beside those of others that have not ended."""
    settings.job = " ".join(dict.fromkeys((*waited_jobs(settings), job)))


def stop_waiting_for(settings: ShotSettings, job: str) -> None:
    settings.job = " ".join(other for other in waited_jobs(settings) if other != job)


def selected_job(jobs: JobList) -> JobItem | None:
    """The row that is selected in the list."""
    return jobs.items[jobs.active] if 0 <= jobs.active < len(jobs.items) else None


CLASSES = (
    IngestSettings,
    SolveSettings,
    DepthSettings,
    RotoStageSettings,
    MatteSettings,
    MocapSettings,
    ExportSettings,
    AlignSettings,
    ShotSettings,
    SurveyItem,
    DistanceItem,
    ClipSettings,
    *roto_settings.CLASSES,
    *mocap_settings.CLASSES,
    *overlay_settings.CLASSES,
    *compare_settings.CLASSES,
    JobItem,
    JobList,
)


def register() -> None:
    for kind in CLASSES:
        bpy.utils.register_class(kind)
    bpy.types.Scene.backlot = bpy.props.PointerProperty(type=ShotSettings)
    bpy.types.Scene.backlot_roto = bpy.props.PointerProperty(type=roto_settings.RotoSettings)
    bpy.types.Scene.backlot_retarget = bpy.props.PointerProperty(type=mocap_settings.RetargetSettings)
    bpy.types.Scene.backlot_solve_overlay = bpy.props.PointerProperty(type=overlay_settings.SolveOverlaySettings)
    bpy.types.Scene.backlot_adjust_world = bpy.props.BoolProperty(
        name="Adjust World",
        description="Show arrows, rings and a handle at the shot's Root that move, turn and scale it",
    )
    bpy.types.Scene.backlot_compare = bpy.props.PointerProperty(type=compare_settings.CompareSettings)
    bpy.types.Object.backlot_mocap = bpy.props.PointerProperty(type=mocap_settings.PersonSettings)
    bpy.types.MovieClip.backlot = bpy.props.PointerProperty(type=ClipSettings)
    bpy.types.WindowManager.backlot_jobs = bpy.props.PointerProperty(type=JobList)


def unregister() -> None:
    del bpy.types.WindowManager.backlot_jobs
    del bpy.types.MovieClip.backlot
    del bpy.types.Object.backlot_mocap
    del bpy.types.Scene.backlot_compare
    del bpy.types.Scene.backlot_adjust_world
    del bpy.types.Scene.backlot_solve_overlay
    del bpy.types.Scene.backlot_retarget
    del bpy.types.Scene.backlot_roto
    del bpy.types.Scene.backlot
    for kind in reversed(CLASSES):
        bpy.utils.unregister_class(kind)
