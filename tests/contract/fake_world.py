"""`world.change` and `world.suggest` without the backend: exact answers for exact picks, written into the shot.

It knows what tests ask for: reset, a whole world, an origin, a floor of three places, two places with a distance,
a factor, and a ground that is z = 0 already. Axes and camera heights are the real backend's.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from shared.camera_files import UNCHANGED, Extrinsics, Gauge, Similarity, World, read_camera
from shared.errors import InvalidRequest, SolveError
from shared.shot import ShotFolder, document_text
from shared.similarity import compose, cross, inverse, move_point, move_pose, unit
from shared.world_messages import Pick, Vector3, WorldReply, WorldRequest, WorldSuggestion

_ENOUGH_POINTS = 100


def change(request: WorldRequest) -> WorldReply:
    """Raises what the real backend would."""
    shot = _shot(request.shot)
    camera = read_camera(shot.root)
    world, poses = camera.world, camera.extrinsics
    if request.revision is not None and request.revision != world.revision:
        raise InvalidRequest(f"The places were picked in world revision {request.revision}, not {world.revision}.")
    gauge = Gauge(poses.up_source, poses.scale_source, poses.units)
    first = world.solve_gauge or gauge
    by, gauge = _wanted(request, shot, world, gauge, first)
    moved = World(1, world.revision + 1, compose(by, world.world_from_solve), first)
    reply = WorldReply(
        moved.revision, not request.preview, by, moved.world_from_solve, gauge.up_source, gauge.scale_source,
        gauge.units,
    )  # fmt: skip
    if request.preview:
        return replace(reply, revision=world.revision)
    _write(shot, moved, poses, by, gauge)
    return reply


def suggest(shot: str) -> WorldSuggestion:
    folder = _shot(shot)
    revision = read_camera(folder.root).world.revision
    found = len(_points(folder)) >= _ENOUGH_POINTS
    return WorldSuggestion(revision, found, 0.9 if found else 0.1, evidence=("The fake looked.",))


def _shot(path: str) -> ShotFolder:
    if not Path(path).is_absolute():
        raise InvalidRequest(f"The shot folder {path!r} is not an absolute path.")
    return ShotFolder(Path(path))


def _points(shot: ShotFolder) -> np.ndarray:
    with np.load(shot.cloud) as stored:
        return np.asarray(stored["xyz"])


def _wanted(
    request: WorldRequest, shot: ShotFolder, world: World, gauge: Gauge, first: Gauge
) -> tuple[Similarity, Gauge]:
    if request.reset:
        return inverse(world.world_from_solve), first
    if request.world_from_solve is not None:
        up, scale = request.up_source or gauge.up_source, request.scale_source or gauge.scale_source
        by = compose(request.world_from_solve, inverse(world.world_from_solve))
        return by, Gauge(up, scale, "metres" if scale != "none" else "arbitrary")
    return _constrained(request, shot, gauge)


def _constrained(request: WorldRequest, shot: ShotFolder, gauge: Gauge) -> tuple[Similarity, Gauge]:
    by = UNCHANGED
    said = bool(request.floor or request.auto_ground or request.origin or request.distance or request.scale)
    if not said:
        raise InvalidRequest("Nothing was said about the world.")
    if request.auto_ground:
        if len(_points(shot)) < _ENOUGH_POINTS:
            raise SolveError("The ground was not found.")
        gauge = replace(gauge, up_source="points")
    if request.floor:
        by, gauge = _onto_floor(*map(_place, request.floor[:3])), replace(gauge, up_source="picked")
    factor = request.scale or 1.0
    if request.distance is not None:
        a, b = map(_place, request.distance_points)
        factor *= request.distance / float(np.linalg.norm(np.subtract(a, b)))
        gauge = replace(gauge, scale_source="object" if request.of_object else "two-points", units="metres")
    by = compose(replace(UNCHANGED, scale=factor), by)
    if request.origin is not None:
        x, y, z = move_point(by, _place(request.origin))
        by = compose(replace(UNCHANGED, translation=(-x, -y, -z)), by)
    return by, gauge


def _place(pick: Pick) -> Vector3:
    if pick.xyz is None:
        raise InvalidRequest("The fake backend takes places only.")
    return pick.xyz


def _onto_floor(a: Vector3, b: Vector3, c: Vector3) -> Similarity:
    """Three places onto z = 0, seen from the side that is up already."""
    along = unit((b[0] - a[0], b[1] - a[1], b[2] - a[2]))
    up = unit(cross(along, (c[0] - a[0], c[1] - a[1], c[2] - a[2])))
    up = up if up[2] >= 0.0 else (-up[0], -up[1], -up[2])
    turn = (along, cross(up, along), up)
    height = sum(x * y for x, y in zip(up, a, strict=True))
    return Similarity(1.0, turn, (0.0, 0.0, -height))


def _write(shot: ShotFolder, world: World, poses: Extrinsics, by: Similarity, gauge: Gauge) -> None:
    frames = tuple(
        frame if frame.world_from_camera is None else replace(
            frame, world_from_camera=move_pose(by, frame.world_from_camera)
        )
        for frame in poses.frames
    )  # fmt: skip
    moved = replace(
        poses, frames=frames, world_revision=world.revision, up_source=gauge.up_source,
        scale_source=gauge.scale_source, units=gauge.units,
    )  # fmt: skip
    shot.world.write_text(document_text(world), encoding="utf-8")
    shot.extrinsics.write_text(document_text(moved), encoding="utf-8")
    with np.load(shot.cloud) as stored:
        arrays = {name: stored[name] for name in stored.files}
    turn = np.array(by.rotation)
    arrays["xyz"] = (by.scale * arrays["xyz"] @ turn.T + by.translation).astype(np.float32)
    np.savez(shot.cloud, **arrays)
