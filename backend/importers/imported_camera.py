"""What every importer makes, and writing it into the shot in place of a solve.

The solve stage counts as up to date afterwards (its manifest's key begins with `imported:`), so that later
stages use this camera; solving with --force replaces it.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.export.colmap_text import write_cameras_only
from backend.frame_ranges import frame_ranges
from backend.pipeline import manifest
from backend.pipeline.atomic import atomic_folder, atomic_path, write_text
from backend.pipeline.manifest import IMPORTED, MANIFEST_VERSION, Manifest
from shared import axes
from shared.artifacts import StageResult
from shared.camera_files import (
    CAMERA_AXES,
    UNCHANGED,
    WORLD_AXES,
    Extrinsics,
    FrameIntrinsics,
    FramePose,
    Intrinsics,
    Matrix4,
    SolvedCamera,
    World,
)
from shared.errors import InvalidRequest
from shared.shot import ShotFolder, SourceFacts, document_text, read_document

ENGINE = "imported"
VERSION = 1


@dataclass(frozen=True)
class ImportedFrame:
    """pose: world_from_camera in Backlot's axes. fx..cy: px of the plate, edges at integers. error, points:
    as the file tells them."""

    pose: Matrix4
    fx: float
    fy: float
    cx: float
    cy: float
    error: float | None = None
    points: int = 0


@dataclass(frozen=True)
class ImportedPoints:
    """xyz float32 [N,3], rgb uint8 [N,3], error float32 [N] px, track_length int32 [N]."""

    xyz: NDArray[np.float32]
    rgb: NDArray[np.uint8]
    error: NDArray[np.float32]
    track_length: NDArray[np.int32]


NO_POINTS = ImportedPoints(
    np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint8), np.zeros(0, np.float32), np.zeros(0, np.int32)
)


@dataclass(frozen=True)
class ImportedCamera:
    """frames: by plate number. distortion: k1 k2 p1 p2. write_model: writes the COLMAP model that came with
    it into a folder, None when there was none."""

    source: Path
    frames: dict[int, ImportedFrame]
    units: str
    distortion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    points: ImportedPoints = NO_POINTS
    focal_source: str = "user"
    write_model: Callable[[Path], None] | None = None
    notices: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class ImportOptions:
    """world_axes, order: of the numbers in the file, "auto" for its program's. frame_offset: added to the file's
    frame numbers. scale: multiplies its lengths. blender: for Alembic, FBX and USD."""

    world_axes: str = "auto"
    order: str = "auto"
    frame_offset: int = 0
    scale: float = 1.0
    camera: str = ""
    blender: str | None = None

    def convention(self, usual: axes.Convention) -> axes.Convention:
        return usual if self.world_axes == "auto" else axes.by_name(self.world_axes)


def to_pose(turn: axes.Matrix3, place: axes.Vector3, convention: axes.Convention, scale: float) -> Matrix4:
    """Our pose from another program's rotation and position."""
    x, y, z = place
    return axes.pose_from(convention, axes.make_pose(turn, (x * scale, y * scale, z * scale)))


def write_into_shot(camera: ImportedCamera, shot: ShotFolder, options: ImportOptions) -> StageResult:
    """Writes camera/*.json, camera/points.npz and colmap/sparse/0. The caller holds the shot's lock. Raises
    `InvalidRequest` when the file and the plate have no frame in common."""
    facts = shot.read().facts
    documents = _documents(camera, facts, _next_revision(shot))
    notices = (*camera.notices, *_range_notices(camera, facts))
    manifest.remove(shot, "solve")
    for path in (shot.report, shot.tracks):  # of a solve that this camera takes the place of
        path.unlink(missing_ok=True)
    write_text(shot.intrinsics, document_text(documents.intrinsics))
    write_text(shot.extrinsics, document_text(documents.extrinsics))
    write_text(shot.world, document_text(documents.world))
    with atomic_path(shot.cloud) as beside:
        points = camera.points
        np.savez(beside, xyz=points.xyz, rgb=points.rgb, error=points.error, track_length=points.track_length)
    _write_model(camera, documents, shot)
    for of_a_solve in (shot.tracks, shot.report):  # they speak of the camera that is gone
        of_a_solve.unlink(missing_ok=True)
    return _record(camera, documents, shot, options, notices)


