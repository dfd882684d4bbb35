"""The benchmark's scores on cameras whose error is known."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from tests.benchmarks.scoring import (
    Array,
    Lens,
    Sim3,
    absolute_trajectory_error,
    path_length,
    project,
    rotation_error_deg,
    score_camera,
    umeyama,
    unproject,
)

K = np.array([[500.0, 0.0, 320.0], [0.0, 500.0, 180.0], [0.0, 0.0, 1.0]])


def path(count: int = 20) -> Array:
    rng = np.random.default_rng(0)
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, 3] = np.cumsum(rng.normal(0.0, 0.2, (count, 3)), axis=0)
    poses[:, :3, :3] = Rotation.from_rotvec(rng.normal(0.0, 0.05, (count, 3))).as_matrix()
    return poses


def in_gauge(poses: Array, gauge: Sim3) -> Array:
    out = poses.copy()
    out[:, :3, :3] = gauge.rotation @ poses[:, :3, :3]
    out[:, :3, 3] = gauge.points(poses[:, :3, 3])
    return out


GAUGE = Sim3(2.5, Rotation.from_rotvec([0.3, -1.0, 0.4]).as_matrix(), np.array([1.0, -2.0, 0.5]))


def test_umeyama_finds_the_similarity() -> None:
    points = np.random.default_rng(1).normal(size=(30, 3))
    found = umeyama(points, GAUGE.points(points))
    assert np.isclose(found.scale, 2.5)
    assert np.allclose(found.rotation, GAUGE.rotation)
    assert np.allclose(found.inverse().points(GAUGE.points(points)), points)


def test_a_right_camera_in_another_gauge_scores_nothing() -> None:
    truth = path()
    ours = in_gauge(truth, GAUGE)
    assert absolute_trajectory_error(ours, truth) < 1e-9
    assert rotation_error_deg(ours, truth) < 1e-4


def test_errors_are_measured_in_the_truths_units() -> None:
    truth = path(200)
    rng = np.random.default_rng(2)
    wrong = truth.copy()
    wrong[:, :3, 3] += rng.normal(0.0, 0.01, (200, 3))
    wrong[:, :3, :3] = truth[:, :3, :3] @ Rotation.from_rotvec([[0.0, 0.0, np.radians(1.0)]]).as_matrix()
    assert abs(absolute_trajectory_error(in_gauge(wrong, GAUGE), truth) / (0.01 * np.sqrt(3)) - 1.0) < 0.1
    assert rotation_error_deg(wrong, truth) < 1.01


def test_pixels_go_there_and_back_through_distortion() -> None:
    pixels = np.random.default_rng(3).uniform([0, 0], [640, 360], (40, 2))
    brown = (-0.15, 0.02, 1e-3, -5e-4)
    assert np.allclose(project(unproject(pixels, np.full(40, 3.0), K, brown), K, brown), pixels, atol=1e-6)


def test_truth_points_move_by_what_the_focal_length_is_off() -> None:
    truth = path()
    depth = 4.0 + np.random.default_rng(4).random((360, 640))

    def depth_of(_index: int) -> Array:
        return depth

    lens = Lens(np.broadcast_to(K, (20, 3, 3)))
    right = dict(enumerate(in_gauge(truth, GAUGE)))
    score = score_camera(right, lens, truth, lens, depth_of)
    assert (score.solved, score.frames) == (20, 20)
    assert score.ate_percent < 1e-6
    assert score.points_px < 1e-3
    assert score.focal_percent < 1e-9
    wider = K.copy()
    wider[0, 0] = wider[1, 1] = 520.0
    off = score_camera(right, Lens(np.broadcast_to(wider, (20, 3, 3))), truth, lens, depth_of)
    assert abs(off.focal_percent - 4.0) < 1e-6
    assert 0.5 < off.points_px < 10.0


def test_path_length_is_the_sum_of_steps() -> None:
    assert path_length(np.array([[0.0, 0, 0], [3, 4, 0], [3, 4, 2]])) == 7.0
