"""Finds up and the ground of a solved shot without being told anything; changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shared.camera_files import SolvedCamera, read_camera
from shared.errors import ArtifactMissing, SolveError
from shared.shot import ShotFolder
from shared.world_messages import WorldSuggestion

from .change import finish_interrupted
from .constraints import Constraints, Floats, camera_places, solve_constraints
from .ground import Ground, Views, find_ground
from .lines import NO_SEGMENTS, Segments, find_segments
from .planes import cloud_of

_WORST_ERROR = 3.0
"""Points whose reprojection error is over that many medians are left out."""


def suggest_world(root: Path) -> WorldSuggestion:
    """Where the ground of a shot is, and how sure that is. Takes under a second, and no lock unless a change was
    interrupted. Raises `ArtifactMissing` without a solve, `ShotCorrupt`, `InvalidRequest` when no frame has a pose,
    `ShotBusy` while the world is being changed."""
    shot = ShotFolder(root)
    finish_interrupted(shot)
    camera = read_camera(root)
    ground = ground_of(shot, camera)
    evidence = tuple(_sentences(ground, camera))
    if not ground.found:
        return WorldSuggestion(camera.world.revision, False, ground.confidence, evidence=evidence)
    step = solve_constraints(camera, ground_constraints(ground))
    return WorldSuggestion(
        revision=camera.world.revision,
        found=True,
        confidence=ground.confidence,
        up=_plain(ground.up),
        tilt_deg=round(float(np.degrees(np.arccos(np.clip(ground.up[2], -1.0, 1.0)))), 3),
        ground=None if ground.place is None else _plain(ground.place),
        by=step.by,
        evidence=evidence,
    )


def found_ground(shot: ShotFolder, camera: SolvedCamera) -> Ground:
    """The ground, when the evidence is good. Raises `SolveError` when it is weak."""
    ground = ground_of(shot, camera)
    if not ground.found:
        raise SolveError(
            f"The ground was not found (confidence {ground.confidence:.0%}): {' '.join(_sentences(ground, camera))}",
            "Pick three places on the floor." if _has_depth(camera) else "Turn the camera by hand in the scene.",
        )
    return ground


def ground_constraints(ground: Ground) -> Constraints:
    plane = ground.plane
    return Constraints(ground=plane) if plane is not None else Constraints(up=ground.up)


def ground_of(shot: ShotFolder, camera: SolvedCamera) -> Ground:
    """The most likely ground, whatever its confidence."""
    centres = camera_places(camera)
    poses = [pose.world_from_camera for pose in camera.extrinsics.frames if pose.world_from_camera is not None]
    turns = np.array(poses)[:, :3, :3]
    views = Views(centres, turns[:, :, 0], turns[:, :, 1], turns[:, :, 2])
    points = _good_points(shot) if _has_depth(camera) else np.zeros((0, 3))
    return find_ground(views, cloud_of(points, centres), _segments(shot, camera))


def _has_depth(camera: SolvedCamera) -> bool:
    """Whether the camera travels somewhere: what a tripod sees is known by direction only."""
    return any(pose.motion == "full" for pose in camera.extrinsics.frames if pose.world_from_camera is not None)


def _good_points(shot: ShotFolder) -> Floats:
    if not shot.cloud.is_file():
        return np.zeros((0, 3))
    with np.load(shot.cloud) as stored:
        xyz, error, length = stored["xyz"].astype(np.float64), stored["error"], stored["track_length"]
        placed = ~stored["at_infinity"] if "at_infinity" in stored else np.ones(len(xyz), bool)
    good = (error <= _WORST_ERROR * np.median(error)) & (length >= 3) if len(xyz) else np.zeros(0, bool)
    good &= placed
    return np.asarray(xyz[good])


def _segments(shot: ShotFolder, camera: SolvedCamera) -> Segments:
    """None without a plate: the points may be enough."""
    try:
        return find_segments(shot, camera)
    except ArtifactMissing:
        return NO_SEGMENTS


def _plain(vector: Floats) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in vector)
    return (x, y, z)


def _sentences(ground: Ground, camera: SolvedCamera) -> list[str]:
    support = ground.support
    said = ["The camera does not travel: no point has a depth, and only edges can say what is up."]
    if _has_depth(camera):
        said = [f"{support.level:.0%} of the points lie on level planes, {support.wall:.0%} on upright ones."]
    if support.vertical > 0.02 or support.square > 0.02:
        said.append(f"{support.vertical:.0%} of the edges are vertical, {support.square:.0%} level and square.")
    else:
        said.append("The edges in the picture agree on no direction.")
    said.append(f"The camera rolls by {np.degrees(support.roll):.1f} degrees.")
    if ground.place is None:
        said.append("No floor was seen under the cameras.")
    return said
