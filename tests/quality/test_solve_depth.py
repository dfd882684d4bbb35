"""A shot with hardly any parallax, rendered, with and without depth maps as a network would make them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from backend.sfm.depth_sampling import sampled
from backend.sfm.result import CameraSolve
from backend.sfm.settings import SfmSettings
from backend.sfm.solver import solve
from tests.benchmarks.scoring import umeyama
from tests.quality.synthetic_set import Footage, courtyard, intrinsics, look, render

Array = NDArray[np.float64]
SIZE, FRAMES, FOCAL = (384, 216), 16, 330.0


@dataclass(frozen=True)
class NoisyDepth:
    """The true depth times a smooth error of about a tenth, the same in all frames, a little of each frame's own, and a
    scale of each frame's own."""

    planes: list[Any]
    footage: Footage
    shared_scale: bool = False

    def depth(self, index: int) -> NDArray[np.float32] | None:
        rng = np.random.default_rng(index)
        exact = true_depth(self.planes, self.footage.poses[index], self.footage.K)
        always = smooth_noise(np.random.default_rng(99), 0.08)
        error = np.exp(always + smooth_noise(rng, 0.04) + rng.normal(0.0, 0.3))
        return (exact * error).astype(np.float32)


def smooth_noise(rng: np.random.Generator, sd: float) -> Array:
    coarse = rng.normal(0.0, sd, (6, 10)).astype(np.float32)
    return cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC).astype(np.float64)


def true_depth(planes: list[Any], pose: Array, K: Array) -> Array:
    """Planar z [H, W], 0 where nothing is."""
    v, u = np.mgrid[0 : SIZE[1], 0 : SIZE[0]] + 0.5
    rays = np.stack([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], np.ones_like(u)], -1) @ pose[:3, :3].T
    nearest = np.full(u.shape, np.inf)
    for plane in planes:
        axes = np.linalg.inv(np.stack([plane.along, plane.across, np.cross(plane.along, plane.across)], 1))
        start, step = axes @ (pose[:3, 3] - plane.corner), rays @ axes.T
        depth = -start[2] / np.where(np.abs(step[..., 2]) < 1e-12, 1e-12, step[..., 2])
        a, b = start[0] + depth * step[..., 0], start[1] + depth * step[..., 1]
        hit = (depth > 0) & (a >= 0) & (a < 1) & (b >= 0) & (b < 1) & (depth < nearest)
        nearest[hit] = depth[hit]
    return np.where(np.isfinite(nearest), nearest, 0.0)


def clip(travel: float, seed: int) -> tuple[list[Any], Footage]:
    """A camera that moves forwards by `travel` metres, a little sideways, and pans by four degrees."""
    rng = np.random.default_rng(seed)
    planes = courtyard(rng)
    s = np.linspace(0.0, 1.0, FRAMES)
    eyes = np.stack([-0.8 + 0.4 * travel * s, -2.0 + travel * s, 1.6 + 0.1 * travel * np.sin(3 * s)], 1)
    targets = np.stack([-0.3 + 0.5 * s, np.full(FRAMES, 5.5), 1.0 + 0.1 * s], 1)
    poses = np.stack([look(eye, target) for eye, target in zip(eyes, targets, strict=True)])
    return planes, render(planes, poses, intrinsics(FOCAL, *SIZE), SIZE, rng)


def errors(solved: CameraSolve, footage: Footage, planes: list[Any]) -> tuple[float, float]:
    """ATE in percent of the path; median error of the points' depths in proportion, after the best scale."""
    found = np.stack([frame.world_from_camera[:3, 3] for frame in solved.frames])
    truth = footage.poses[:, :3, 3]
    left = umeyama(found, truth).points(found) - truth
    path = float(np.linalg.norm(np.diff(truth, axis=0), axis=1).sum())
    pose = np.asarray(solved.frames[0].world_from_camera)
    camera = (solved.cloud.xyz - pose[:3, 3]) @ pose[:3, :3]
    pixel = camera[:, :2] / camera[:, 2:] * solved.lens.focal + np.array(SIZE) / 2
    at = np.floor(pixel).astype(int)
    inside = (camera[:, 2] > 0) & (at >= 0).all(1) & (at < SIZE).all(1)
    exact = true_depth(planes, footage.poses[0], footage.K)[at[inside, 1], at[inside, 0]]
    apart = np.log(camera[inside, 2][exact > 0] / exact[exact > 0])
    return 100.0 * float(np.sqrt((left**2).sum(1).mean())) / path, float(np.median(np.abs(apart - np.median(apart))))


def solved(travel: float, *, held: bool) -> tuple[CameraSolve, tuple[float, float]]:
    planes, footage = clip(travel, 2)
    depths = NoisyDepth(planes, footage) if held else None
    settings = SfmSettings(quality="low", focal_px=FOCAL, fix_focal=True, find_movers=False, depths=depths)
    found = solve(footage, settings)
    assert found.solved == FRAMES
    return found, errors(found, footage, planes)


def test_depth_maps_hold_a_shot_that_rays_do_not() -> None:
    """Five centimetres of travel before things five metres away."""
    _, bare = solved(0.05, held=False)
    found, held = solved(0.05, held=True)
    assert any("depth maps hold" in notice for notice in found.notices)
    assert held[0] < 0.5 * bare[0] and held[0] < 0.6
    assert held[1] < 0.65 * bare[1] and held[1] < 0.025


def test_depth_maps_leave_a_shot_with_parallax_alone() -> None:
    _, bare = solved(1.2, held=False)
    _, held = solved(1.2, held=True)
    assert held[0] < 1.2 * bare[0] + 0.01
    assert held[1] < 1.2 * bare[1] + 0.001


@pytest.mark.parametrize(("x", "expected"), [(2.5, 4.0), (10.5, 8.0), (6.9, 0.0), (0.4, 0.0), (15.9, 0.0), (20.0, 0.0)])
def test_depths_are_taken_away_from_edges(x: float, expected: float) -> None:
    picture = np.full((8, 16), 4.0, np.float32)
    picture[:, 7:] = 8.0
    assert sampled(picture, np.array([[x, 4.5]]))[0] == expected
    picture[4, :] = 1e10
    assert sampled(picture, np.array([[x, 4.5]]))[0] == 0.0
