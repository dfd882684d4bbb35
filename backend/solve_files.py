"""The files of a solve: `camera/*.json`, the point cloud and the COLMAP model.

All are written beside their final names first and take them together at the end, so that a solve that is
interrupted while writing leaves the one before.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import cast

import numpy as np

from backend.pipeline.atomic import atomic_folder, atomic_path
from backend.pipeline.context import StageContext
from backend.sfm.colmap_model import write_colmap_model
from backend.sfm.frames import Floats
from backend.sfm.result import CameraSolve, FrameSolve
from shared.artifacts import Artifact, frame_name
from shared.camera_files import (
    CAMERA_AXES,
    UNCHANGED,
    WORLD_AXES,
    Extrinsics,
    FrameIntrinsics,
    FramePose,
    Intrinsics,
    Matrix4,
    World,
)
from shared.errors import ArtifactMissing, ShotCorrupt
from shared.shot import ShotFolder, SourceFacts, document_text, read_document
from shared.solve_report import REPORT_VERSION, SolveReport

FILE_VERSION = 1


def write_solve(solved: CameraSolve, facts: SourceFacts, engine: str, context: StageContext) -> tuple[Artifact, ...]:
    """Writes every file of the solve and lists them. Raises `DiskFull`, `ShotReadOnly`."""
    shot = context.shot
    revision = next_revision(shot)
    documents = {
        shot.intrinsics: intrinsics_of(solved, facts),
        shot.extrinsics: extrinsics_of(solved, engine, revision),
        shot.world: World(FILE_VERSION, revision, UNCHANGED),
        shot.report: report_of(solved, engine),
    }
    with contextlib.ExitStack() as written:
        model = written.enter_context(atomic_folder(shot.sparse_dir))
        write_colmap_model(solved, model, frame_name)
        write_cloud(solved, written.enter_context(atomic_path(shot.cloud)))
        write_tracks(solved, written.enter_context(atomic_path(shot.tracks)))
        for path, document in documents.items():
            written.enter_context(atomic_path(path)).write_text(document_text(document), encoding="utf-8")
    frames = (solved.frames[0].number, solved.frames[-1].number)
    return (
        *(context.artifact("camera", path, frames) for path in documents),
        context.artifact("cloud", shot.cloud),
        context.artifact("tracks", shot.tracks),
        context.artifact("colmap", shot.sparse_dir, frames),
    )


def next_revision(shot: ShotFolder) -> int:
    """The world revision of a new solve: what carries an earlier one no longer fits."""
    try:
        return read_document(shot.world, World).revision + 1
    except (ArtifactMissing, ShotCorrupt):  # the first solve, or one whose file is beyond use
        return 0


def intrinsics_of(solved: CameraSolve, facts: SourceFacts) -> Intrinsics:
    lens = solved.lens
    frames = tuple(
        FrameIntrinsics(frame.number, focal, focal * lens.aspect, lens.cx, lens.cy)
        for frame, focal in zip(solved.frames, solved.focals.tolist(), strict=True)
    )
    return Intrinsics(
        version=FILE_VERSION,
        width=solved.width,
        height=solved.height,
        fps=facts.fps,
        pixel_aspect=facts.pixel_aspect,
        model=solved.model,
        k1=lens.k1,
        k2=lens.k2,
        p1=0.0,
        p2=0.0,
        focal_source=solved.focal_source,
        frames=frames,
    )


def extrinsics_of(solved: CameraSolve, engine: str, revision: int) -> Extrinsics:
    return Extrinsics(
        version=FILE_VERSION,
        world=WORLD_AXES,
        camera=CAMERA_AXES,
        units="arbitrary",
        up_source="none",
        scale_source="none",
        engine=engine,
        frames=tuple(_pose(frame) for frame in solved.frames),
        world_revision=revision,
    )


def _pose(frame: FrameSolve) -> FramePose:
    pose = None if frame.world_from_camera is None else _matrix(frame.world_from_camera)
    return FramePose(
        frame.number, pose, frame.state, frame.motion, frame.error_px, frame.points, frame.rotation_sd_deg,
        frame.position_sd, frame.coverage, frame.confidence, frame.cause,
    )  # fmt: skip


def report_of(solved: CameraSolve, engine: str) -> SolveReport:
    placed = [frame for frame in solved.frames if frame.world_from_camera is not None]
    motions = {frame.motion for frame in placed}
    sure = [frame.confidence for frame in placed if frame.confidence is not None]
    tracks = solved.tracks
    return SolveReport(
        version=REPORT_VERSION,
        engine=engine,
        motion=motions.pop() if len(motions) == 1 else "mixed",
        frames=len(solved.frames),
        frames_solved=len(placed),
        reprojection_error_px=round(solved.mean_error_px, 4),
        confidence=round(float(np.median(sure)), 4) if sure else None,
        tracks=0 if tracks is None else len(tracks.id),
        tracks_used=0 if tracks is None else int((tracks.point >= 0).sum()),
        problems=solved.problems,
        notices=solved.notices,
        step_seconds={name: round(seconds, 3) for name, seconds in solved.seconds.items()},
    )


def _matrix(pose: Floats) -> Matrix4:
    return cast(Matrix4, tuple(tuple(float(value) for value in row) for row in pose))


def write_cloud(solved: CameraSolve, path: Path) -> None:
    """`camera/points.npz` as docs/formats.md describes it."""
    cloud = solved.cloud
    with path.open("wb") as file:
        np.savez(
            file,
            xyz=cloud.xyz.astype(np.float32),
            rgb=cloud.rgb,
            error=cloud.error_px.astype(np.float32),
            track_length=cloud.length.astype(np.int32),
        )


def write_tracks(solved: CameraSolve, path: Path) -> None:
    """`camera/tracks.npz` as docs/formats.md describes it."""
    tracks = solved.tracks
    if tracks is None:
        raise ValueError("a solve without a table of its tracks")
    numbers = np.array([frame.number for frame in solved.frames], np.int32)
    with path.open("wb") as file:
        np.savez(
            file,
            version=np.int32(FILE_VERSION),
            key=np.str_(tracks.key),
            id=tracks.id,
            name=np.array(tracks.name, np.str_) if tracks.name else np.zeros(0, "U1"),
            state=tracks.state,
            point=tracks.point.astype(np.int32),
            row=tracks.row.astype(np.int32),
            frame=numbers[tracks.frame],
            xy=tracks.xy.astype(np.float32),
            used=tracks.used,
            error=tracks.error.astype(np.float32),
        )
