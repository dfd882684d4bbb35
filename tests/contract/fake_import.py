"""`camera.import` without the backend: it reads .chan files of Nuke, writes the camera's three documents, and refuses
what the real backend refuses."""

from __future__ import annotations

import math
from pathlib import Path

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
    World,
)
from shared.errors import FootageNotFound, InvalidRequest
from shared.import_messages import CameraImport
from shared.shot import ShotFolder, SourceFacts, document_text

_COLUMNS = 8


def import_camera(wanted: CameraImport) -> StageResult:
    """Raises `ArtifactMissing` without a plate, `FootageNotFound`, `InvalidRequest`."""
    shot, file = ShotFolder(Path(wanted.shot)), Path(wanted.file)
    facts = shot.read().facts
    if not file.exists():
        raise FootageNotFound(f"{file} does not exist.")
    if shot.extrinsics.is_file() and not wanted.replace:
        raise InvalidRequest(f"{shot.root} has a camera already.")
    if file.suffix != ".chan":
        raise InvalidRequest(f"{file.name} is not a camera file that Backlot reads.")
    known = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        values = [float(word) for word in line.split()]
        known[int(values[0]) + wanted.frame_offset] = values[1:_COLUMNS]
    _write(shot, facts, known, wanted.scale)
    return StageResult("solve", "imported", 1, {"frames": facts.frame_count, "frames_solved": len(known), "points": 0})


def _write(shot: ShotFolder, facts: SourceFacts, known: dict[int, list[float]], scale: float) -> None:
    numbers = range(facts.frame_start, facts.frame_end + 1)
    near = {number: known[min(known, key=lambda other: abs(other - number))] for number in numbers}
    focal = {number: facts.height / 2 / math.tan(math.radians(near[number][6]) / 2) for number in numbers}
    shot.intrinsics.parent.mkdir(parents=True, exist_ok=True)
    optics = tuple(
        FrameIntrinsics(number, focal[number], focal[number], facts.width / 2, facts.height / 2) for number in numbers
    )
    poses = tuple(
        FramePose(number, _pose(known[number], scale), "solved", "full", None, 0)
        if number in known
        else FramePose(number, None, "failed", "full", None, 0)
        for number in numbers
    )
    documents = {
        shot.intrinsics: Intrinsics(
            1, facts.width, facts.height, facts.fps, facts.pixel_aspect, "PINHOLE", 0.0, 0.0, 0.0, 0.0, "user", optics
        ),
        shot.extrinsics: Extrinsics(1, WORLD_AXES, CAMERA_AXES, "arbitrary", "imported", "imported", "imported", poses),
        shot.world: World(1, 0, UNCHANGED),
    }
    for path, document in documents.items():
        path.write_text(document_text(document), encoding="utf-8")
    shot.cloud.unlink(missing_ok=True)


def _pose(values: list[float], scale: float) -> axes.Matrix4:
    tx, ty, tz, rx, ry, rz, _ = values
    turn = axes.euler_to_rotation((rx, ry, rz), "zxy")
    return axes.pose_from(axes.NUKE, axes.make_pose(turn, (tx * scale, ty * scale, tz * scale)))
