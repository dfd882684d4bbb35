"""The export stage: the solved camera, the points and the lens as files for other programs."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from backend.export.blender_process import Blender, find_blender
from backend.export.camera_track import CameraSample, CameraTrack, PointCloud, make_track, scaled_cloud
from backend.export.formats import Format, chosen_formats
from backend.export.lens_distortion import lens_of
from backend.export.undistorted_picture import UndistortedPicture, undistorted_picture
from backend.export.writers import Export, write
from backend.frame_ranges import frame_ranges
from backend.media.timing import parse_rate
from backend.pipeline import manifest
from backend.pipeline.context import StageContext
from backend.pipeline.fingerprint import of_files
from backend.pipeline.stage import Engine
from shared.artifacts import Artifact, StageResult
from shared.build_command import build_command
from shared.camera_files import SolvedCamera, read_camera
from shared.errors import ArtifactMissing, EngineUnavailable, InvalidParameter
from shared.sensors import width_mm
from shared.shot import ShotFolder
from shared.stages import ExportParams

ENGINE = Engine("writers", 1)
DEFAULT_FILM_BACK_MM = 36.0
_OFF_CENTRE_PX = 0.05


def engine(params: ExportParams) -> Engine:
    return ENGINE


def inputs(params: ExportParams, shot: ShotFolder, footage: str) -> Mapping[str, str]:
    files = [path for path in (shot.intrinsics, shot.extrinsics, shot.world, shot.cloud) if path.is_file()]
    return {"camera": of_files(files, shot.root), "blender": _blender_name(params)}


def _blender_name(params: ExportParams) -> str:
    """What `auto` can write depends on whether there is a Blender."""
    try:
        found = find_blender(params.blender)
    except EngineUnavailable:
        return ""
    return str(found.program) if found else ""


def run(params: ExportParams, context: StageContext) -> StageResult:
    camera = read_camera(context.shot.root)
    picture = undistorted_picture(camera.intrinsics, overscan=params.overscan == "on")
    blender = find_blender(params.blender)
    distorted = not lens_of(camera.intrinsics).is_straight
    formats = chosen_formats(params, distorted=distorted, have_blender=blender is not None)
    export = _prepare(params, context, camera, picture, blender)
    _say_what_is_lost(export, formats, params, blender)
    earlier = manifest.find(context.shot, context.stage)
    context.begin_changes()
    artifacts = write(export, formats)
    if earlier is not None:
        _remove_stale(context.shot, earlier.result.artifacts, artifacts)
    return StageResult("export", ENGINE.name, ENGINE.version, _facts(export, artifacts), artifacts)


def _prepare(
    params: ExportParams,
    context: StageContext,
    camera: SolvedCamera,
    picture: UndistortedPicture,
    blender: Blender | None,
) -> Export:
    track = make_track(
        camera,
        picture,
        name="camera",
        fps=_rate(params, camera),
        film_back_mm=params.film_back_mm or _film_back(context.shot),
        frame_offset=params.frame_offset,
        scale=params.scale,
    )
    if not track.solved:
        raise ArtifactMissing(f"No frame of {context.shot.root} has a camera pose.", "Run Solve Camera again.")
    cloud = scaled_cloud(_read_cloud(context.shot), params.scale)
    return Export(context, params, camera, picture, track, cloud, blender)


def _rate(params: ExportParams, camera: SolvedCamera) -> Fraction:
    if params.fps is None:
        return Fraction(camera.intrinsics.fps)
    rate = parse_rate(params.fps)
    if rate is None:
        raise InvalidParameter(
            f"{params.fps!r} is not a frame rate.", "Give a number or a fraction such as 24000/1001."
        )
    return rate


def _film_back(shot: ShotFolder) -> float:
    """The sensor's width that the solve was given, else a full frame's."""
    solved = manifest.find(shot, "solve")
    given: dict[str, Any] = solved.params if solved else {}
    return given.get("sensor_mm") or width_mm(str(given.get("sensor"))) or DEFAULT_FILM_BACK_MM


def _read_cloud(shot: ShotFolder) -> PointCloud:
    """The shot's points; none for a camera that came without."""
    if not shot.cloud.is_file():
        return PointCloud(np.zeros((0, 3)), np.zeros((0, 3), np.uint8), np.zeros(0, np.int32))
    with np.load(shot.cloud) as stored:
        return PointCloud(stored["xyz"].astype(np.float64), stored["rgb"], stored["track_length"])


def _say_what_is_lost(
    export: Export, formats: tuple[Format, ...], params: ExportParams, blender: Blender | None
) -> None:
    names = {found.name for found in formats}
    track, notice = export.track, export.context.notice
    if track.failed:
        notice(f"Frames without a camera pose have no keys in the exported files: {frame_ranges(track.failed)}.")
        held = sorted(names & {"abc", "fbx", "clip"})
        if held:
            notice(f"{_listed(held)} cannot leave frames out: there the camera stays at its last solved place.")
    if blender is None and not {"abc", "fbx"} & names and "auto" in params.formats:
        notice(f"Alembic and FBX were left out: no Blender was found. `{build_command('setup --bpy')}` installs one.")
    off_centre = max(_off_centre_px(track, sample) for sample in track.samples)
    unable = sorted(names & {"chan", "jsx"})
    if unable and off_centre > _OFF_CENTRE_PX:
        notice(
            f"{_listed(unable)} cannot hold the lens's centre, which is {off_centre:.1f} px off the picture's: "
            "use nk, abc, usda or fbx for an exact match."
        )
    if export.picture.is_cut:
        notice("The lens bends the plate's corners further than its model reaches: they are cut off when undistorted.")
    if names & {"usda", "usdc"} and params.axes == "opencv":
        notice("USD has no word for a world with y down: the file says y up, so programs will show it upside down.")


def _off_centre_px(track: CameraTrack, sample: CameraSample) -> float:
    return math.hypot(sample.cx - track.width / 2.0, sample.cy - track.height / 2.0)


def _listed(names: list[str]) -> str:
    return ", ".join(f".{name}" for name in names)


@dataclass(frozen=True)
class _Range:
    low: float
    high: float

    def text(self) -> float | str:
        return round(self.low, 4) if self.high - self.low < 1e-6 else f"{self.low:.2f}-{self.high:.2f}"


def _facts(export: Export, artifacts: tuple[Artifact, ...]) -> dict[str, Any]:
    track: CameraTrack = export.track
    focals = [sample.focal_mm for sample in track.samples]
    return {
        "formats": ", ".join(dict.fromkeys(artifact.kind for artifact in artifacts)),
        "frames": len(track.samples),
        "frames_without_pose": len(track.failed),
        "focal_mm": _Range(min(focals), max(focals)).text(),
        "film_width_mm": round(track.film_width_mm, 4),
        "width": track.width,
        "height": track.height,
        "overscan_px": f"{export.picture.pad_x} x {export.picture.pad_y}",
        "points": len(export.cloud.xyz),
    }


def _remove_stale(shot: ShotFolder, old: tuple[Artifact, ...], new: tuple[Artifact, ...]) -> None:
    """Files of an earlier export that this one did not write again: they would show another camera."""
    kept = {artifact.path for artifact in new}
    for artifact in old:
        if artifact.path in kept:
            continue
        path: Path = shot.root / artifact.path
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
