"""Lenses that zoom, on rendered sets with an exact camera: focal length of every frame within bounds."""

from __future__ import annotations

import numpy as np

from backend.sfm.result import CameraSolve
from backend.sfm.settings import SfmSettings
from backend.sfm.solver import solve
from tests.benchmarks.scoring import Array, absolute_trajectory_error, path_length
from tests.quality.synthetic_set import Footage, courtyard, intrinsics, look, render

SIZE = (480, 270)
COUNT = 16
PLAIN = SfmSettings(quality="low")


def filmed(poses: Array, focals: Array, seed: int) -> Footage:
    """The courtyard, every frame through its own focal length (px)."""
    rng = np.random.default_rng(seed)
    planes = courtyard(rng)
    frames = [
        render(planes, pose[None], intrinsics(float(focal), *SIZE), SIZE, rng).frames[0]
        for pose, focal in zip(poses, focals, strict=True)
    ]
    return Footage(frames, poses, intrinsics(float(focals[0]), *SIZE))


def walk() -> Array:
    """Sideways and forward past the boxes, turning as it goes."""
    s = np.linspace(0.0, 1.0, COUNT)
    eyes = np.stack([-1.6 + 3.0 * s, 0.2 + 0.8 * s, 1.5 + 0.2 * np.sin(4.0 * s)], 1)
    targets = np.stack([-0.5 + 1.2 * s, 6.0 + 0.0 * s, 1.0 + 0.0 * s], 1)
    return np.stack([look(eye, target) for eye, target in zip(eyes, targets, strict=True)])


def pan() -> Array:
    eye = np.array([0.0, 0.2, 1.5])
    angles = np.linspace(-0.25, 0.25, COUNT)
    return np.stack([look(eye, eye + np.array([np.sin(a), np.cos(a), -0.05 - 0.2 * a])) for a in angles])


def focal_error(solved: CameraSolve, focals: Array) -> float:
    """The greatest of all frames, percent."""
    return float(100.0 * np.abs(solved.focals / focals - 1.0).max())


def ate_percent(solved: CameraSolve, truth: Array) -> float:
    poses = np.stack([frame.world_from_camera for frame in solved.frames])  # type: ignore[misc]
    return 100.0 * absolute_trajectory_error(poses, truth) / path_length(truth[:, :3, 3])


def test_a_zoom_out_while_travelling() -> None:
    focals = 620.0 * np.exp(-np.log(1.6) * np.clip(np.arange(COUNT) / 12.0, 0.0, 1.0))
    solved = solve(filmed(walk(), focals, 21), PLAIN)
    assert solved.solved == COUNT
    assert solved.zooms
    assert focal_error(solved, focals) < 2.0
    assert ate_percent(solved, walk()) < 0.4
    assert any("The lens zooms from" in notice for notice in solved.notices)


def test_a_tripod_that_pans_and_zooms() -> None:
    focals = 430.0 * np.exp(np.log(1.5) * np.linspace(0.0, 1.0, COUNT))
    solved = solve(filmed(pan(), focals, 22), PLAIN)
    assert {frame.motion for frame in solved.frames} == {"nodal"}
    assert solved.solved == COUNT
    assert solved.zooms
    ratio = solved.focals / solved.focals[0] * focals[0] / focals
    assert np.abs(ratio - 1.0).max() < 0.01
    assert focal_error(solved, focals) < 3.0
