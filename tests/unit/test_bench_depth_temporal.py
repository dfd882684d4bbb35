"""What `bench depth_temporal` counts: the change of depth over truth of surface points that two frames share."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.depth_scores import changes
from tests.unit.depth_scene import SIZE, WALL, K, Room

ROOM = Room()


def _changes(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    poses = [ROOM.pose(i).world_from_camera for i in (4, 6)]
    return np.asarray(changes((first, second), (ROOM.truth(4), ROOM.truth(6)), (K, K), (poses[0], poses[1])))


def test_one_factor_for_all_frames_is_no_change() -> None:
    assert np.abs(_changes(np.full(SIZE, 1.3), np.full(SIZE, 1.3))).max() == pytest.approx(0.0)


def test_a_step_between_frames_is_counted_and_what_is_not_known_is_not() -> None:
    first, second = np.full(SIZE, 1.0), np.full(SIZE, 1.02)
    second[:, ::2] = np.nan
    found = _changes(first, second)
    assert 0 < len(found) < 0.6 * first.size
    np.testing.assert_allclose(found, 0.02, rtol=1e-9)


def test_points_are_followed_and_not_pixels() -> None:
    """A mark that sits on the wall in both frames, as the camera sees it there, is no change."""
    marked = []
    for i in (4, 6):
        left = ROOM.pose(i).world_from_camera[0, 3]
        x = left + (np.arange(SIZE[1]) + 0.5 - K[0, 2]) / K[0, 0] * WALL
        marked.append(np.where(np.isclose(ROOM.truth(i), WALL), np.where(x > 1.0, 1.1, 1.0)[None], np.nan))
    assert (_changes(*marked) > 1e-6).mean() < 0.02
