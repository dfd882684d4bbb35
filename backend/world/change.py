"""Moves a shot's world: every file that is in world coordinates, at once or not at all. No stage is run.

Order of the renames: `world.json` first, `extrinsics.json` last. In between their revisions differ, so that a
reader without the shot's lock refuses the mixture (`shared.camera_files.read_camera`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from backend.pipeline import manifest
from backend.pipeline.journal import FOLDER, Change, change_files
from backend.pipeline.shot_lock import shot_lock
from shared.camera_files import (
    UNCHANGED,
    Extrinsics,
    FramePose,
    Gauge,
    Matrix4,
    Similarity,
    SolvedCamera,
    World,
    read_camera,
)
from shared.errors import InvalidRequest
from shared.shot import ShotFolder, document_text
from shared.similarity import checked, compose, inverse, move_pose

from .carriers import CARRIERS, Move

_ROUNDING = 1e-12
_MANY_SCALES = 1e12
"""A world scaled further than that has lost its digits in float32 files."""

_BEFORE_THE_WORLD = ("ingest", "solve")
"""Stages whose half-done work holds nothing in world coordinates."""

CheckCancelled = Callable[[], None]


def no_cancel() -> None:
    """Nobody cancels."""


@dataclass(frozen=True)
class WorldStep:
    """by: takes the present world to the new one. up_source, scale_source, units: what is true of the new one."""

    by: Similarity
    up_source: str
    scale_source: str
    units: str

    @property
    def gauge(self) -> Gauge:
        return Gauge(self.up_source, self.scale_source, self.units)


@dataclass(frozen=True)
class Moved:
    """What was done. world: as it is on disk now. by: what clients apply to what they have imported."""

    world: World
    by: Similarity
    gauge: Gauge


Decide = Callable[[SolvedCamera], WorldStep]


def change_world(root: Path, decide: Decide, check_cancelled: CheckCancelled = no_cancel) -> Moved:
    """Asks `decide` what to do with the camera as it is under the shot's lock, and does it.

    Raises `ShotBusy`, `ShotCorrupt`, `ArtifactMissing` without a solve, `DiskFull`, `ShotReadOnly`,
    `InvalidRequest`; the shot is as it was then.
    """
    shot = ShotFolder(root)
    shot.read()
    with shot_lock(shot):
        camera = read_camera(root)
        return _move_files(shot, camera, decide(camera), check_cancelled)


def move_held(
    shot: ShotFolder, camera: SolvedCamera, step: WorldStep, check_cancelled: CheckCancelled, *, keep: str
) -> Moved:
    """For a stage, which holds the shot's lock. keep: the stage, whose own half-done work stays. Raises as
    `change_world`."""
    return _move_files(shot, camera, step, check_cancelled, keep=keep)


def finish_interrupted(shot: ShotFolder) -> None:
    """For readers: finishes a change that a process left half-way, so that they need not refuse the shot. Raises
    `ShotBusy` while a process is at it."""
    if (shot.private_dir / FOLDER).is_dir():
        with shot_lock(shot):
            pass  # whoever takes the lock finishes it


def _move_files(
    shot: ShotFolder, camera: SolvedCamera, step: WorldStep, check_cancelled: CheckCancelled, *, keep: str = ""
) -> Moved:
    step = replace(step, by=checked(step.by))
    new = _documents(camera, step)
    move = Move(step.by, new.world.revision, step.units)
    with change_files(shot) as change:
        for _ in _staged(shot, new, move, change):
            check_cancelled()
        _drop_checkpoints(shot, keep)
    return Moved(new.world, step.by, step.gauge)


def back_to_solve(camera: SolvedCamera) -> WorldStep:
    """The step that takes the world back to the solver's own."""
    was = camera.world.solve_gauge or gauge_of(camera.extrinsics)
    return WorldStep(inverse(camera.world.world_from_solve), was.up_source, was.scale_source, was.units)


def gauge_of(extrinsics: Extrinsics) -> Gauge:
    return Gauge(extrinsics.up_source, extrinsics.scale_source, extrinsics.units)


def _documents(camera: SolvedCamera, step: WorldStep) -> SolvedCamera:
    revision = camera.world.revision + 1
    whole = compose(step.by, camera.world.world_from_solve)
    if not 1.0 / _MANY_SCALES < whole.scale < _MANY_SCALES:
        raise InvalidRequest(f"The world would be {whole.scale:.3g} times its solved size.", "Check the distance.")
    before: Gauge | None = camera.world.solve_gauge or gauge_of(camera.extrinsics)
    if _is_solves_own(whole):
        whole, before = UNCHANGED, None
    frames = tuple(
        pose if pose.world_from_camera is None
        else _moved_pose(step.by, pose, pose.world_from_camera)
        for pose in camera.extrinsics.frames
    )  # fmt: skip
    extrinsics = replace(
        camera.extrinsics, frames=frames, world_revision=revision, up_source=step.up_source,
        scale_source=step.scale_source, units=step.units,
    )  # fmt: skip
    world = replace(camera.world, revision=revision, world_from_solve=whole, solve_gauge=before)
    return SolvedCamera(camera.intrinsics, extrinsics, world)


def _moved_pose(by: Similarity, pose: FramePose, world_from_camera: Matrix4) -> FramePose:
    spread = None if pose.position_sd is None else by.scale * pose.position_sd
    return replace(pose, world_from_camera=move_pose(by, world_from_camera), position_sd=spread)


def _is_solves_own(whole: Similarity) -> bool:
    """But for rounding."""
    away = zip((*whole.rotation, whole.translation), (*UNCHANGED.rotation, UNCHANGED.translation), strict=True)
    return abs(whole.scale - 1.0) < _ROUNDING and all(
        abs(a - b) < _ROUNDING for one, two in away for a, b in zip(one, two, strict=True)
    )


def _staged(shot: ShotFolder, new: SolvedCamera, move: Move, change: Change) -> Iterator[None]:
    change.stage(shot.world).write_text(document_text(new.world), encoding="utf-8")
    for carrier in CARRIERS:
        yield from carrier(shot, move, change)
    change.stage(shot.extrinsics, last=True).write_text(document_text(new.extrinsics), encoding="utf-8")
    _stage_manifests(shot, move, change)
    yield


def _stage_manifests(shot: ShotFolder, move: Move, change: Change) -> None:
    """Stages whose files moved with the world stay up to date: new sizes, new revision, same key. A stage whose
    files were not whole before stays out of date."""
    for path in sorted(shot.manifests_dir.glob("*.json")):
        done = manifest.find(shot, path.stem)
        if done is None or not manifest.is_complete(shot, done):
            continue
        artifacts = tuple(change.resized(artifact) for artifact in done.result.artifacts)
        if any(change.touches(artifact.path) for artifact in artifacts):
            moved = replace(done, result=replace(done.result, artifacts=artifacts), world_revision=move.revision)
            change.stage(path).write_text(document_text(moved), encoding="utf-8")


def _drop_checkpoints(shot: ShotFolder, keep: str) -> None:
    """Half-done work of stages that know the world is of the old one."""
    for folder in shot.checkpoints_dir.glob("*"):
        if folder.name not in (*_BEFORE_THE_WORLD, keep):
            shutil.rmtree(folder, ignore_errors=True)
