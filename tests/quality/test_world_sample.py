"""The sample clip, solved and levelled by itself, against its truth: gravity, floor, and scale from a height."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.pipeline.runner import run_job
from backend.world.answer import answer
from backend.world.suggest import suggest_world
from shared.camera_files import SolvedCamera, read_camera
from shared.messages import JobRequest
from shared.world_messages import WorldRequest
from tests.unit.export_shot import Recorder

SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "sample"


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample") / "shot"
    run_job(JobRequest(str(root), str(SAMPLE / "clip.mp4"), params={"solve": {"quality": "low"}}), Recorder())
    return root


@pytest.fixture(scope="module")
def truth() -> NDArray[np.float64]:
    """[T, 4, 4] world_from_camera, metres, z up, the floor at 0."""
    with np.load(SAMPLE / "gt/camera.npz") as file:
        return np.asarray(file["world_from_camera"], np.float64)


def common(camera: SolvedCamera, truth: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    poses = [(pose.frame, pose.world_from_camera) for pose in camera.extrinsics.frames if pose.world_from_camera]
    return np.array([pose for _, pose in poses]), np.array([truth[frame - 1] for frame, _ in poses])


def true_up(camera: SolvedCamera, truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Up of the truth in the shot's world, by the mean rotation between the cameras."""
    ours, theirs = common(camera, truth)
    u, _, v = np.linalg.svd(np.einsum("fij,fkj->ik", theirs[:, :3, :3], ours[:, :3, :3]))
    turn = u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v
    return np.asarray(turn.T @ (0.0, 0.0, 1.0))


def test_gravity_is_found_and_a_height_gives_the_scale(shot: Path, truth: NDArray[np.float64]) -> None:
    found = suggest_world(shot)
    assert found.found and found.ground is not None, found
    assert np.degrees(np.arccos(np.clip(true_up(read_camera(shot), truth) @ found.up, -1, 1))) < 1.0
    _, theirs = common(read_camera(shot), truth)
    height = float(np.median(theirs[:, 2, 3]))
    answer(WorldRequest(str(shot), auto_ground=True, camera_height=height))
    ours, theirs = common(read_camera(shot), truth)
    ours, theirs = ours[:, :3, 3], theirs[:, :3, 3]
    size = np.linalg.norm(np.ptp(ours, axis=0)) / np.linalg.norm(np.ptp(theirs, axis=0))
    assert abs(size - 1.0) < 0.03
    assert np.abs((ours - theirs)[:, 2]).max() < 0.03  # metres over the floor, in every frame
