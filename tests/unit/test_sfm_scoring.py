"""The benchmark's scores on cameras whose error is known."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from tests.benchmarks.scoring import (
    Array,
    Lens,
    Sim3,
    absolute_trajectory_error,
    motion_of,
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


def turning(angles_deg: Array) -> Array:
    """A camera on a tripod that pans by these angles."""
    poses = np.tile(np.eye(4), (len(angles_deg), 1, 1))
    poses[:, :3, 3] = (1.0, 2.0, 3.0)
    poses[:, :3, :3] = Rotation.from_euler("y", angles_deg[:, None], degrees=True).as_matrix()
    return poses


def test_what_the_truth_does_is_told_from_its_poses() -> None:
    assert motion_of(path()) == "full"
    assert motion_of(turning(np.linspace(0.0, 20.0, 20))) == "nodal"
    assert motion_of(turning(np.zeros(20))) == "locked"


def test_the_wander_of_a_locked_camera_is_its_largest_turn() -> None:
    truth = turning(np.zeros(21))
    lens = Lens(np.broadcast_to(K, (21, 3, 3)))
    shaken = turning(np.linspace(-0.05, 0.05, 21))  # mean 0, ends 0.05 degrees away
    depth = 4.0 + np.random.default_rng(4).random((360, 640))
    still = score_camera(dict(enumerate(in_gauge(truth, GAUGE))), lens, truth, lens, lambda _t: depth)
    assert still.wander_deg < 1e-5
    assert still.points_px < 1e-3
    assert np.isnan(still.ate_percent)
    score = score_camera(dict(enumerate(in_gauge(shaken, GAUGE))), lens, truth, lens, lambda _t: depth)
    assert abs(score.wander_deg - 0.05) < 1e-3
    assert abs(score.points_px - 500.0 * np.radians(0.05) * 11.0 / 21.0) < 0.1


def test_a_zoom_is_scored_frame_by_frame() -> None:
    truth = path()
    right, solved = np.tile(K, (20, 1, 1)), np.tile(K, (20, 1, 1))
    right[:, 0, 0] = right[:, 1, 1] = np.linspace(400.0, 800.0, 20)
    solved[:] = right
    solved[5, 0, 0] *= 1.1
    score = score_camera(dict(enumerate(truth)), Lens(solved), truth, Lens(right))
    assert abs(score.focal_max_percent - 10.0) < 1e-9
    assert abs(score.focal_percent - 0.5) < 1e-9


def test_distortion_is_scored_by_k1_and_in_the_undistorted_plate() -> None:
    truth = path()
    depth = 4.0 + np.random.default_rng(4).random((360, 640))
    bent = Lens(np.broadcast_to(K, (20, 3, 3)), (-0.1, 0.0, 0.0, 0.0))
    right = score_camera(dict(enumerate(truth)), bent, truth, bent, lambda _t: depth)
    assert right.k1_percent < 1e-9
    assert right.undistorted_px < 1e-3
    less = Lens(bent.K, (-0.09, 0.0, 0.0, 0.0))
    off = score_camera(dict(enumerate(truth)), less, truth, bent, lambda _t: depth)
    assert abs(off.k1_percent - 10.0) < 1e-6
    assert 0.1 < off.undistorted_px < 1.0


def test_points_on_what_moves_are_not_scored() -> None:
    truth = path()
    lens = Lens(np.broadcast_to(K, (20, 3, 3)))
    depth = np.full((360, 640), 5.0)
    depth[:, 320:] = 1.0  # wrong: somebody stands there now
    wrong = depth.copy()

    def moving(_index: int) -> np.ndarray:
        return np.arange(640)[None, :].repeat(360, 0) >= 320

    solved = dict(enumerate(in_gauge(truth, GAUGE)))
    noisy = {t: pose @ _nudge(t) for t, pose in solved.items()}
    masked = score_camera(noisy, lens, truth, lens, lambda _t: wrong, moving)
    whole = score_camera(noisy, lens, truth, lens, lambda _t: wrong)
    assert masked.points_px < 0.7 * whole.points_px


def _nudge(t: int) -> Array:
    """A place error that matters more for what is near."""
    pose = np.eye(4)
    pose[0, 3] = 0.05 * (-1.0) ** t
    return pose
