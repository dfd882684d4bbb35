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

FILE_VERSION = 1


def write_solve(solved: CameraSolve, facts: SourceFacts, engine: str, context: StageContext) -> tuple[Artifact, ...]:
    """Writes every file of the solve and lists them. Raises `DiskFull`, `ShotReadOnly`."""
    shot = context.shot
    revision = next_revision(shot)
    documents = {
        shot.intrinsics: intrinsics_of(solved, facts),
        shot.extrinsics: extrinsics_of(solved, engine, revision),
        shot.world: World(FILE_VERSION, revision, UNCHANGED),
    }
    with contextlib.ExitStack() as written:
        model = written.enter_context(atomic_folder(shot.sparse_dir))
        write_colmap_model(solved, model, frame_name)
        write_cloud(solved, written.enter_context(atomic_path(shot.cloud)))
        for path, document in documents.items():
            written.enter_context(atomic_path(path)).write_text(document_text(document), encoding="utf-8")
    frames = (solved.frames[0].number, solved.frames[-1].number)
    return (
        *(context.artifact("camera", path, frames) for path in documents),
        context.artifact("cloud", shot.cloud),
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
    return FramePose(frame.number, pose, frame.state, frame.motion, frame.error_px, frame.points)


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
