"""The weight-free depth engine on a scene with exact depth: two textured planes, seen from a row of cameras."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.depth.poses import Pose
from backend.mvs.settings import MvsSettings
from backend.mvs.smooth import fitted
from backend.mvs.stream import clip_depth
from backend.mvs.views import View, other_pixels, passage

SIZE = (96, 160)
K = np.array([[150.0, 0.0, 80.0], [0.0, 150.0, 48.0], [0.0, 0.0, 1.0]])
WALL, BOX = 6.0, 4.0
FRAMES = 11


def _pose(index: int) -> np.ndarray:
    pose = np.eye(4)
    pose[0, 3] = 0.12 * (index - FRAMES // 2)
    return pose


def _texture(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """0..1 at world x, y: a sum of waves of many lengths, the same from every camera."""
    rng = np.random.default_rng(seed)
    total = np.zeros_like(x)
    for _ in range(40):
        u, v = rng.normal(0.0, 9.0, 2)
        total += np.cos(u * x + v * y + rng.uniform(0.0, 6.28))
    return np.asarray(0.5 + total / 24.0)


def _rendered(index: int) -> tuple[np.ndarray, np.ndarray]:
    """gray and depth [H, W] of a wall with a box front before its middle."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    rays = ((x - K[0, 2]) / K[0, 0], (y - K[1, 2]) / K[1, 1])
    at = [(z * rays[0] + _pose(index)[0, 3], z * rays[1]) for z in (WALL, BOX)]
    box = (np.abs(at[1][0]) < 0.7) & (np.abs(at[1][1]) < 0.5)
    return np.where(box, _texture(*at[1], 2), _texture(*at[0], 1)), np.where(box, BOX, WALL)


def _view(index: int) -> View:
    gray = _rendered(index)[0] + np.random.default_rng(index).normal(0.0, 0.01, SIZE)
    return View(index, torch.from_numpy(gray).float(), torch.ones(SIZE), K, _pose(index))


def test_a_pixel_finds_its_point_in_another_view() -> None:
    way = passage(_view(5), _view(7))
    x, y, scale = other_pixels(way, torch.full(SIZE, 1.0 / BOX))
    assert float(x[10, 60]) == pytest.approx(60.5 - 150.0 * 0.24 / BOX, abs=1e-3)
    assert float(y[10, 60]) == pytest.approx(10.5, abs=1e-3)
    assert float(scale[10, 60]) == pytest.approx(1.0, abs=1e-5)


def test_a_slanted_plane_survives_smoothing_and_its_noise_does_not() -> None:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    truth = torch.from_numpy(0.2 + 0.0005 * x - 0.0003 * y)
    noisy = truth + 0.001 * torch.from_numpy(np.random.default_rng(0).standard_normal(SIZE)).float()
    one = torch.ones(SIZE)
    found = fitted(noisy, 0.003 * one, one, 0.5 * one).inverse
    inner = (slice(12, -12), slice(12, -12))
    assert float((found - truth)[inner].std()) < 0.3 * 0.001
    assert abs(float((found - truth)[inner].mean())) < 0.00005


def test_two_planes_come_out_within_one_percent() -> None:
    poses = [Pose(i, K, _pose(i), SIZE) for i in range(FRAMES)]
    depth = _rendered(5)[1]
    points = np.array([[x, y, WALL] for x in (-2.0, -1.5, 1.5, 2.0) for y in (-1.0, 1.0)] + [[0.0, 0.0, BOX]] * 4)
    settings = MvsSettings(sources=4, most_planes=64)
    (found,) = clip_depth(poses, points, _view, settings, [5])
    error = np.abs(found.depth / depth - 1.0)
    measured = found.confidence >= 0.5
    assert measured.mean() > 0.8
    assert np.median(error[measured]) < 0.005
    assert error[measured].mean() < 0.01


def test_a_camera_that_does_not_travel_has_no_depth() -> None:
    poses = [Pose(i, K, np.eye(4), SIZE) for i in range(4)]
    assert list(clip_depth(poses, np.array([[0.0, 0.0, 5.0]]), _view, MvsSettings())) == []
