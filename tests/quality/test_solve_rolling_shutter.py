"""A rendered hand-held shot whose rows were read one after the other."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from backend.sfm.settings import SfmSettings
from backend.sfm.solver import solve
from tests.quality.synthetic_set import _SUPER, Array, Footage, Plane, _rays, courtyard, intrinsics, look
from tests.quality.test_solve_synthetic import ate_percent

SIZE = (480, 270)
K = intrinsics(430.0, *SIZE)
READOUT = 0.5
"""Share of a frame."""


def pose_at(time: float, rng: np.random.Generator) -> Array:
    """A walk sideways with a shaking hand, at any time in frames."""
    rate, phase = rng.uniform(0.3, 0.9, (4, 2)), rng.uniform(0.0, 6.3, (4, 2))
    wave = np.sin(rate * time + phase).sum(1)
    eye = np.array([-1.2 + 0.1 * time, 0.2 + 0.02 * time, 1.5]) + 0.02 * wave[:3]
    target = np.array([0.2 + 0.04 * time, 6.0, 1.0]) + 0.12 * wave[:3]
    return look(eye, target, 0.02 * wave[3])


def row_view(planes: list[Plane], poses: Array, rays: Array) -> NDArray[np.uint8]:
    """The planes as rows [h, w, 3] of rays see them, each from a pose [h, 4, 4] of its own."""
    height, width = rays.shape[:2]
    picture = np.full((height, width, 3), 90, np.uint8)
    nearest = np.full((height, width), np.inf)
    world = np.einsum("hij,hwj->hwi", poses[:, :3, :3], rays)
    for plane in planes:
        axes = np.linalg.inv(np.stack([plane.along, plane.across, np.cross(plane.along, plane.across)], 1))
        start, step = (poses[:, :3, 3] - plane.corner) @ axes.T, world @ axes.T
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = -start[:, None, 2] / step[..., 2]
            a, b = start[:, None, 0] + depth * step[..., 0], start[:, None, 1] + depth * step[..., 1]
        hit = (depth > 0) & (a >= 0) & (a < 1) & (b >= 0) & (b < 1) & (depth < nearest)
        at = [(np.where(hit, v, 0) * (plane.texture.shape[0] - 1)).astype(np.float32) for v in (a, b)]
        picture[hit] = cv2.remap(plane.texture, at[0], at[1], cv2.INTER_LINEAR)[hit]
        nearest = np.where(hit, depth, nearest)
    return picture


@pytest.fixture(scope="module")
def shaken() -> Footage:
    rng = np.random.default_rng(31)
    planes, rays = courtyard(rng), _rays(K, SIZE, 0.0)
    rows = READOUT * ((np.arange(SIZE[1] * _SUPER) + 0.5) / (SIZE[1] * _SUPER) - 0.5)
    frames = []
    for frame in range(24):
        poses = np.stack([pose_at(frame + row, np.random.default_rng(5)) for row in rows])
        small = cv2.resize(row_view(planes, poses, rays), SIZE, interpolation=cv2.INTER_AREA).astype(np.float64)
        frames.append(np.clip(small + rng.normal(0.0, 2.0, small.shape), 0, 255).astype(np.uint8))
    truth = np.stack([pose_at(float(frame), np.random.default_rng(5)) for frame in range(24)])
    return Footage(frames, truth, K)


def test_the_readout_of_a_rendered_shot_is_found(shaken: Footage) -> None:
    quick = SfmSettings(quality="low", fps=25.0)
    plain = ate_percent(solve(shaken, quick), shaken.poses)
    result = solve(shaken, replace(quick, rolling_shutter="auto"))
    assert abs(result.facts["readout_ms"] / (1000.0 / 25.0 * READOUT) - 1.0) < 0.1
    assert plain > 1.0
    assert ate_percent(result, shaken.poses) < 0.3
    assert abs(result.lens.focal / K[0, 0] - 1.0) < 0.01
