"""Shots in which the camera stops, turns on the spot or starts: every part solved as what it is."""

from __future__ import annotations

import numpy as np
import pytest

from backend.sfm.result import CameraSolve
from backend.sfm.settings import SfmSettings
from backend.sfm.solver import solve
from tests.benchmarks.scoring import Array, absolute_trajectory_error, path_length, rotation_error_deg
from tests.quality.moving_blob import with_blob
from tests.quality.synthetic_set import Footage, courtyard, intrinsics, look, render

SIZE = (480, 270)
FOCAL = 430.0
TARGET = np.array([0.2, 6.0, 1.0])
HALF = 16


def dolly() -> list[Array]:
    """Sideways and forward, coming to a stop."""
    s = np.sin(np.linspace(0.0, np.pi / 2.0, HALF))[:, None]
    return [look(eye, TARGET) for eye in np.array([-1.3, 0.2, 1.5]) + s * np.array([1.6, 0.5, 0.2])]


def dolly_then_pan() -> list[Array]:
    moving = dolly()
    eye, ahead = moving[-1][:3, 3], moving[-1][:3, 2]
    start = np.arctan2(ahead[0], ahead[1])
    turns = start + np.radians(45.0) * np.linspace(0.0, 1.0, HALF + 1)[1:]
    return moving + [look(eye, eye + np.array([np.sin(a), np.cos(a), -0.05])) for a in turns]


def filmed(poses: list[Array], seed: int) -> Footage:
    rng = np.random.default_rng(seed)
    footage = render(courtyard(rng), np.stack(poses), intrinsics(FOCAL, *SIZE), SIZE, rng)
    return with_blob(footage, rng, radius=30.0)


def poses_of(result: CameraSolve) -> Array:
    assert all(frame.world_from_camera is not None for frame in result.frames)
    return np.stack([frame.world_from_camera for frame in result.frames])  # type: ignore[misc]


def close_to(result: CameraSolve, truth: Array) -> None:
    poses = poses_of(result)
    assert 100.0 * absolute_trajectory_error(poses, truth) / path_length(truth[:, :3, 3]) < 0.2
    assert rotation_error_deg(poses, truth) < 0.05
    assert abs(result.lens.focal / FOCAL - 1.0) < 0.01


@pytest.mark.parametrize("backwards", [False, True])
def test_a_dolly_and_a_pan(backwards: bool) -> None:
    poses = dolly_then_pan()[:: -1 if backwards else 1]
    footage = filmed(poses, 21)
    result = solve(footage, SfmSettings())
    kinds = [frame.motion for frame in result.frames][:: -1 if backwards else 1]
    wanted = ["full"] * HALF + ["nodal"] * HALF
    assert sum(a != b for a, b in zip(kinds, wanted, strict=True)) <= 2
    close_to(result, footage.poses)
    turning = [frame.world_from_camera for frame in result.frames if frame.motion == "nodal"]
    assert len({pose[:, 3].tobytes() for pose in turning if pose is not None}) == 1
    assert result.cloud.at_infinity.any()
    assert not result.cloud.at_infinity.all()
    assert result.motion_evidence["span_criterion"] == "BIC"


def test_a_tripod_that_is_picked_up() -> None:
    moving = dolly()[::-1]
    footage = filmed([moving[0]] * HALF + moving, 22)
    result = solve(footage, SfmSettings())
    kinds = [frame.motion for frame in result.frames]
    wanted = ["locked"] * HALF + ["full"] * HALF
    assert sum(a != b for a, b in zip(kinds, wanted, strict=True)) <= 2
    close_to(result, footage.poses)
    still = {frame.world_from_camera.tobytes() for frame in result.frames if frame.motion == "locked"}  # type: ignore[union-attr]
    assert len(still) == 1


def test_a_gentle_dolly_is_no_tripod() -> None:
    eyes = np.array([-0.3, 0.2, 1.5]) + np.linspace(0.0, 1.0, 24)[:, None] * np.array([0.25, 0.05, 0.0])
    result = solve(filmed([look(eye, TARGET) for eye in eyes], 23), SfmSettings(quality="low"))
    assert {frame.motion for frame in result.frames} == {"full"}
