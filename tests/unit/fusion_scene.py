"""A ball on a floor before a wall, seen from an arc: depth by ray casting, exact, with noise on request."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.depth.poses import Pose
from backend.fusion.shapes import FusionFrame

Array = NDArray[np.float64]

BALL, RADIUS = np.array([0.0, 0.0, 0.5]), 0.5
WALL = 2.0
"""y of the wall; the floor is z = 0."""
COLOURS = np.array([[200, 40, 40], [60, 160, 60], [40, 60, 200]], np.uint8)
"""Of ball, floor and wall."""


def pose(index: int, count: int, size: tuple[int, int] = (96, 128)) -> Pose:
    """A camera 3 m from the ball, 60 degrees of arc over the clip."""
    angle = np.radians(-30.0 + 60.0 * index / max(count - 1, 1))
    centre = np.array([3.0 * np.sin(angle), -3.0 * np.cos(angle), 1.4])
    forward = (BALL - centre) / np.linalg.norm(BALL - centre)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
    matrix[:3, 3] = centre
    height, width = size
    K = np.array([[width, 0.0, width / 2], [0.0, width, height / 2], [0.0, 0.0, 1.0]])
    return Pose(index + 1, K, matrix, size)


def seen(at: Pose) -> tuple[Array, NDArray[np.int64]]:
    """Planar depth [H, W], inf for the sky above the wall (2 m high), and what is there: 0 ball, 1 floor, 2 wall."""
    height, width = at.size
    y, x = np.mgrid[:height, :width] + 0.5
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(at.K).T @ at.world_from_camera[:3, :3].T
    centre = at.world_from_camera[:3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        wall = (WALL - centre[1]) / rays[..., 1]
        over = centre[2] + wall * rays[..., 2] > 2.0
        depths = [_ball(rays, centre), -centre[2] / rays[..., 2], np.where(over, np.inf, wall)]
    found = np.stack([np.where(depth > 0, depth, np.inf) for depth in depths])
    return found.min(0), found.argmin(0)


def _ball(rays: Array, centre: Array) -> Array:
    a = (rays * rays).sum(-1)
    b = rays @ (centre - BALL)
    under = b * b - a * ((centre - BALL) @ (centre - BALL) - RADIUS**2)
    return np.asarray(np.where(under > 0, (-b - np.sqrt(np.maximum(under, 0))) / a, np.inf))


def frames(count: int = 6, noise: float = 0.0, size: tuple[int, int] = (96, 128)) -> Iterator[FusionFrame]:
    """noise: relative standard deviation of depth, half of it over patches of 8 px."""
    for index in range(count):
        at = pose(index, count, size)
        depth, what = seen(at)
        rng = np.random.default_rng(index)
        coarse = rng.normal(size=(size[0] // 8, size[1] // 8))
        wrong = 0.7 * rng.normal(size=size) + 0.7 * cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_NEAREST)
        depth = np.where(np.isfinite(depth), depth * (1.0 + noise * wrong), 1e10)
        yield FusionFrame(at, depth.astype(np.float32), np.full(size, 0.8, np.float32), COLOURS[what])


def off_surface(xyz: NDArray[np.floating]) -> Array:
    """Distance [N] of world points from the nearest of ball, floor and wall."""
    points = np.asarray(xyz, np.float64)
    ball = np.abs(np.linalg.norm(points - BALL, axis=1) - RADIUS)
    return np.asarray(np.minimum(ball, np.minimum(np.abs(points[:, 2]), np.abs(points[:, 1] - WALL))))
