"""A world to put the solve in. Structure from motion knows no up, no scale and no origin: these are guesses
that make the scene handy, and the files say so (`up_source: none`, `units: arbitrary`)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .frames import Floats
from .scene import Scene

MEDIAN_DEPTH = 5.0
"""The median distance from cameras to points in the world, in its arbitrary units."""


def handy_world(scene: Scene) -> Scene:
    """The scene in a right-handed, z-up world.

    Up: the direction most nearly square to all cameras' x axes (people hold the horizon level, not the
    tilt), on the side of the cameras' mean up. The first camera looks towards +y. Scale: median depth
    MEDIAN_DEPTH, and so is the radius of the sphere of points without a depth when there are no others. Origin: the
    middle of the points, at the height of the lowest twentieth of them; the camera when no point has a depth.
    """
    turn = _upright(scene)
    scale = MEDIAN_DEPTH / _median_depth(scene)
    return moved(scene, scale, turn, -_origin(scene, scale, turn))


def _origin(scene: Scene, scale: float, turn: Floats) -> Floats:
    """The camera itself where it never travels: nothing else has a place."""
    real = scene.known & ~scene.far
    if not real.any():
        return np.asarray(scale * turn @ scene.centres[scene.posed][0])
    points = scale * scene.points[real] @ turn.T
    origin: Floats = np.median(points, axis=0)
    origin[2] = np.quantile(points[:, 2], 0.05)
    return origin


def moved(scene: Scene, scale: float, rotation: Floats, translation: Floats) -> Scene:
    """The scene after x -> scale * rotation @ x + translation of its world."""
    points = scale * scene.points @ rotation.T + translation
    turned = scene.rotation @ rotation.T
    spans = None if scene.spans is None else replace(scene.spans, radius=scale * scene.spans.radius)
    moves = scale * scene.translation - turned @ translation
    return replace(scene, points=points, rotation=turned, translation=moves, spans=spans)


def _upright(scene: Scene) -> Floats:
    cameras = scene.rotation[scene.posed]
    across, down, forward = cameras[:, 0], cameras[:, 1], cameras[:, 2]
    mean_up = -down.mean(0)
    mean_up /= max(float(np.linalg.norm(mean_up)), 1e-12)
    spread = across.T @ across / len(across) - 0.05 * np.outer(mean_up, mean_up)
    up = np.linalg.eigh(spread)[1][:, 0]
    up = up if up @ mean_up >= 0 else -up
    ahead = forward[0] - (forward[0] @ up) * up
    if np.linalg.norm(ahead) < 1e-3:
        ahead = mean_up - (mean_up @ up) * up
    ahead = ahead / np.linalg.norm(ahead)
    return np.stack([np.cross(ahead, up), ahead, up])


def _median_depth(scene: Scene) -> float:
    real = scene.known & ~scene.far
    points, centres = scene.points[real if real.any() else scene.known], scene.centres[scene.posed]
    nearby = centres[:: max(1, len(centres) // 20)]
    away = np.linalg.norm(points[None] - nearby[:, None], axis=2)
    return float(max(np.median(away), 1e-9))
