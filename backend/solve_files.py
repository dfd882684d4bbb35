"""The files of a solve: `camera/*.json`, the point cloud and the COLMAP model.

All change as one (`backend/pipeline/journal.py`), together with the world that the artist set: a solve that is
interrupted while writing, even by a kill or a power cut, leaves the one before or is whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from backend.moving_points import MotionVotes, without_moving
from backend.pipeline.context import StageContext
from backend.pipeline.journal import Change, change_files
from backend.sfm.colmap_model import write_colmap_model
from backend.sfm.frames import Floats, Picture
from backend.sfm.progress import SOLVED_SHARE
from backend.sfm.result import CameraSolve, FrameSolve
from backend.world.keep import kept_world
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
    Similarity,
    SolvedCamera,
    World,
)
from shared.errors import ArtifactMissing, ShotCorrupt
from shared.shot import ShotFolder, SourceFacts, document_text, read_document
from shared.solve_report import REPORT_VERSION, SolveReport

FILE_VERSION = 1


@dataclass(frozen=True)
class WrittenSolve:
    """solved: as it was written, in the shot's world and without points on what moves. artifacts: its files."""

    solved: CameraSolve
    artifacts: tuple[Artifact, ...]


def write_solve(
    solved: CameraSolve, facts: SourceFacts, engine: str, context: StageContext, before: SolvedCamera | None = None
) -> WrittenSolve:
    """Writes every file of the solve. before: the camera of the solve before, if somebody set its
    world: the new one is put into it. The caller holds the shot's lock. Raises `DiskFull`, `ShotReadOnly`,
    `JobCancelled`; nothing of the earlier solve has changed then."""
    shot = context.shot
    solved, documents = _documents(solved, facts, engine, context, before)
    frames = (solved.frames[0].number, solved.frames[-1].number)
    with change_files(shot) as change:
        # world.json first and extrinsics.json last: in between, readers without the lock refuse the mixture.
        _stage_document(change, shot.world, documents.world)
        _stage_document(change, shot.intrinsics, documents.intrinsics)
        solved = _stage_motion(solved, context, change)
        _stage_document(change, shot.report, report_of(solved, engine))
        _stage_model(solved, shot, change)
        write_cloud(solved, change.stage(shot.cloud))
        write_tracks(solved, change.stage(shot.tracks))
        _stage_document(change, shot.extrinsics, documents.extrinsics, last=True)
        context.begin_changes()
    listed = [
        *(context.artifact("camera", path, frames) for path in (shot.intrinsics, shot.extrinsics, shot.world)),
        context.artifact("report", shot.report),
        context.artifact("cloud", shot.cloud),
        context.artifact("tracks", shot.tracks),
        context.artifact("colmap", shot.sparse_dir, frames),
    ]
    if solved.moving is not None:
        listed.append(context.artifact("motion", shot.motion_dir, frames))
    return WrittenSolve(solved, tuple(listed))


def _documents(
    solved: CameraSolve, facts: SourceFacts, engine: str, context: StageContext, before: SolvedCamera | None
) -> tuple[CameraSolve, SolvedCamera]:
    """The solve in the shot's world, and its documents."""
    revision = next_revision(context.shot)
    inner = intrinsics_of(solved, facts)
    own = SolvedCamera(inner, extrinsics_of(solved, engine, revision), World(FILE_VERSION, revision, UNCHANGED))
    kept = kept_world(before, own)
    if kept.notice:
        context.notice(kept.notice)
    if kept.step is None:
        return solved, own
    moved = replace(moved_solve(solved, kept.step.by), gauge=kept.step.gauge)
    world = World(FILE_VERSION, revision, kept.step.by, solved.gauge)
    return moved, SolvedCamera(inner, extrinsics_of(moved, engine, revision), world)


def moved_solve(solved: CameraSolve, by: Similarity) -> CameraSolve:
    """The same camera and points in another world."""
    turn, place = np.array(by.rotation), np.array(by.translation)
    frames = []
    for frame in solved.frames:
        if frame.world_from_camera is not None:
            pose = frame.world_from_camera.copy()
            pose[:3, :3] = turn @ pose[:3, :3]
            pose[:3, 3] = by.scale * turn @ pose[:3, 3] + place
            spread = None if frame.position_sd is None else by.scale * frame.position_sd
            frame = replace(frame, world_from_camera=pose, position_sd=spread)
        frames.append(frame)
    cloud = replace(solved.cloud, xyz=by.scale * solved.cloud.xyz @ turn.T + place)
    return replace(solved, frames=tuple(frames), cloud=cloud)


def _stage_document(change: Change, path: Path, document: Any, *, last: bool = False) -> None:
    change.stage(path, last=last).write_text(document_text(document), encoding="utf-8")


def _stage_model(solved: CameraSolve, shot: ShotFolder, change: Change) -> None:
    folder = change.scratch()
    write_colmap_model(solved, folder, frame_name)
    for written in sorted(folder.iterdir()):
        written.replace(change.stage(shot.sparse_dir / written.name))
    change.replaces_folder(shot.sparse_dir)


def _stage_motion(solved: CameraSolve, context: StageContext, change: Change) -> CameraSolve:
    """motion/frame_*.png: one at a time; what does not move costs one encoded picture for the whole clip. Returns the
    solve without the points that lie on what moves."""
    folder = context.shot.motion_dir
    nothing, votes = b"", None if solved.tracks is None else MotionVotes(solved.tracks)
    numbers, total = [frame.number for frame in solved.frames], 2 * len(solved.frames)
    for done, (number, mask) in enumerate(zip(numbers, solved.moving or (), strict=solved.moving is not None)):
        share = SOLVED_SHARE + (1.0 - SOLVED_SHARE) * done / len(numbers)
        context.progress(int(share * total), total, number, "Writing what moves")
        if mask is None:
            nothing = nothing or png_bytes(np.zeros((solved.height, solved.width), np.uint8))
        elif votes is not None:
            votes.count(done, mask)
        content = nothing if mask is None else png_bytes(mask)
        change.stage(folder / frame_name(number), fleeting=True).write_bytes(content)
    change.replaces_folder(folder)
    return solved if votes is None else without_moving(solved, votes.moving)


def png_bytes(picture: Picture) -> bytes:
    """A PNG of uint8 [H, W], compressed lightly: masks are large even areas."""
    done, content = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise ValueError(f"a picture of {picture.shape} {picture.dtype} cannot be a PNG")
    return content.tobytes()


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
        p1=lens.p1,
        p2=lens.p2,
        focal_source=solved.focal_source,
        frames=frames,
    )


def extrinsics_of(solved: CameraSolve, engine: str, revision: int) -> Extrinsics:
    return Extrinsics(
        version=FILE_VERSION,
        world=WORLD_AXES,
        camera=CAMERA_AXES,
        units=solved.gauge.units,
        up_source=solved.gauge.up_source,
        scale_source=solved.gauge.scale_source,
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
        facts=dict(solved.facts),
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
            at_infinity=cloud.at_infinity,
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
