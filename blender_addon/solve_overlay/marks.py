"""What the solve says of every frame, ready to be drawn. No bpy here: read on a thread."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..mocap.plate_places import plate_places
from ..shared.camera_files import FramePose, SolvedCamera, read_camera
from ..shared.errors import ShotCorrupt
from ..shared.shot import ShotFolder

Stamp = tuple[int, ...]


@dataclass(frozen=True)
class FrameMarks:
    """A frame's solved points. seen float64 [N,2]: where the solved camera sees them; tracked float64 [N,2]: where the
    tracker did, None when there are no tracks; both px of the distorted plate, edges at integers. error float32 [N]:
    px, of this frame, or without tracks each point's mean. used bool [N]: false for what the solve threw out."""

    seen: np.ndarray
    tracked: np.ndarray | None
    error: np.ndarray
    used: np.ndarray


@dataclass(frozen=True)
class Observations:
    """Of all tracks that hold a point, by frame. frame int32 [M], ascending; point int32 [M]; xy float32 [M,2] px;
    used bool [M]; error float32 [M] px."""

    frame: np.ndarray
    point: np.ndarray
    xy: np.ndarray
    used: np.ndarray
    error: np.ndarray


@dataclass(frozen=True, eq=False)
class SolveMarks:
    """camera, points (xyz float32 [P,3], error float32 [P] px) and observations of one solve in one world.
    observations: None for cameras without tracks."""

    camera: SolvedCamera
    xyz: np.ndarray
    error: np.ndarray
    observations: Observations | None

    def pose(self, frame: int) -> FramePose | None:
        """What the solve says of a frame; None outside the shot."""
        return self._poses.get(frame)

    @cached_property
    def weak_frames(self) -> tuple[int, ...]:
        """Frames of which the solve says why they are weak."""
        return tuple(pose.frame for pose in self.camera.extrinsics.frames if pose.cause)

    @cached_property
    def _poses(self) -> dict[int, FramePose]:
        return {pose.frame: pose for pose in self.camera.extrinsics.frames}

    def at(self, frame: int) -> FrameMarks | None:
        """The points of a frame; None where the frame has no camera."""
        if self.observations is None:
            return self._all_points(frame)
        held = self.observations
        here = slice(*np.searchsorted(held.frame, (frame, frame + 1)))
        seen = plate_places(self.camera, frame, self.xyz[held.point[here]])
        if seen is None:
            return None
        tracked, error = held.xy[here].astype(np.float64), held.error[here]
        good = np.isfinite(seen).all(axis=1)
        away = np.linalg.norm(seen[good] - tracked[good], axis=1)
        known = np.isfinite(error[good])
        found = np.where(known, error[good], away).astype(np.float32)
        return FrameMarks(seen[good], tracked[good], found, held.used[here][good])

    def _all_points(self, frame: int) -> FrameMarks | None:
        seen = plate_places(self.camera, frame, self.xyz)
        if seen is None:
            return None
        size = (self.camera.intrinsics.width, self.camera.intrinsics.height)
        with np.errstate(invalid="ignore"):
            inside = ((seen >= 0) & (seen <= size)).all(axis=1)
        return FrameMarks(seen[inside], None, self.error[inside], np.ones(int(inside.sum()), bool))


def stamp_of(root: Path) -> Stamp:
    """Changes when any file that `read_marks` reads does. Empty without a solved camera."""
    folder = ShotFolder(root)
    try:
        times = [folder.extrinsics.stat().st_mtime_ns]
    except OSError:
        return ()
    for path in (folder.world, folder.cloud, folder.tracks):
        try:
            times.append(path.stat().st_mtime_ns)
        except OSError:
            times.append(0)
    return tuple(times)


def read_marks(root: Path) -> SolveMarks:
    """Raises `ArtifactMissing`, `ShotCorrupt`."""
    folder = ShotFolder(root)
    camera = read_camera(root)
    if not folder.cloud.is_file():
        return SolveMarks(camera, np.zeros((0, 3), np.float32), np.zeros(0, np.float32), None)
    try:
        with np.load(folder.cloud) as file:
            xyz, error = file["xyz"].astype(np.float32).reshape(-1, 3), file["error"].astype(np.float32)
        held = _observations(folder.tracks, len(xyz)) if folder.tracks.is_file() else None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as bad:
        raise ShotCorrupt(f"The points or tracks of {root} cannot be read: {bad}", "Run Solve Camera again.") from bad
    return SolveMarks(camera, xyz, error, held)


def _observations(path: Path, points: int) -> Observations:
    with np.load(path) as file:
        row, frame, point = file["row"], file["frame"], file["point"].astype(np.int32)
        xy, used, error = file["xy"].astype(np.float32), file["used"].astype(bool), file["error"].astype(np.float32)
    of_row = point[row]
    kept = np.flatnonzero((of_row >= 0) & (of_row < points))
    kept = kept[np.argsort(frame[kept], kind="stable")]
    return Observations(frame[kept], of_row[kept], xy[kept], used[kept], error[kept])
