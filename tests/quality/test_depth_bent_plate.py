"""The whole depth stage on a plate that a lens bends: measured depth must be right in the plate's own pixels, corners
too, and in the scale of the solve."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from backend.depth.outputs import read_depth, read_grey
from shared.depth_meta import read_depth_meta
from shared.shot import ShotFolder
from tests.blender.synthetic_shot import ShotPlan, Truth, distort, write_png
from tests.unit.depth_shot import run_depth, shot_with_floor

Floats = NDArray[np.float64]

K1 = -0.12
PLAN = ShotPlan(width=224, height=126, count=9, focal_px=(190.0, 190.0), distortion=(K1, 0.0, 0.0, 0.0), plate=False,
                points=300, travel=1.2)  # fmt: skip
WALL = 1.5
"""y of a wall that stands on the floor z = 0."""

ABS_REL, WITHIN_3_PERCENT, MEASURED = 0.008, 0.93, 0.9
"""All that misses by more lies in the crease between floor and wall, which windows round off: 7 of 126 rows."""


def rays_of(truth: Truth, index: int) -> Floats:
    """[H, W, 3]: x / z, y / z, 1 of the ray through every pixel centre of the bent plate, by fixed-point iteration."""
    fx, fy, cx, cy = truth.k[index]
    u, v = np.meshgrid(np.arange(PLAN.width) + 0.5, np.arange(PLAN.height) + 0.5)
    bent_x, bent_y = (u - cx) / fx, (v - cy) / fy
    x, y = bent_x, bent_y
    for _ in range(60):
        off_x, off_y = distort(x, y, PLAN.distortion)
        x, y = x + bent_x - off_x, y + bent_y - off_y
    return np.stack((x, y, np.ones_like(x)), -1)


def rendered(truth: Truth, index: int, texture: NDArray[np.uint8]) -> tuple[Floats, NDArray[np.uint8]]:
    """Planar depth and picture of a floor and a wall, exact at every pixel centre."""
    pose = truth.poses[index]
    ways, eye = rays_of(truth, index) @ pose[:3, :3].T, pose[:3, 3]
    wall = (WALL - eye[1]) / ways[..., 1]
    floor = np.where(ways[..., 2] < -1e-6, -eye[2] / np.minimum(ways[..., 2], -1e-6), np.inf)
    depth = np.minimum(wall, floor)
    place = eye + ways * depth[..., None]
    across, along = place[..., 0], np.where(floor < wall, place[..., 1], 10.0 + place[..., 2])
    at = np.dstack((across, along)).astype(np.float32) * 60.0 % 1000.0
    remap = cv2.remap
    grey = remap(texture, at, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)
    noise = np.random.default_rng(index).normal(0.0, 2.0, grey.shape)
    return depth, np.clip(grey + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, Floats]]:
    """The shot's folder, and the truth of its frames."""
    root = tmp_path_factory.mktemp("bent")
    truth = shot_with_floor(root, PLAN)
    random = np.random.default_rng(0)
    sizes = (64, 160, 400, 1000)
    layers = [cv2.resize(random.uniform(0, 255, (n, n)).astype(np.float32), (1000, 1000)) for n in sizes]
    texture = np.clip(np.mean(layers, 0) * 1.8 - 100.0, 0, 255).astype(np.uint8)
    folder = ShotFolder(root)
    folder.frames_dir.mkdir(parents=True)
    depths = {}
    for index, number in enumerate(truth.frames.tolist()):
        depths[number], grey = rendered(truth, index, texture)
        write_png(folder.frame_path(number), np.repeat(grey[..., None], 3, 2))
    xyz = truth.xyz[(truth.xyz[:, 2] == 0.0) & (truth.xyz[:, 1] < WALL)]
    np.savez(folder.cloud, xyz=xyz, error=np.full(len(xyz), 0.2, np.float32))
    return root, depths


def test_measured_depth_is_right_up_to_the_corners(shot: tuple[Path, dict[int, Floats]]) -> None:
    root, depths = shot
    result, _ = run_depth(root, engine="auto", iterations=1, frame_start=1004, frame_end=1006)
    meta = read_depth_meta(root)
    assert result.engine == "mvs" and meta.frames == (1004, 1005, 1006) and meta.scale == "solve"
    y, x = np.mgrid[: PLAN.height, : PLAN.width]
    out = np.hypot(x - PLAN.width / 2, y - PLAN.height / 2) / np.hypot(PLAN.width / 2, PLAN.height / 2)
    for number in meta.frames:
        found, sure = (
            read_depth(root / f"depth/frame_{number}.exr"),
            read_grey(root / f"depth/confidence/frame_{number}.png"),
        )
        error = np.abs(found / depths[number] - 1.0)
        use = sure >= 128
        assert use.mean() > MEASURED, number
        assert error[use].mean() < ABS_REL and (error[use] < 0.03).mean() > WITHIN_3_PERCENT, number
        for ring in (out < 0.5, (out >= 0.5) & (out < 0.8), out >= 0.8):
            assert (use & ring).sum() > 0.6 * ring.sum(), number
            # A lens left out would move the outer ring by several per cent of the depth.
            assert abs(np.median((found / depths[number])[use & ring]) - 1.0) < 0.003, number
