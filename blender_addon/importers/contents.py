"""What a shot folder holds, read into plain arrays. No bpy here: the pump reads on a thread."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..depth.contents import DepthContents, read_depth
from ..depth.parts import DepthParts
from ..shared import sensors
from ..shared.axes import BLENDER
from ..shared.camera_files import SolvedCamera, read_camera
from ..shared.errors import ArtifactMissing, BacklotError, ShotCorrupt
from ..shared.shot import ShotFile, ShotFolder
from .colour import linear_colour
from .quality import SolveQuality, read_quality
from .track_table import TrackTable, choose, read_tracks

DEFAULT_SENSOR_MM = 36.0
_DEPTH_SAMPLES = 20_000


@dataclass(frozen=True)
class Cloud:
    """xyz: float32 [N,3], world units, z up. colour: float32 [N,4], linear sRGB with alpha 1. error:
    float32 [N], px. track_length: int32 [N], frames that see the point. at_infinity: bool [N], points of a camera
    that only turned: their directions are true, their distance is made up; None when there are none."""

    xyz: np.ndarray
    colour: np.ndarray
    error: np.ndarray
    track_length: np.ndarray
    at_infinity: np.ndarray | None = None


@dataclass(frozen=True)
class CameraPath:
    """The solved frames of a camera, in Blender's axes (camera looks down -z, y up).

    frames: int64 [T], ascending plate numbers that have a pose. location: float64 [T,3]. rotation:
    float64 [T,4], unit quaternions wxyz without sign flips. interpolated: bool [T], poses that the solver
    bridged. missing: plate numbers without a pose.
    """

    frames: np.ndarray
    location: np.ndarray
    rotation: np.ndarray
    interpolated: np.ndarray
    missing: tuple[int, ...]


@dataclass(frozen=True)
class DepthRange:
    """Distances from the camera's mean place to the cloud's nearest, middle and farthest points (2nd, 50th
    and 98th of a hundred), world units."""

    near: float = 1.0
    middle: float = 10.0
    far: float = 100.0


@dataclass(frozen=True)
class ShotContents:
    """root: the shot folder. sensor_mm: width of the sensor the artist named, 36 when nobody did.
    has_plate: source/frames holds the first frame. solve: names the solve that made the camera, "" when its
    record is gone. tracks: None when there are none or they were not asked for. shown_tracks: int64 [K], rows of
    those that go into the scene. quality: how good the solve is, frame by frame. depth_maps: None when they were not
    asked for, or could not be brought up to date; depth_error says why."""

    root: Path
    shot: ShotFile
    camera: SolvedCamera
    path: CameraPath
    cloud: Cloud | None
    depth: DepthRange
    sensor_mm: float
    has_plate: bool
    solve: str = ""
    tracks: TrackTable | None = None
    shown_tracks: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    quality: SolveQuality = field(default_factory=SolveQuality)
    depth_maps: DepthContents | None = None
    depth_error: BacklotError | None = None


def read_shot(root: Path, track_limit: int | None = None, parts: DepthParts | None = None) -> ShotContents:
    """Reads a solved shot. track_limit: how many of its tracks are wanted, 0 for all, None for none. parts: of its
    depth. Raises `ArtifactMissing` (not ingested or not solved yet, no depth), `ShotCorrupt`, `ShotReadOnly`."""
    folder = ShotFolder(root)
    shot = folder.read()
    if not folder.extrinsics.is_file():
        raise ArtifactMissing(f"{root} has no solved camera yet.", "Press Solve Camera first.")
    camera = read_camera(root)
    path = camera_path(camera, folder.extrinsics)
    cloud = read_cloud(folder.cloud) if folder.cloud.is_file() else None
    record = _solve_record(folder)
    tracks = read_tracks(folder.tracks) if track_limit is not None and folder.tracks.is_file() else None
    size = (camera.intrinsics.width, camera.intrinsics.height)
    depth_maps, depth_error = _depth_maps(root, parts)
    return ShotContents(
        root=root,
        shot=shot,
        camera=camera,
        path=path,
        cloud=cloud,
        depth=_depth_range(path, cloud),
        sensor_mm=_sensor_mm(record),
        has_plate=folder.frame_path(shot.facts.frame_start).is_file(),
        solve=str(record.get("key", "")),
        tracks=tracks,
        quality=read_quality(folder, camera),
        shown_tracks=np.zeros(0, np.int64) if tracks is None else choose(tracks, track_limit or 0, size),
        depth_maps=depth_maps,
        depth_error=depth_error,
    )


def _depth_maps(root: Path, parts: DepthParts | None) -> tuple[DepthContents | None, BacklotError | None]:
    """An update must not fail over depth: a new solve may have made it out of date."""
    if not parts:
        return None, None
    try:
        return read_depth(root, parts), None
    except BacklotError as error:
        if not parts.is_update:
            raise
        return None, error


def camera_path(camera: SolvedCamera, source: Path) -> CameraPath:
    """The poses as Blender has them. Raises `ShotCorrupt` when no frame has one or one is no number."""
    posed = [frame for frame in camera.extrinsics.frames if frame.world_from_camera is not None]
    if not posed:
        raise ShotCorrupt(f"{source} has no frame with a pose.", "Run Solve Camera again.")
    poses = np.array([frame.world_from_camera for frame in posed], dtype=np.float64)
    if not np.isfinite(poses).all():
        raise ShotCorrupt(f"{source} holds a pose that is not a number.", "Run Solve Camera again.")
    rotations = poses[:, :3, :3] @ np.array(BLENDER.camera, dtype=np.float64).T
    return CameraPath(
        frames=np.array([frame.frame for frame in posed]),
        location=poses[:, :3, 3],
        rotation=_continuous(_quaternions(rotations)),
        interpolated=np.array([frame.state == "interpolated" for frame in posed]),
        missing=tuple(frame.frame for frame in camera.extrinsics.frames if frame.world_from_camera is None),
    )


def read_cloud(path: Path) -> Cloud:
    """`camera/points.npz`. Raises `ShotCorrupt`."""
    try:
        with np.load(path) as file:
            cloud = Cloud(
                xyz=np.ascontiguousarray(file["xyz"], dtype=np.float32),
                colour=linear_colour(np.ascontiguousarray(file["rgb"], dtype=np.uint8)),
                error=np.ascontiguousarray(file["error"], dtype=np.float32),
                track_length=np.ascontiguousarray(file["track_length"], dtype=np.int32),
                at_infinity=_flags(file["at_infinity"]) if "at_infinity" in file.files else None,
            )
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}", "Run Solve Camera again.") from bad
    count = len(cloud.xyz)
    shapes = (cloud.xyz.shape, cloud.colour.shape, cloud.error.shape, cloud.track_length.shape)
    if shapes != ((count, 3), (count, 4), (count,), (count,)):
        raise ShotCorrupt(f"{path} holds arrays of different lengths.", "Run Solve Camera again.")
    return cloud


def _flags(found: np.ndarray) -> np.ndarray | None:
    """The flags as bool [N], None when not one is set."""
    flags = np.ascontiguousarray(found, dtype=bool)
    return flags if flags.any() else None


def _depth_range(path: CameraPath, cloud: Cloud | None) -> DepthRange:
    if cloud is None or len(cloud.xyz) == 0:
        return DepthRange()
    some = cloud.xyz[:: max(1, len(cloud.xyz) // _DEPTH_SAMPLES)]
    distance = np.linalg.norm(some - path.location.mean(axis=0), axis=1)
    near, middle, far = (max(float(d), 1e-6) for d in np.percentile(distance, (2, 50, 98)))
    return DepthRange(near, middle, far)


def _quaternions(rotations: np.ndarray) -> np.ndarray:
    """Unit quaternions wxyz [T,4] of rotation matrices [T,3,3].

    The eigenvector method of Bar-Itzhack (2000): no case is special, and a matrix that is not quite
    orthogonal gives the nearest rotation.
    """
    m = rotations
    k = np.empty((len(m), 4, 4))
    trace = m[:, 0, 0] + m[:, 1, 1] + m[:, 2, 2]
    vector = np.stack([m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]], axis=-1)
    k[:, 0, 0] = trace
    k[:, 0, 1:] = k[:, 1:, 0] = vector
    k[:, 1:, 1:] = m + m.transpose(0, 2, 1) - trace[:, None, None] * np.eye(3)
    return np.linalg.eigh(k / 3.0)[1][:, :, -1]


def _continuous(quaternions: np.ndarray) -> np.ndarray:
    """The same rotations with signs such that neighbours never lie on opposite sides: q and -q are one
    rotation, but a curve drawn between them spins."""
    flips = np.sum(quaternions[1:] * quaternions[:-1], axis=1) < 0
    first = -1.0 if quaternions[0, 0] < 0 else 1.0
    signs = np.concatenate([[first], np.where(flips, -1.0, 1.0)]).cumprod()
    return quaternions * signs[:, None]


def _solve_record(folder: ShotFolder) -> dict[str, Any]:
    """The solve's manifest: its own record of what it was given. Empty for a shot made by hand."""
    try:
        found = json.loads((folder.manifests_dir / "solve.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _sensor_mm(record: dict[str, Any]) -> float:
    """The sensor width that the solve was given, else Blender's default."""
    try:
        width = record["params"].get("sensor_mm") or sensors.width_mm(record["params"].get("sensor") or "")
    except (KeyError, TypeError, AttributeError):
        return DEFAULT_SENSOR_MM
    return float(width) if width else DEFAULT_SENSOR_MM
