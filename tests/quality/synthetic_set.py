"""A small textured set rendered with numpy, with an exact camera: for solves that must run anywhere in seconds.

Planes with band-limited noise are intersected with every pixel's ray, nearest first, at twice the resolution.
World z up, metres; cameras OpenCV; pixel edges at integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_SUPER = 2


@dataclass(frozen=True)
class Plane:
    """A rectangle: corner, two edges (metres), and its texture uint8 [h, w, 3]."""

    corner: Array
    along: Array
    across: Array
    texture: NDArray[np.uint8]


@dataclass(frozen=True)
class Footage:
    """frames uint8 [H, W, 3] RGB with what a FrameSource offers; poses [N, 4, 4] world_from_camera; K [3, 3]."""

    frames: list[NDArray[np.uint8]]
    poses: Array
    K: Array
    masks: list[NDArray[np.bool_]] | None = None

    @property
    def numbers(self) -> range:
        return range(1001, 1001 + len(self.frames))

    @property
    def width(self) -> int:
        return self.frames[0].shape[1]

    @property
    def height(self) -> int:
        return self.frames[0].shape[0]

    def gray(self, index: int) -> NDArray[np.uint8]:
        return cv2.cvtColor(self.frames[index], cv2.COLOR_RGB2GRAY)

    def rgb(self, index: int) -> NDArray[np.uint8]:
        return self.frames[index]

    def usable(self, index: int) -> NDArray[np.bool_] | None:
        return None if self.masks is None else self.masks[index]


def textured(rng: np.random.Generator, size: int = 512) -> NDArray[np.uint8]:
    """Noise of several octaves, contrasty, of a random tint."""
    total = np.zeros((size, size))
    for cells, weight in ((8, 1.0), (24, 1.0), (64, 1.0), (128, 0.7)):
        coarse = rng.random((cells, cells)).astype(np.float32)
        total += weight * cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    low, high = np.quantile(total, [0.02, 0.98])
    tint = rng.uniform(0.5, 1.0, 3)
    gray = np.clip((total - low) / (high - low) * 220 + 20, 0, 255)
    return (gray[..., None] * tint).astype(np.uint8)


def courtyard(rng: np.random.Generator) -> list[Plane]:
    """A floor, a back wall and boxes' faces at several depths."""

    def plane(corner: tuple[float, ...], along: tuple[float, ...], across: tuple[float, ...]) -> Plane:
        return Plane(np.array(corner), np.array(along), np.array(across), textured(rng))

    planes = [
        plane((-8.0, 0.0, 0.0), (16.0, 0.0, 0.0), (0.0, 10.0, 0.0)),
        plane((-8.0, 9.0, 0.0), (16.0, 0.0, 0.0), (0.0, 0.0, 7.0)),
        plane((-8.0, 0.0, 0.0), (0.0, 9.0, 0.0), (0.0, 0.0, 7.0)),
    ]
    for x, y in ((-2.6, 5.0), (-0.6, 6.5), (1.2, 4.2), (2.8, 6.0)):
        planes.append(plane((x, y, 0.0), (1.1, 0.2, 0.0), (0.0, 0.0, 1.4)))
        planes.append(plane((x, y, 0.0), (-0.2, 0.9, 0.0), (0.0, 0.0, 1.4)))
    return planes


def look(eye: Array, target: Array, roll: float = 0.0) -> Array:
    """world_from_camera [4, 4] at `eye`, looking at `target`, rolled by radians."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([c * right + s * down, c * down - s * right, forward], 1)
    pose[:3, 3] = eye
    return pose


def intrinsics(focal: float, width: int, height: int) -> Array:
    return np.array([[focal, 0.0, width / 2.0], [0.0, focal, height / 2.0], [0.0, 0.0, 1.0]])


def render(
    planes: list[Plane], poses: Array, K: Array, size: tuple[int, int], rng: np.random.Generator,
    *, k1: float = 0.0, grain: float = 2.0,
) -> Footage:  # fmt: skip
    """The planes seen by every pose, size (w, h), with grain of that many grey levels."""
    rays = _rays(K, size, k1)
    frames = []
    for pose in poses:
        picture = _view(planes, pose, rays, (size[0] * _SUPER, size[1] * _SUPER))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float64)
        frames.append(np.clip(small + rng.normal(0.0, grain, small.shape), 0, 255).astype(np.uint8))
    return Footage(frames, poses, K)


def _rays(K: Array, size: tuple[int, int], k1: float) -> Array:
    """Camera-space rays [h, w, 3] of the supersampled pixels."""
    v, u = np.mgrid[0 : size[1] * _SUPER, 0 : size[0] * _SUPER]
    seen = np.stack([((u + 0.5) / _SUPER - K[0, 2]) / K[0, 0], ((v + 0.5) / _SUPER - K[1, 2]) / K[1, 1]], -1)
    ray = seen.copy()
    for _ in range(20 if k1 else 0):
        ray = seen / (1.0 + k1 * (ray**2).sum(-1, keepdims=True))
    return np.concatenate([ray, np.ones((*ray.shape[:2], 1))], -1)


def _view(planes: list[Plane], pose: Array, rays: Array, size: tuple[int, int]) -> NDArray[np.uint8]:
    picture = np.full((size[1], size[0], 3), 90, np.uint8)
    nearest = np.full((size[1], size[0]), np.inf)
    world = rays @ pose[:3, :3].T
    for plane in planes:
        box = _box(plane, pose, rays)
        if box is None:
            continue
        axes = np.linalg.inv(np.stack([plane.along, plane.across, np.cross(plane.along, plane.across)], 1))
        start, step = axes @ (pose[:3, 3] - plane.corner), world[box] @ axes.T
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = -start[2] / step[..., 2]
            a, b = start[0] + depth * step[..., 0], start[1] + depth * step[..., 1]
        hit = (depth > 0) & (a >= 0) & (a < 1) & (b >= 0) & (b < 1) & (depth < nearest[box])
        scale = plane.texture.shape[0] - 1
        colour = cv2.remap(
            plane.texture, (np.where(hit, a, 0) * scale).astype(np.float32),
            (np.where(hit, b, 0) * scale).astype(np.float32), cv2.INTER_LINEAR,
        )  # fmt: skip
        picture[box][hit] = colour[hit]
        nearest[box][hit] = depth[hit]
    return picture


_NEAR = 1e-3
"""Metres before the camera from where on a plane's outline is looked at."""


def _box(plane: Plane, pose: Array, rays: Array) -> tuple[slice, slice] | None:
    """Rows and columns of the picture outside of which the plane cannot be seen: most planes are small."""
    corners = plane.corner + np.stack([0 * plane.along, plane.along, plane.along + plane.across, plane.across])
    seen = (corners - pose[:3, 3]) @ pose[:3, :3]
    outline = [point for point in seen if point[2] >= _NEAR]
    for one, other in zip(seen, np.roll(seen, -1, axis=0), strict=True):
        if (one[2] < _NEAR) != (other[2] < _NEAR):
            outline.append(one + (other - one) * (_NEAR - one[2]) / (other[2] - one[2]))
    if not outline:
        return None
    spread = np.array([point[:2] / point[2] for point in outline])
    (left, top), (right, bottom), x, y = spread.min(0), spread.max(0), rays[..., 0], rays[..., 1]
    within = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
    rows, columns = np.flatnonzero(within.any(axis=1)), np.flatnonzero(within.any(axis=0))
    return (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)) if len(rows) else None