def _documents(camera: ImportedCamera, facts: SourceFacts, revision: int) -> SolvedCamera:
    numbers = [n for n in range(facts.frame_start, facts.frame_end + 1) if n not in facts.missing_frames]
    if not set(numbers) & set(camera.frames):
        theirs = frame_ranges(tuple(sorted(camera.frames)))
        raise InvalidRequest(
            f"{camera.source.name} has frames {theirs}, but the plate has {facts.frame_start}-{facts.frame_end}.",
            f"Shift them with --frame-offset {facts.frame_start - min(camera.frames)}.",
        )
    k1, k2, p1, p2 = camera.distortion
    intrinsics = Intrinsics(
        version=1, width=facts.width, height=facts.height, fps=facts.fps, pixel_aspect=facts.pixel_aspect,
        model="BROWN" if any(camera.distortion) else "PINHOLE", k1=k1, k2=k2, p1=p1, p2=p2,
        focal_source=camera.focal_source, frames=tuple(_lens(camera, number) for number in numbers),
    )  # fmt: skip
    extrinsics = Extrinsics(
        version=1, world=WORLD_AXES, camera=CAMERA_AXES, units=camera.units, up_source="imported",
        scale_source="imported", engine=ENGINE, frames=tuple(_pose(camera, number) for number in numbers),
        world_revision=revision,
    )  # fmt: skip
    return SolvedCamera(intrinsics, extrinsics, World(1, revision, UNCHANGED))


def _lens(camera: ImportedCamera, number: int) -> FrameIntrinsics:
    """A frame without a pose takes the lens of the nearest that has one: K is asked for on every frame."""
    near = camera.frames[min(camera.frames, key=lambda known: abs(known - number))]
    return FrameIntrinsics(number, near.fx, near.fy, near.cx, near.cy)


def _pose(camera: ImportedCamera, number: int) -> FramePose:
    frame = camera.frames.get(number)
    if frame is None:
        return FramePose(number, None, "failed", "full", None, 0)
    return FramePose(number, frame.pose, "solved", "full", frame.error, frame.points)


def _next_revision(shot: ShotFolder) -> int:
    return read_document(shot.world, World).revision + 1 if shot.world.is_file() else 0


def _range_notices(camera: ImportedCamera, facts: SourceFacts) -> list[str]:
    plate = set(range(facts.frame_start, facts.frame_end + 1)) - set(facts.missing_frames)
    lacking, spare = plate - set(camera.frames), set(camera.frames) - plate
    said = []
    if lacking:
        said.append(f"The file has no camera for frames {frame_ranges(tuple(sorted(lacking)))}.")
    if spare:
        said.append(f"Frames {frame_ranges(tuple(sorted(spare)))} of the file are not in the plate and were left out.")
    return said


def _write_model(camera: ImportedCamera, documents: SolvedCamera, shot: ShotFolder) -> None:
    """The binary model that other stages read; without points when the file has none."""
    with atomic_folder(shot.sparse_dir) as beside:
        if camera.write_model is not None:
            camera.write_model(beside)
            return
        import pycolmap

        with tempfile.TemporaryDirectory(prefix="backlot-model-") as text:
            write_cameras_only(Path(text), documents, axes.BACKLOT, 1.0)
            pycolmap.Reconstruction(text).write_binary(str(beside))


def _record(
    camera: ImportedCamera,
    documents: SolvedCamera,
    shot: ShotFolder,
    options: ImportOptions,
    notices: tuple[str, ...],
) -> StageResult:
    """The solve stage's manifest, and the engine in shot.json."""
    poses = [frame for frame in documents.extrinsics.frames if frame.world_from_camera is not None]
    facts = {
        "frames": len(documents.extrinsics.frames),
        "frames_solved": len(poses),
        "focal_px": documents.intrinsics.frames[0].fx,
        "focal_source": documents.intrinsics.focal_source,
        "points": len(camera.points.xyz),
        "k1": documents.intrinsics.k1,
        "k2": documents.intrinsics.k2,
        "imported_from": camera.source.name,
    }
    made = (shot.intrinsics, shot.extrinsics, shot.world, shot.cloud, shot.sparse_dir)
    kinds = ("intrinsics", "extrinsics", "world", "points", "colmap")
    artifacts = tuple(manifest.measure(shot, shot.relative(path), kind) for kind, path in zip(kinds, made, strict=True))
    result = StageResult("solve", ENGINE, VERSION, facts, artifacts, notices)
    content = b"".join(path.read_bytes() for path in (shot.intrinsics, shot.extrinsics, shot.cloud))
    key = IMPORTED + hashlib.blake2b(content, digest_size=20).hexdigest()
    inputs = {"file": str(camera.source), "options": repr(options)}
    manifest.write(shot, "solve", Manifest(MANIFEST_VERSION, key, {}, inputs, result, documents.world.revision))
    known = shot.read()
    write_text(shot.shot_json, document_text(replace(known, engines={**known.engines, "solve": ENGINE})))
    shutil.rmtree(shot.checkpoints_dir / "solve", ignore_errors=True)
    return result
