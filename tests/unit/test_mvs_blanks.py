"""Blank areas in the weight-free depth engine: planes from what lies around them, and no measurements."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.depth.frame import FrameDepth
from backend.depth.poses import Pose
from backend.mvs.blanks import closed
from backend.mvs.matching import structure
from backend.mvs.settings import MvsSettings
from backend.mvs.stream import clip_depth
from backend.mvs.views import View

SIZE = (72, 128)
K = np.array([[128.0, 0.0, 64.0], [0.0, 128.0, 36.0], [0.0, 0.0, 1.0]])
FRAMES, MIDDLE = 9, 4
BEFORE, SLANT = 6.0, 0.5
"""The wall: z = BEFORE + SLANT * x."""

BARE = 1.1
"""Half the width of its blank middle."""

POINTS = np.array([[x, y, BEFORE + SLANT * x] for x in (-2.0, -1.4, 1.4, 2.0) for y in (-0.8, 0.8)])


def _pose(index: int) -> np.ndarray:
    pose = np.eye(4)
    pose[0, 3] = 0.12 * (index - MIDDLE)
    return pose


def _texture(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(1)
    total = np.zeros_like(x)
    for _ in range(40):
        u, v = rng.normal(0.0, 8.0, 2)
        total += np.cos(u * x + v * y + rng.uniform(0.0, 6.28))
    return np.asarray(0.5 + total / 24.0)


def _wall(index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """gray, depth and where the wall is blank [H, W]."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    across, down = (x - K[0, 2]) / K[0, 0], (y - K[1, 2]) / K[1, 1]
    centre = _pose(index)[0, 3]
    depth = (BEFORE + SLANT * centre) / (1.0 - SLANT * across)
    at = depth * across + centre
    bare = np.abs(at) < BARE
    return np.where(bare, 0.5, _texture(at, depth * down)), depth, bare


def _view(index: int) -> View:
    gray = _wall(index)[0] + np.random.default_rng(index).normal(0.0, 0.01, SIZE)
    return View(index, torch.from_numpy(gray).float(), torch.ones(SIZE), K, _pose(index))


@pytest.fixture(scope="module")
def wall() -> FrameDepth:
    poses = [Pose(i, K, _pose(i), SIZE) for i in range(FRAMES)]
    settings = MvsSettings(sources=4, most_planes=48, confirm_deg=(1.0, 3.0))
    (found,) = clip_depth(poses, POINTS, _view, settings, [MIDDLE])
    return found


def test_the_blank_middle_of_a_slanted_wall_lies_on_the_wall(wall: FrameDepth) -> None:
    _, depth, bare = _wall(MIDDLE)
    error = np.abs(wall.depth / depth - 1.0)[bare]
    assert depth[bare].max() / depth[bare].min() > 1.15
    assert np.median(error) < 0.01
    assert np.quantile(error, 0.95) < 0.03


def test_what_is_blank_is_not_measured(wall: FrameDepth) -> None:
    bare = _wall(MIDDLE)[2]
    measured = wall.confidence >= 0.5
    assert measured[:, bare.all(0).nonzero()[0][8:-8]].mean() < 0.02
    assert measured[~bare].mean() > 0.8
    assert (wall.confidence[bare] > 0).all()


def test_grain_alone_is_no_structure_and_texture_is() -> None:
    flat = 0.5 + 0.02 * torch.from_numpy(np.random.default_rng(0).standard_normal(SIZE)).float()
    waves = flat + 0.1 * torch.sin(torch.arange(SIZE[1]) * 0.7)
    assert abs(float(structure(flat, 3).mean())) < 0.15
    assert float(structure(waves, 3)[8:-8, 8:-8].min()) > 1.0


def _closed(inverse: np.ndarray, blank: np.ndarray, known: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    sure = ~blank if known is None else known
    given = torch.from_numpy(np.where(blank, 0.9, inverse)).float()
    found = closed(given, 0.0005 * torch.ones(inverse.shape), torch.from_numpy(blank), torch.from_numpy(sure))
    return found[0].numpy(), found[1].numpy()


def test_a_backdrop_takes_the_depth_of_what_hangs_on_it() -> None:
    """Near things all around a blank area, but one small thing in it is far: the area is no nearer than that."""
    inverse, blank = np.full((60, 90), 0.5), np.zeros((60, 90), bool)
    blank[8:-8, 8:-8] = True
    inverse[8:-8, 8:-8] = 0.2
    blank[22:38, 36:54] = False
    value, share = _closed(inverse, blank)
    assert np.abs(value[blank] / 0.2 - 1.0).max() < 0.02
    assert 0.0 < share[blank].max() < 0.3
    assert (value[~blank] == np.float32(inverse[~blank])).all()


def test_a_few_mismatched_pixels_pull_no_plane() -> None:
    y, x = np.mgrid[:60, :90]
    inverse = 0.3 + 0.001 * x - 0.0005 * y
    blank = np.zeros((60, 90), bool)
    blank[10:-10, 10:-10] = True
    wild = np.random.default_rng(0).random(inverse.shape) < 0.02
    value, share = _closed(np.where(wild & ~blank, 0.1, inverse), blank)
    assert np.abs(value / inverse - 1.0)[blank].max() < 0.005
    assert share[blank].min() > 0.9


def test_an_area_with_nothing_known_around_stays_as_it_is() -> None:
    blank = np.zeros((40, 40), bool)
    blank[10:30, 10:30] = True
    value, share = _closed(np.full((40, 40), 0.3), blank, np.zeros((40, 40), bool))
    assert (value[blank] == np.float32(0.9)).all() and not share.any()
