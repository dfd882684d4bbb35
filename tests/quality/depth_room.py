"""A room of planes and balls with exact depth, and a "network" that returns it wrongly scaled, shifted and noisy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.depth.poses import Pose
from backend.depth_learned.maps import METRIC, Map, Picture, RawMap
from backend.depth_learned.settings import Pictures
from backend.depth_learned.sparse import SparsePoints

Floats = NDArray[np.float64]

SIZE = (108, 192)
_FOCAL = 170.0
_BALLS = ((0.3, 3.2, 0.8, 0.8), (-1.2, 4.5, 0.6, 0.6), (1.9, 6.0, 1.2, 1.2))
"""x, y, z, radius; the floor is z = 0, the wall y = 9, the cameras look along +y."""


def pose(number: int, x: float, y: float = 0.0) -> Pose:
    K = np.array([[_FOCAL, 0, SIZE[1] / 2], [0, _FOCAL, SIZE[0] / 2], [0, 0, 1.0]])
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float)
    world_from_camera[:3, 3] = (x, y, 1.4)
    return Pose(number, K, world_from_camera, SIZE)


def render(camera: Pose) -> tuple[Floats, Picture]:
    """Planar depth [H, W] and an RGB picture whose texture sticks to the surfaces."""
    v, u = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    K = camera.K
    rays = np.stack([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], np.ones_like(u)], -1)
    way, eye = rays @ camera.world_from_camera[:3, :3].T, camera.world_from_camera[:3, 3]
    depth = (9.0 - eye[1]) / way[..., 1]
    with np.errstate(divide="ignore"):
        floor = np.where(way[..., 2] < 0, -eye[2] / way[..., 2], np.inf)
    depth = np.minimum(depth, floor)
    for x, y, z, radius in _BALLS:
        away = eye - np.array([x, y, z])
        a, b, c = (way**2).sum(-1), (way * away).sum(-1), away @ away - radius**2
        inside = b * b - a * c
        hit = np.where(inside > 0, (-b - np.sqrt(np.maximum(inside, 0))) / a, np.inf)
        depth = np.minimum(depth, np.where(hit > 0, hit, np.inf))
    place = eye + way * depth[..., None]
    ways = np.array([[3.1, 1.2, 0.9], [1.9, 4.7, 1.9], [2.9, 2.9, 7.3], [11.0, 3.0, 5.0]])
    wave = np.sin(place @ ways.T + np.arange(4)).sum(-1)
    gray = np.clip(127 + 28 * wave, 0, 255).astype(np.uint8)
    return depth, np.repeat(gray[..., None], 3, 2)


@dataclass
class Room:
    """Frames of a camera path [T] with true depth, pictures, and points that the frames see, with noise."""

    poses: list[Pose]
    points_per_frame: int = 150
    point_noise: float = 0.005
    wrong: float = 0.1
    seed: int = 0
    depths: list[Floats] = field(init=False)
    shown: list[Picture] = field(init=False)

    def __post_init__(self) -> None:
        views = [render(camera) for camera in self.poses]
        self.depths = [depth for depth, _ in views]
        self.shown = []
        for index, (_, picture) in enumerate(views):
            picture[0, 0] = (index // 256, index % 256, 7)  # by which the "network" knows the frame
            self.shown.append(picture)

    @property
    def pictures(self) -> Pictures:
        return Pictures([camera.number for camera in self.poses], SIZE, lambda index: self.shown[index])

    def points(self, unseen: Sequence[int] = ()) -> SparsePoints:
        """Points of every frame but the unseen indices; some of them at a wildly wrong depth."""
        rng = np.random.default_rng(self.seed)
        xyz: list[Floats] = []
        seen: dict[int, NDArray[np.int64]] = {}
        for index, camera in enumerate(self.poses):
            count = 3 if index in unseen else self.points_per_frame
            row, column = rng.integers(2, SIZE[0] - 2, count), rng.integers(2, SIZE[1] - 2, count)
            depth = self.depths[index][row, column] * np.exp(rng.normal(0, self.point_noise, count))
            astray = rng.random(count) < self.wrong
            depth[astray] *= rng.uniform(0.3, 3.0, int(astray.sum()))
            pixel = np.stack([column + 0.5, row + 0.5, np.ones(count)], 1)
            camera_xyz = pixel @ np.linalg.inv(camera.K).T * depth[:, None]
            seen[camera.number] = np.arange(count) + sum(map(len, xyz))
            xyz.append(camera_xyz @ camera.world_from_camera[:3, :3].T + camera.world_from_camera[:3, 3])
        return SparsePoints(np.concatenate(xyz), np.full(sum(map(len, xyz)), 0.01), seen)


class Scene(Protocol):
    """Frames whose depth [H, W] is known, by index."""

    @property
    def depths(self) -> Sequence[Floats]: ...


@dataclass
class WrongTruth:
    """Implements `DepthModel`: true inverse depth is scale[t] * x + shift[t] of its relative maps x; its metric maps
    are the true depth over scale[t]. Noise, as a share of the depth: `white` of each pixel, `regions` over regions."""

    room: Scene
    kind: str
    scale: Floats
    shift: Floats
    white: float = 0.02
    regions: float = 0.03
    name: str = "wrong-truth"
    batch: int = 4
    asked: int = 0

    def predict(self, pictures: Sequence[Picture]) -> list[RawMap]:
        self.asked += len(pictures)
        return [self._map(int(picture[0, 0, 0]) * 256 + int(picture[0, 0, 1])) for picture in pictures]

    def clean(self, index: int) -> Floats:
        """Inverse depth [H, W] as its maps would say without noise."""
        if self.kind == METRIC:
            return np.asarray(self.scale[index] / self.room.depths[index])
        return np.asarray((1.0 / self.room.depths[index] - self.shift[index]) / self.scale[index])

    def _map(self, index: int) -> RawMap:
        rng = np.random.default_rng([index, 5])
        height, width = self.room.depths[index].shape
        patches = cv2.resize(rng.normal(0, 1, (5, 8)), (width, height), interpolation=cv2.INTER_CUBIC)
        noise = np.exp(self.regions * patches + self.white * rng.normal(0, 1, (height, width)))
        depth = self.room.depths[index] * noise
        if self.kind == METRIC:
            return RawMap((depth / self.scale[index]).astype(np.float32))
        return RawMap(((1.0 / depth - self.shift[index]) / self.scale[index]).astype(np.float32))

    def resized(self, raw: RawMap, size: tuple[int, int], focal_px: float | None = None) -> Map:
        return np.asarray(cv2.resize(raw.values, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
