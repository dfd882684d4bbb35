"""Which solved points a frame sees, and how well the solve knows their depth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from backend.depth.poses import Pose
from backend.depth_learned.sparse import log_depth_sd, read_sparse, samples_of
from shared.camera_files import read_camera
from shared.shot import ShotFolder
from tests.blender.synthetic_shot import ShotPlan, write_shot

PLAN = ShotPlan(width=96, height=54, count=4, focal_px=(90.0, 90.0), points=60)


def test_two_rays_know_a_depth_as_triangulation_does() -> None:
    """Noise of two directions over the angle between them, against a simulation."""
    rng = np.random.default_rng(0)
    centres = {1: np.zeros(3), 2: np.array([0.4, 0.0, 0.0])}
    noise = rng.normal(0, 0.5 / 900.0, (2, 20000))  # half a px at a focal length of 900
    first, second = 1.0 / 8.0 + noise[0], (1.0 - 0.4) / 8.0 + noise[1]
    simulated = float(np.std(np.log(0.4 / (first - second))))
    row, frame = np.zeros(2, np.int64), np.array([1, 2])
    (ours,) = log_depth_sd(np.array([[1.0, 0.0, 8.0]]), np.array([0.5]), row, frame, centres, 900.0)
    assert abs(ours / simulated - 1.0) < 0.1


def test_a_point_that_no_two_frames_see_from_elsewhere_has_no_depth() -> None:
    centres = {1: np.zeros(3), 2: np.zeros(3)}
    row, frame = np.zeros(2, np.int64), np.array([1, 2])
    sd = log_depth_sd(np.array([[0.0, 0.0, 5.0], [1.0, 0.0, 5.0]]), np.array([0.5, 0.5]), row, frame, centres, 900.0)
    assert sd[0] > 1e3 and np.isinf(sd[1])


def test_a_frame_sees_the_points_that_it_tracked(tmp_path: Path) -> None:
    truth = write_shot(tmp_path, PLAN)
    shot, camera = ShotFolder(tmp_path), read_camera(tmp_path)
    stored = dict(np.load(shot.cloud))
    count = len(stored["xyz"])
    far = np.zeros(count, bool)
    far[:5] = True
    np.savez(shot.cloud, **{**stored, "error": np.full(count, 0.3, np.float32), "at_infinity": far})
    numbers = [frame.frame for frame in camera.extrinsics.frames]
    row = np.repeat(np.arange(count), 3)
    frame = np.tile(numbers[:3], count)
    used = np.ones(len(row), bool)
    used[(row == 20) & (frame == numbers[0])] = False
    np.savez(shot.tracks, point=np.arange(count), row=row, frame=frame, used=used)
    points = read_sparse(shot, camera)
    assert len(points) == count - 5 and points.seen is not None
    assert {number: len(rows) for number, rows in points.seen.items()} == {
        numbers[0]: count - 6, numbers[1]: count - 5, numbers[2]: count - 5,
    }  # fmt: skip
    fx, fy, cx, cy = truth.k[1]
    K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    pose = Pose(numbers[1], K, truth.poses[1], (PLAN.height, PLAN.width))
    seen = samples_of(pose, points)
    assert 0 < len(seen.xy) <= count - 5 and (seen.depth > 0).all()
    nobody = samples_of(replace(pose, number=numbers[3]), points)
    assert len(nobody.xy) == 0
    shot.tracks.unlink()
    assert read_sparse(shot, camera).seen is None
    assert len(samples_of(replace(pose, number=numbers[3]), read_sparse(shot, camera)).xy) >= len(seen.xy)
