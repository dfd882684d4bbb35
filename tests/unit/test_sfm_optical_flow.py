"""Points followed past what moves in front of them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from backend.sfm.features import detect_corners
from backend.sfm.optical_flow import follow_points

WIDTH, HEIGHT = 480, 270
BARS = ((60, 130), (220, 300), (380, 440))
"""First and last column of what moves in front of the set."""


def noise(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    rough = np.random.default_rng(seed).normal(size=shape)
    fine, coarse = cv2.GaussianBlur(rough, (0, 0), 1.6), cv2.GaussianBlur(rough, (0, 0), 8.0)
    both = fine / fine.std() + coarse / coarse.std()
    return np.clip(128 + 30 * both, 0, 255).astype(np.uint8)


def picture(set_at: int, bars_at: int) -> NDArray[np.uint8]:
    """The set, and bars in front of it, each shifted to the right by so many px."""
    behind, front = noise(1, (HEIGHT, WIDTH + 80)), noise(2, (HEIGHT, WIDTH + 80))
    seen = behind[:, 40 - set_at : 40 - set_at + WIDTH].copy()
    for first, last in BARS:
        seen[:, first + bars_at : last + bars_at] = front[:, first:last]
    return seen


@pytest.mark.parametrize(("set_moves", "bars_move", "least"), [(14, -12, 0.93), (-20, 15, 0.75), (3, -25, 0.93)])
def test_the_set_is_followed_behind_what_moves_the_other_way(set_moves: int, bars_move: int, least: float) -> None:
    before, after = picture(0, 0), picture(set_moves, bars_move)
    points = detect_corners(before, 800, taken=np.zeros((0, 2)), usable=None, distance=7.0, margin=8)
    x, on_set, seen = points[:, 0], np.ones(len(points), bool), np.ones(len(points), bool)
    for first, last in BARS:
        on_set &= (x < first - 8) | (x > last + 8)
        seen &= (x + set_moves < first + bars_move - 8) | (x + set_moves > last + bars_move + 8)
    seen &= on_set & (x + set_moves > 8) & (x + set_moves < WIDTH - 8)
    assert seen.sum() > 60
    moved, found = follow_points(before, after, points)
    right = found & (np.linalg.norm(moved - points - [set_moves, 0.0], axis=1) < 0.3)
    assert right[seen].mean() > least


@pytest.mark.parametrize("seed", [10, 11, 12])
def test_grain_is_not_followed(seed: int) -> None:
    """Two pictures with nothing in them but noise of their own: what is lost is not found by looking again."""
    rng = np.random.default_rng(seed)
    before, after = (np.clip(128 + rng.normal(0, 6.0, (HEIGHT, WIDTH)), 0, 255).astype(np.uint8) for _ in range(2))
    points = detect_corners(before, 600, taken=np.zeros((0, 2)), usable=None, distance=7.0, margin=8)
    assert len(points) > 300
    assert follow_points(before, after, points)[1].mean() < 0.3
