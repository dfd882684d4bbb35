"""Which module writes which format, and where in the shot its file lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.pipeline.context import StageContext
from shared import axes
from shared.artifacts import Artifact, frame_name
from shared.camera_files import SolvedCamera
from shared.errors import EngineUnavailable
from shared.stages import ExportParams

from .after_effects import write_after_effects
from .blender_process import Blender, require_blender
from .blender_scene import write_with_blender
from .camera_track import CameraTrack, PointCloud
from .chan import write_chan
from .colmap_text import write_colmap_text
from .formats import AUTO, Format, named_formats
from .houdini_clip import write_clip
from .nuke_script import write_nuke_script
from .stmap import redistort_positions, st_values, undistort_positions, write_stmap
from .table import write_table
from .undistorted_picture import UndistortedPicture, distinct_lenses
from .undistorted_plate import write_undistorted
from .usd import write_usd

FOLDER = "camera"
_CHANNEL_WRITERS = {"chan": write_chan, "csv": write_table, "clip": write_clip, "nk": write_nuke_script}


@dataclass
class Export:
    """Everything one run of the stage writes from. done, total: steps for the progress."""

    context: StageContext
    params: ExportParams
    camera: SolvedCamera
    picture: UndistortedPicture
    track: CameraTrack
    cloud: PointCloud
    blender: Blender | None
    done: int = 0
    total: int = 1

    @property
    def folder(self) -> Path:
        return self.context.shot.root / FOLDER

    def step(self, note: str, frame: int | None = None) -> None:
        """Before each piece of work. Raises `JobCancelled`."""
        self.context.progress(self.done, self.total, frame, note)
        self.done += 1

    def axes_of(self, wanted: Format) -> axes.Convention:
        return axes.by_name(wanted.axes if self.params.axes == AUTO else self.params.axes)

    def order_of(self, wanted: Format) -> str:
        return wanted.order if self.params.rotation_order == AUTO else self.params.rotation_order


def write(export: Export, formats: tuple[Format, ...]) -> tuple[Artifact, ...]:
    """Writes the formats in turn and lists what was written."""
    export.total = sum(_steps(export, wanted) for wanted in formats)
    artifacts: list[Artifact] = []
    for wanted in formats:
        artifacts += _WRITERS.get(wanted.name, _write_channels)(export, wanted)
    export.context.progress(export.total, export.total)
    return tuple(artifacts)


def _steps(export: Export, wanted: Format) -> int:
    frames = len(export.camera.intrinsics.frames)
    if wanted.name == "stmap":
        return frames if len(distinct_lenses(export.camera.intrinsics)) > 1 else 1
    return frames if wanted.name == "undistorted" else 1


def _file(export: Export, wanted: Format) -> Path:
    export.step(wanted.name)
    return export.folder / f"camera.{wanted.name}"


def _write_channels(export: Export, wanted: Format) -> list[Artifact]:
    path = _file(export, wanted)
    _CHANNEL_WRITERS[wanted.name](path, export.track, export.axes_of(wanted), export.order_of(wanted))
    return [export.context.artifact(wanted.name, path)]


def _write_usd(export: Export, wanted: Format) -> list[Artifact]:
    path = _file(export, wanted)
    write_usd(path, export.track, export.cloud, export.axes_of(wanted))
    return [export.context.artifact(wanted.name, path)]


def _write_scene(export: Export, wanted: Format) -> list[Artifact]:
    path = _file(export, wanted)
    blender = export.blender or require_blender(export.params.blender)
    try:
        version = write_with_blender(
            path, export.track, export.cloud, export.axes_of(wanted), blender, export.context.check_cancelled
        )
    except EngineUnavailable as lacking:
        if wanted.name in named_formats(export.params):
            raise
        export.context.notice(f".{wanted.name} was left out: {lacking.message}")
        return []
    export.context.log.info("%s written by Blender %s", path.name, version)
    return [export.context.artifact(wanted.name, path)]


def _write_script(export: Export, wanted: Format) -> list[Artifact]:
    path = _file(export, wanted)
    write_after_effects(path, export.track, export.cloud)
    return [export.context.artifact(wanted.name, path)]


def _write_colmap(export: Export, wanted: Format) -> list[Artifact]:
    export.step(wanted.name)
    folder = export.folder / "colmap"
    write_colmap_text(folder, export.context.shot, export.camera, export.axes_of(wanted), export.params.scale)
    return [export.context.artifact(wanted.name, folder)]


def _write_undistorted(export: Export, wanted: Format) -> list[Artifact]:
    folder, plate = export.folder / "undistorted", export.camera.intrinsics

    def step(frame: int) -> None:
        export.step("undistorting", frame)

    half_done = export.context.checkpoint_dir / "undistorted"
    write_undistorted(folder, export.context.shot, plate, export.picture, half_done, step)
    return [export.context.artifact(wanted.name, folder, (plate.frames[0].frame, plate.frames[-1].frame))]


def _write_stmaps(export: Export, wanted: Format) -> list[Artifact]:
    """One pair of maps; with a zoom one pair for every frame, in folders."""
    plate, picture = export.camera.intrinsics, export.picture
    folder = export.folder / "stmap"
    is_zoom = len(distinct_lenses(plate)) > 1
    for frame in plate.frames if is_zoom else plate.frames[:1]:
        export.step("ST maps", frame.frame)
        undistort = st_values(undistort_positions(plate, frame, picture), plate.width, plate.height)
        redistort = st_values(redistort_positions(plate, frame, picture), picture.width, picture.height)
        for name, values in (("undistort", undistort), ("redistort", redistort)):
            place = folder / name / frame_name(frame.frame, "exr") if is_zoom else folder / f"{name}.exr"
            write_stmap(place, values)
    span = (plate.frames[0].frame, plate.frames[-1].frame) if is_zoom else None
    names = ("undistort", "redistort") if is_zoom else ("undistort.exr", "redistort.exr")
    return [export.context.artifact(wanted.name, folder / name, span) for name in names]


def _write_analysis(export: Export, wanted: Format) -> list[Artifact]:
    from backend.camera_motion.report import write_report

    export.step("analysing the motion")
    paths = write_report(export.folder, export.track, export.cloud)
    return [export.context.artifact(wanted.name, path) for path in paths]


_WRITERS: dict[str, Callable[[Export, Format], list[Artifact]]] = {
    "abc": _write_scene,
    "fbx": _write_scene,
    "usda": _write_usd,
    "usdc": _write_usd,
    "jsx": _write_script,
    "colmap": _write_colmap,
    "undistorted": _write_undistorted,
    "stmap": _write_stmaps,
    "analysis": _write_analysis,
}
