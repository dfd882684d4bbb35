"""Finds a surface in a point cloud on which a test object can stand. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TRIES = 600
TILT_COSINE = 0.85
"""How near the surface's normal must be to the cameras' up."""


@dataclass(frozen=True)
class Support:
    """frame: [4,4] world matrix with its origin on the surface and z along its normal. distance: from the
    middle camera to that origin. inliers: how many points agree."""

    frame: Array
    distance: float
    inliers: int


def find_support(points: Array, cameras: Array, *, seed: int) -> Support:
    """The floor-like plane with the most points (RANSAC; Fischler and Bolles 1981), and the place on it that
    the whole clip sees best.

    points: [N,3] world. cameras: [T,4,4] world matrices, Blender's axes (y up, -z forward).
    """
    middle = cameras[len(cameras) // 2]
    up = cameras[:, :3, 1].mean(0)
    up /= np.linalg.norm(up)
    depth = np.linalg.norm(points - middle[:3, 3], axis=1)
    tolerance = 0.006 * float(np.median(depth))
    normal, offset, inliers = _best_plane(points, up, tolerance, np.random.default_rng(seed))
    place = _best_seen(points[inliers], middle)
    place = place - normal * (place @ normal - offset)
    frame = np.eye(4)
    across = middle[:3, 0] - normal * (middle[:3, 0] @ normal)
    frame[:3, 0] = across / np.linalg.norm(across)
    frame[:3, 1] = np.cross(normal, frame[:3, 0])
    frame[:3, 2], frame[:3, 3] = normal, place
    return Support(frame, float(np.linalg.norm(place - middle[:3, 3])), int(inliers.sum()))


def _best_plane(points: Array, up: Array, tolerance: float, chance: np.random.Generator) -> tuple[Array, float, NDArray[np.bool_]]:
    """(unit normal, offset, inliers) of the plane normal . x = offset; the horizontal through the lowest points
    when no three points make a floor-like one."""
    best = np.abs(points @ up - np.quantile(points @ up, 0.05)) < tolerance
    normal, offset = up, float(np.quantile(points @ up, 0.05))
    for _ in range(TRIES):
        a, b, c = points[chance.choice(len(points), 3, replace=False)]
        candidate = np.cross(b - a, c - a)
        length = np.linalg.norm(candidate)
        if length < 1e-12:
            continue
        candidate = candidate / length * (1.0 if candidate @ up > 0 else -1.0)
        if candidate @ up < TILT_COSINE:
            continue
        inside = np.abs((points - a) @ candidate) < tolerance
        if inside.sum() > best.sum():
            best, normal, offset = inside, candidate, float(a @ candidate)
    if best.sum() >= 3:
        centre = points[best].mean(0)
        refined = np.linalg.svd(points[best] - centre, full_matrices=False)[2][2]
        normal = refined if refined @ up > 0 else -refined
        offset = float(centre @ normal)
    return normal, offset, best


def _best_seen(points: Array, camera: Array) -> Array:
    """The densest place near the middle of the view, so that the object stays in the picture."""
    local = (points - camera[:3, 3]) @ camera[:3, :3]
    ahead = np.maximum(-local[:, 2], 1e-9)
    aside = np.abs(local[:, 0] / ahead) + 0.5 * np.abs(local[:, 1] / ahead)
    near = points[np.argsort(aside)[: max(3, len(points) // 6)]]
    return np.asarray(np.median(near, axis=0), np.float64)
