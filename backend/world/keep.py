"""The artist's world outlives a new solve: the new cameras are laid onto those of the solve before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.pipeline.context import StageContext
from shared.artifacts import Artifact
from shared.camera_files import SolvedCamera, read_camera
from shared.errors import ArtifactMissing, ShotCorrupt
from shared.shot import ShotFolder

from .carriers import CAMERA_CARRIERS
from .change import WorldStep, move_files
from .constraints import Floats, similarity_of

_MOST_TURN = np.radians(1.5)
_MOST_SHIFT = 0.05
"""Of the size of the camera's path: solves that differ by more are not of one scene."""
_LEAST_FRAMES = 3


def earlier_camera(shot: ShotFolder) -> SolvedCamera | None:
    """The camera of a solve before this one, if its world was set by somebody."""
    try:
        camera = read_camera(shot.root)
    except (ArtifactMissing, ShotCorrupt):
        return None
    return camera if camera.world.solve_gauge is not None else None


def keep_world(
    before: SolvedCamera | None, context: StageContext, artifacts: tuple[Artifact, ...]
) -> tuple[Artifact, ...]:
    """Moves the files of a new solve into the world that was set before, and lists them with their new sizes.
    With another camera the world stays the solver's, and a notice says so. The caller holds the shot's lock."""
    if before is None:
        return artifacts
    camera = read_camera(context.shot.root)
    step = laid_onto(before, camera)
    if step is None:
        context.notice("The new camera differs too much from the one before to keep its world: set it again.")
        return artifacts
    move_files(context.shot, camera, step, CAMERA_CARRIERS)
    return tuple(context.artifact(one.kind, context.shot.root / one.path, one.frames) for one in artifacts)


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
