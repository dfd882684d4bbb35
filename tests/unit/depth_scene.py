"""A room with exact depth for the depth tests: floor, wall, a box before it; and maps of it with an engine's faults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from backend.depth.frame import SKY, FrameDepth
from backend.depth.poses import Pose
from backend.mvs.views import View

SIZE = (72, 112)
K = np.array([[100.0, 0.0, 56.0], [0.0, 100.0, 36.0], [0.0, 0.0, 1.0]])
EYE, WALL, BOX, HALF = 1.5, 7.0, 4.0, 0.8
"""Camera height over the floor, distances of wall and box front, half the box's width; units of the world."""

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Room:
    """The camera goes sideways past a box that stands on the floor before a wall; above the wall is sky."""

    frames: int = 13
    step: float = 0.08

    def pose(self, index: int) -> Pose:
        """World: z up, x right, y ahead; camera at height `EYE`, level."""
        pose = np.eye(4)
        pose[:3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
        pose[:3, 3] = [self.step * (index - self.frames // 2), 0.0, EYE]
        return Pose(index + 1, K, pose, SIZE)

    def poses(self) -> list[Pose | None]:
        return [self.pose(i) for i in range(self.frames)]

    def truth(self, index: int) -> Image:
        """Planar depth [H, W]; 1e10 sky."""
        x, y = self._rays()
        left = self.pose(index).world_from_camera[0, 3]
        floor = np.where(y > 1e-9, EYE / np.maximum(y, 1e-9), np.inf)
        wall = np.where(EYE - y * WALL < 3.2, WALL, np.inf)
        box = (np.abs(left + x * BOX) < HALF) & (EYE - y * BOX < 1.4)
        depth = np.where(box, np.minimum(BOX, floor), np.minimum(floor, wall))
        return np.where(np.isfinite(depth), depth, SKY).astype(np.float32)

    def gray(self, index: int) -> Image:
        """Every surface has its shade, with some texture and grain."""
        depth = self.truth(index)
        x, y = self._rays()
        shade = np.select([depth >= SKY, np.isclose(depth, WALL), np.isclose(depth, BOX)], [0.9, 0.6, 0.2], 0.4)
        left = self.pose(index).world_from_camera[0, 3]
        texture = 0.03 * np.sin(9.0 * (left + x * np.minimum(depth, 10.0)) + 7.0 * y)
        grain = 0.005 * np.random.default_rng(index).standard_normal(SIZE)
        return (shade + texture + grain).astype(np.float32)

    def view(self, index: int) -> View:
        pose = self.pose(index)
        return View(
            pose.number, torch.from_numpy(self.gray(index)), torch.ones(SIZE), pose.K, pose.world_from_camera
        )  # fmt: skip

    @staticmethod
    def _rays() -> tuple[Image, Image]:
        y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32) + 0.5
        return (x - K[0, 2]) / K[0, 0], (y - K[1, 2]) / K[1, 1]


def stereo_like(truth: Image, number: int, noise: float = 0.006) -> FrameDepth:
    """A stereo engine's map: noise that is alike over some px, holes with low confidence, outliers with high one."""
    rng = np.random.default_rng(number)
    wave = _smooth(rng, 3) * noise + 0.3 * noise * rng.standard_normal(SIZE)
    depth = np.where(truth >= SKY, truth, truth * (1.0 + wave))
    depth = np.where(_smooth(rng, 4) > 1.9, depth * 1.3, depth)
    hole = _smooth(rng, 9) > 1.6
    depth = np.where(hole, 5.0, depth)
    return FrameDepth(number, depth.astype(np.float32), np.where(hole, 0.1, 0.8).astype(np.float32))


def network_like(truth: Image, number: int) -> FrameDepth:
    """A network's map: no holes, but waves of some percent, other ones in every frame, and a scale of its own."""
    rng = np.random.default_rng(number)
    wave = 0.03 * _smooth(rng, 30) + 0.01 * rng.standard_normal()
    depth = np.where(truth >= SKY, truth, truth * (1.0 + wave))
    return FrameDepth(number, depth.astype(np.float32), np.full(SIZE, 0.8, np.float32))


def _smooth(rng: np.random.Generator, length: int) -> Image:
    """Noise [H, W] of standard deviation 1 that is alike over `length` px."""
    coarse = torch.from_numpy(rng.standard_normal((1, 1, SIZE[0] // length + 2, SIZE[1] // length + 2)))
    fine = torch.nn.functional.interpolate(coarse, size=SIZE, mode="bicubic", align_corners=True)[0, 0].numpy()
    return np.asarray(fine / fine.std(), np.float32)
