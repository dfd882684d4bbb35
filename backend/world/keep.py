"""The artist's world outlives a new solve: the new cameras are laid onto those of the solve before."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shared.camera_files import Gauge, Similarity, SolvedCamera, read_camera
from shared.errors import ArtifactMissing, ShotCorrupt
from shared.shot import ShotFolder
from shared.similarity import checked

from .change import WorldStep, gauge_of
from .constraints import Floats, similarity_of

_MOST_TURN = np.radians(1.5)
_MOST_SHIFT = 0.05
"""Of the size of the camera's path: solves that differ by more are not of one scene."""
_LEAST_FRAMES = 3


@dataclass(frozen=True)
class KeptWorld:
    """step: from the solver's world to the one that was set; None to stay in the solver's. notice: why, when that
    is news to the artist."""

    step: WorldStep | None
    notice: str = ""


def earlier_camera(shot: ShotFolder) -> SolvedCamera | None:
    """The camera of a solve before this one, if its world was set by somebody."""
    try:
        camera = read_camera(shot.root)
    except (ArtifactMissing, ShotCorrupt):
        return None
    return camera if camera.world.solve_gauge is not None else None


def kept_world(before: SolvedCamera | None, after: SolvedCamera) -> KeptWorld:
    """What takes a new solve, in the solver's own world, into the world that was set before.

    A scale that the solve knows by itself (distances in hints.json) wins over the scale that was set; a place and
    an up of its own (survey points) win over all of it.
    """
    if before is None:
        return KeptWorld(None)
    solved = gauge_of(after.extrinsics)
    if solved.up_source != "none":
        return KeptWorld(None, "The survey points say where the world is: the one that was set before is not kept.")
    step = laid_onto(before, after)
    if step is None:
        return KeptWorld(None, "The new camera differs too much from the one before to keep its world: set it again.")
    if solved.scale_source != "none":
        step = _in_new_units(step, solved)
    return KeptWorld(replace(step, by=checked(step.by)))


def _in_new_units(step: WorldStep, solved: Gauge) -> WorldStep:
    """The step without its scaling, about the origin that was set."""
    x, y, z = step.by.translation
    size = step.by.scale
    by = Similarity(1.0, step.by.rotation, (x / size, y / size, z / size))
    return WorldStep(by, step.up_source, solved.scale_source, solved.units)


def laid_onto(before: SolvedCamera, after: SolvedCamera) -> WorldStep | None:
    """The step that takes the new world to the old one by the frames that both solved; None when they disagree.

    Rotation: the mean of the frames' (Moakher, "Means and averaging in the group of rotations", 2002). Scale and
    place: least squares over the camera's centres (Umeyama, PAMI 1991).
    """
    old, new = _common_poses(before, after)
    if len(old) < _LEAST_FRAMES:
        return None
    turn = _mean_turn(old[:, :3, :3], new[:, :3, :3])
    old_centres, new_centres = old[:, :3, 3], new[:, :3, 3] @ turn.T
    old_arms, new_arms = old_centres - old_centres.mean(0), new_centres - new_centres.mean(0)
    scale = 1.0
    if _travels(before) and _travels(after):
        scale = float((old_arms * new_arms).sum() / max((new_arms**2).sum(), 1e-300))
        size = float(np.sqrt((old_arms**2).sum(1).mean()))
        if scale <= 0.0 or np.sqrt(((old_arms - scale * new_arms) ** 2).sum(1).mean()) > _MOST_SHIFT * size:
            return None
    if np.median(_angles(old[:, :3, :3], turn @ new[:, :3, :3])) > _MOST_TURN:
        return None
    place = old_centres.mean(0) - scale * new_centres.mean(0)
    said = before.extrinsics
    return WorldStep(similarity_of(scale, turn, place), said.up_source, said.scale_source, said.units)


def _common_poses(before: SolvedCamera, after: SolvedCamera) -> tuple[Floats, Floats]:
    """[F, 4, 4] of the frames that have a pose in both."""
    known = {pose.frame: pose.world_from_camera for pose in before.extrinsics.frames}
    pairs = [
        (known[pose.frame], pose.world_from_camera)
        for pose in after.extrinsics.frames
        if pose.world_from_camera is not None and known.get(pose.frame) is not None
    ]
    both = np.array(pairs, np.float64).reshape(-1, 2, 4, 4)
    return both[:, 0], both[:, 1]


def _mean_turn(old: Floats, new: Floats) -> Floats:
    u, _, v = np.linalg.svd(np.einsum("fij,fkj->ik", old, new))
    return np.asarray(u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v)


def _angles(old: Floats, new: Floats) -> NDArray[np.float64]:
    cosine = (np.einsum("fij,fij->f", old, new) - 1.0) / 2.0
    return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)))


def _travels(camera: SolvedCamera) -> bool:
    return any(pose.motion == "full" for pose in camera.extrinsics.frames if pose.world_from_camera is not None)
