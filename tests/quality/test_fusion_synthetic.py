"""Fusion of noisy depth maps of a known scene: closer to the truth than any of them, with all of it there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from backend.fusion.fuse import Fused, fuse
from backend.fusion.settings import FusionSettings
from backend.fusion.shapes import FusionFrame
from tests.benchmarks.mesh_scores import spread_points, world_points
from tests.unit.fusion_scene import frames, off_surface, seen

COUNT, SIZE, NOISE = 10, (144, 192), 0.006
AWAY = 3.0
"""Metres from the cameras to the ball."""


def spoiled(frame: FusionFrame) -> FusionFrame:
    """With holes, and with inventions that only one frame sees."""
    rng = np.random.default_rng(100 + frame.pose.number)
    depth, confidence = frame.depth.copy(), frame.confidence.copy()
    confidence[rng.random(depth.shape) < 0.15] = 0.0
    for _ in range(3):
        y, x = rng.integers(0, SIZE[0] - 24), rng.integers(0, SIZE[1] - 24)
        depth[y : y + 24, x : x + 24] *= rng.uniform(0.6, 0.9)
        confidence[y : y + 24, x : x + 24] = 0.6
    return replace(frame, depth=depth, confidence=confidence)


def true_points(frame: FusionFrame) -> np.ndarray:
    depth, _ = seen(frame.pose)
    y, x = np.nonzero(np.isfinite(depth) & (depth < 8.0))
    return world_points(depth, y, x, frame.pose.K, frame.pose.world_from_camera)[0]


@pytest.fixture(scope="module")
def fused() -> Fused:
    return fuse((spoiled(frame) for frame in frames(COUNT, NOISE, SIZE)), FusionSettings(mesh_faces=20_000))


def test_the_noise_is_measured(fused: Fused) -> None:
    assert 0.8 * NOISE < fused.noise < 1.25 * NOISE


def test_the_mesh_is_accurate_and_complete(fused: Fused) -> None:
    assert fused.mesh is not None
    points = spread_points(fused.mesh, 50_000)
    away = np.linalg.norm(points[:, None] - [[0.0, -3.0, 1.4]], axis=2).min(1)
    assert (off_surface(points) < 0.01 * away).mean() > 0.99
    truth = np.concatenate([true_points(frame) for frame in list(frames(COUNT, 0.0, SIZE))[::3]])
    gap, _ = cKDTree(spread_points(fused.mesh, 200_000)).query(truth)
    assert (gap < 0.012 * AWAY).mean() > 0.93


def test_frames_together_are_closer_than_one(fused: Fused) -> None:
    assert fused.cloud is not None
    one = next(frames(1, NOISE, SIZE))
    y, x = np.nonzero(one.depth < 8.0)
    alone = world_points(one.depth.astype(np.float64), y, x, one.pose.K, one.pose.world_from_camera)[0]
    near = fused.cloud.xyz[np.linalg.norm(fused.cloud.xyz, axis=1) < 2.0]
    alone = alone[np.linalg.norm(alone, axis=1) < 2.0]
    assert np.median(off_surface(near)) < 0.35 * np.median(off_surface(alone))


def test_what_one_frame_invented_is_gone(fused: Fused) -> None:
    """The inventions hang 10 to 40 % of the way before the scene."""
    assert fused.cloud is not None
    assert (off_surface(fused.cloud.xyz) > 0.15).mean() < 0.001
