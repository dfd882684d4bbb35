"""The motion analysis against motions whose numbers are known."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.camera_motion.analysis import analyse_motion, rotation_vector, shake_score
from backend.camera_motion.plot import HEIGHT, WIDTH, draw
from backend.export.camera_track import CameraSample, CameraTrack, PointCloud
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.unit.export_shot import run_export

FPS = Fraction(25)
WALL = PointCloud(
    np.stack((*np.meshgrid(np.linspace(-2, 2, 9), np.linspace(-1, 1, 9)), np.full((9, 9), 4.0)), -1).reshape(-1, 3),
    np.zeros((81, 3), np.uint8),
    np.full(81, 5, np.int32),
)


def track(poses: list[np.ndarray | None]) -> CameraTrack:
    samples = tuple(
        CameraSample(
            n, None if pose is None else tuple(map(tuple, pose.tolist())), "solved", "full", 36.0,
            1000.0, 1000.0, 500.0, 250.0, 0.2, 50,
        )
        for n, pose in enumerate(poses, start=1)
    )  # fmt: skip
    return CameraTrack("camera", samples, tuple(s.frame for s in samples), 1000, 500, 1.0, FPS, 36.0)


def pose(x: float = 0.0, pan_deg: float = 0.0) -> np.ndarray:
    c, s = math.cos(math.radians(pan_deg)), math.sin(math.radians(pan_deg))
    out = np.eye(4)
    out[:3, :3] = ((c, 0, s), (0, 1, 0), (-s, 0, c))
    out[0, 3] = x
    return out


def test_a_steady_dolly() -> None:
    found = analyse_motion(track([pose(x=0.02 * i) for i in range(50)]), WALL)
    assert found.mean_speed == pytest.approx(0.5) and found.peak_speed == pytest.approx(0.5)
    assert max(f.acceleration for f in found.frames if f.acceleration is not None) == pytest.approx(0.0, abs=1e-9)
    assert found.scene.path_length == pytest.approx(0.98)
    assert found.scene.median_depth == pytest.approx(4.0)
    assert found.scene.depth_per_baseline == pytest.approx(4.0 / 0.98)
    assert found.shake_px_rms == pytest.approx(0.0, abs=1e-6) and found.shake_score == 0.0
    assert found.total_turn_deg == pytest.approx(0.0)


def test_an_even_acceleration_and_an_even_pan_are_no_shake() -> None:
    found = analyse_motion(track([pose(x=0.001 * i * i, pan_deg=0.3 * i) for i in range(60)]), WALL)
    assert [f.acceleration for f in found.frames[1:-1]] == pytest.approx([0.002 * 625] * 58)
    assert found.peak_turn_deg == pytest.approx(0.3) and found.total_turn_deg == pytest.approx(0.3 * 59)
    assert found.shake_px_rms is not None and found.shake_px_rms < 0.05


def test_shake_is_told_in_px() -> None:
    """White noise of 0.1 degrees in the pan: 1.745 px at 1000 px focal length, of which the fitted parabola
    takes its share (13 frames: the middle weight of a quadratic smoother is 0.175)."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0.0, 0.1, 400)
    found = analyse_motion(track([pose(x=0.02 * i, pan_deg=noise[i]) for i in range(400)]), WALL)
    expected = 1000 * math.radians(0.1) * math.sqrt(1 - 0.175)
    assert found.shake_px_rms == pytest.approx(expected, rel=0.1)
    sideways = analyse_motion(track([pose(x=noise[i] * 0.1) for i in range(400)]), WALL)
    assert sideways.shake_px_rms == pytest.approx(0.01 * 1000 / 4.0 * math.sqrt(1 - 0.175), rel=0.1)


def test_the_score_grows_with_the_shake_and_stays_in_its_range() -> None:
    scores = [shake_score(px, 1000) for px in (0.0, 0.25, 1.0, 4.0, 25.0, 400.0)]
    assert scores == sorted(scores) and scores[:2] == [0.0, 0.0] and scores[-2:] == [100.0, 100.0]


def test_gaps_are_gaps() -> None:
    poses: list[np.ndarray | None] = [pose(x=0.02 * i) for i in range(30)]
    poses[10] = poses[11] = None
    found = analyse_motion(track(poses), WALL)
    assert found.frames_without_pose == (11, 12)
    assert [f.speed is None for f in found.frames[8:14]] == [False, True, True, True, False, False]
    assert found.peak_speed == pytest.approx(0.5)
    assert found.frames[10].shake_px is None and found.shake_px_rms == pytest.approx(0.0, abs=1e-6)


def test_few_frames_and_no_points() -> None:
    none = PointCloud(np.zeros((0, 3)), np.zeros((0, 3), np.uint8), np.zeros(0, np.int32))
    found = analyse_motion(track([pose(), None, pose(x=1.0)]), none)
    assert found.shake_score is None and found.mean_speed is None and found.scene.median_depth is None
    assert draw(found).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 0.3, 3.0, math.pi - 1e-6])
def test_rotation_vectors(angle: float) -> None:
    c, s = math.cos(angle), math.sin(angle)
    assert rotation_vector(np.array(((1, 0, 0), (0, c, -s), (0, s, c)))) == pytest.approx((angle, 0, 0), abs=1e-9)


def test_the_report_in_the_shot(tmp_path: Path) -> None:
    write_shot(tmp_path, ShotPlan(plate=False, failed=(1004,)))
    run_export(tmp_path, formats="analysis")
    found = json.loads((tmp_path / "camera/analysis.json").read_text())
    assert found["frames"][3]["position"] is None and found["frames_without_pose"] == [1004]
    assert found["fps"] == "24000/1001" and found["scene"]["median_depth"] > 0
    picture = cv2.imread(str(tmp_path / "camera/analysis.png"))
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert (np.abs(picture.astype(int) - (180, 90, 20)).max(axis=2) == 0).sum() > 500, "there are curves in it"
