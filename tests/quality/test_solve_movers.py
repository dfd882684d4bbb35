"""A solve past things that move, without any mask given; and the masks it writes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.sfm.result import CameraSolve
from backend.sfm.settings import SfmSettings
from backend.sfm.solver import solve
from tests.benchmarks.motion_scores import region_similarity
from tests.benchmarks.scoring import Array, absolute_trajectory_error, path_length
from tests.quality.synthetic_set import Footage, Plane, courtyard, intrinsics, look, render, textured

SIZE = (480, 270)
K = intrinsics(430.0, *SIZE)
COUNT = 16
Masks = list[NDArray[np.bool_]]


def camera_path() -> Array:
    rng = np.random.default_rng(4)
    wobble = np.cumsum(rng.normal(0.0, 0.01, (COUNT, 3)), axis=0)
    eyes = np.array([-1.0, 0.2, 1.5]) + np.linspace(0.0, 1.0, COUNT)[:, None] * np.array([1.8, 0.5, 0.2]) + wobble
    return np.stack([look(eye, np.array([0.2, 6.0, 1.0]) + w) for eye, w in zip(eyes, wobble, strict=True)])


def with_mover(size: tuple[float, float], start: float, poses: Array, seed: int = 6) -> tuple[Footage, Masks]:
    """The courtyard with a textured board, size (w, h) metres, that swings through it, and where it is seen."""
    rng = np.random.default_rng(seed)
    planes, skin = courtyard(rng), textured(rng)
    frames, masks = [], []
    for t, pose in enumerate(poses):
        corner = np.array([start + 0.05 * t + 0.2 * np.sin(0.7 * t), 2.6, 0.25 + 0.1 * np.cos(0.9 * t)])
        turn = 0.12 * np.sin(0.5 * t)
        along = size[0] * np.array([np.cos(turn), np.sin(turn), 0.0])
        board = Plane(corner, along, np.array([0.0, 0.0, size[1]]), skin)
        alone = render([board], pose[None], K, SIZE, rng, grain=0.0).frames[0]
        masks.append((alone != 90).any(2))
        frames += render([*planes, board], pose[None], K, SIZE, rng).frames
    return Footage(frames, poses, K), masks


def ate_percent(result: CameraSolve, truth: Array) -> float:
    poses = [frame.world_from_camera for frame in result.frames]
    assert all(pose is not None for pose in poses)
    found = np.stack([pose for pose in poses if pose is not None])
    return 100.0 * absolute_trajectory_error(found, truth) / path_length(truth[:, :3, 3])


def mean_j(result: CameraSolve, truth: Masks) -> float:
    assert result.moving is not None
    values = []
    for mask, there in zip(result.moving, truth, strict=True):
        assert mask is None or (mask.shape == there.shape and mask.dtype == np.uint8)
        values.append(region_similarity(np.zeros_like(there) if mask is None else mask > 127, there))
    return float(np.mean(values))


@pytest.fixture(scope="module")
def board() -> tuple[Footage, Masks]:
    return with_mover((0.7, 1.5), -0.4, camera_path())


def test_a_mover_is_masked_and_does_not_bend_the_camera(board: tuple[Footage, Masks]) -> None:
    footage, masks = board
    result = solve(footage, SfmSettings())
    assert ate_percent(result, footage.poses) < 0.3
    assert mean_j(result, masks) > 0.6


def test_a_camera_survives_when_two_fifths_of_the_picture_move() -> None:
    footage, masks = with_mover((1.25, 1.5), -0.8, camera_path(), seed=7)
    assert 0.3 < np.mean(masks) < 0.5
    result = solve(footage, SfmSettings())
    assert ate_percent(result, footage.poses) < 0.5
    xy, frame = result.observations.xy.astype(int), result.observations.frame
    on_mover = np.array([masks[t][y, x] for t, (x, y) in zip(frame, xy, strict=True)])
    assert on_mover.mean() < 0.05


def test_a_still_set_costs_no_masks() -> None:
    poses = camera_path()
    rng = np.random.default_rng(8)
    result = solve(render(courtyard(rng), poses, K, SIZE, rng), SfmSettings())
    assert result.moving is not None
    assert all(mask is None for mask in result.moving)


def test_movers_are_not_looked_for_when_nothing_moves(board: tuple[Footage, Masks]) -> None:
    result = solve(board[0], replace(SfmSettings(quality="low"), find_movers=False))
    assert result.moving is None


def test_a_standing_camera_sees_what_passes() -> None:
    footage, masks = with_mover((0.5, 1.2), -0.6, np.repeat(camera_path()[5:6], COUNT, axis=0), seed=9)
    result = solve(footage, SfmSettings())
    assert {frame.motion for frame in result.frames} == {"locked"}
    assert mean_j(result, masks) > 0.6
