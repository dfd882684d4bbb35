"""Points from rays: all tracks at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .frames import Flags, Floats, Indices
from .scene import Scene
from .spans import directions, only_in_one
from .tracks import Tracks

_HELD_SLACK = 10.0
"""How many times the error of other tracks a held one may have and still be a point."""


def triangulate(scene: Scene, tracks: Tracks, *, wanted: Flags, least_angle_deg: float, most_error_px: float) -> Scene:
    """The scene with the tracks `wanted` [T] as points where their rays agree.

    The point nearest to all rays in the least-squares sense, reweighted three times so that a stray ray does
    not pull it (IRLS). A point becomes known when its rays span `least_angle_deg`, it lies in front of
    every camera that sees it, and its median error is below `most_error_px`; otherwise it becomes unknown. What only
    one span of a camera that does not travel sees needs no angle: it is a direction (spans.py).
    """
    use = wanted[tracks.track] & scene.posed[tracks.frame]
    track, frame = tracks.track[use], tracks.frame[use]
    if not len(track):
        return scene
    numbers, row = np.unique(track, return_inverse=True)
    rays = scene.world_rays(tracks.xy[use], frame)
    centre = scene.centres[frame]
    points = _nearest(row, len(numbers), rays, centre)
    angle = ray_spread(row, len(numbers), rays)
    far = _as_directions(scene, points, rays, centre, frame, row)
    known, placed, distant = scene.known.copy(), scene.points.copy(), scene.far.copy()
    placed[numbers], distant[numbers] = points, far
    moved = replace(scene, points=placed, distant=distant if scene.spans is not None else None)
    most = np.full(len(numbers), most_error_px)
    if tracks.care is not None:
        most[tracks.care.held[numbers]] *= _HELD_SLACK
    good = _consistent(moved, tracks.xy[use], track, frame, row, len(numbers), most)
    known[numbers] = good & ((angle > least_angle_deg) | far) & (np.bincount(row) >= 2)
    return replace(moved, known=known)


def _as_directions(scene: Scene, points: Floats, rays: Floats, centre: Floats, frame: Indices, row: Indices) -> Flags:
    """Moves those of the points [N, 3] that only one span sees onto its sphere, in place, and says which [N]."""
    if scene.spans is None:
        return np.zeros(len(points), bool)
    starts = np.r_[0, np.nonzero(np.diff(row))[0] + 1].astype(np.int64)
    far = only_in_one(scene.spans, frame, starts, row)
    points[far] = (centre[starts] + scene.spans.radius * directions(rays, row, starts))[far]
    return far


def _nearest(row: Indices, count: int, rays: Floats, centre: Floats) -> Floats:
    across = np.eye(3) - rays[:, :, None] * rays[:, None, :]
    weight = np.ones(len(row))
    points = np.zeros((count, 3))
    starts = np.r_[0, np.nonzero(np.diff(row))[0] + 1]
    for _ in range(4):
        left = across * weight[:, None, None]
        matrix = np.add.reduceat(left, starts, axis=0)
        right = np.add.reduceat(np.matmul(left, centre[:, :, None])[:, :, 0], starts, axis=0)
        matrix += 1e-12 * np.trace(matrix, axis1=1, axis2=2)[:, None, None] * np.eye(3)
        points = np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
        away = points[row] - centre
        depth = np.maximum(np.linalg.norm(away, axis=1), 1e-9)
        off = np.linalg.norm(np.matmul(across, away[:, :, None])[:, :, 0], axis=1) / depth
        middle = np.maximum(_group_median(off, row, starts), 1e-5)[row]
        weight = 1.0 / (depth**2 * (1.0 + (off / (3.0 * middle)) ** 2))
    return points


def _group_median(values: Floats, row: Indices, starts: Indices) -> Floats:
    """Lower median of each run of equal `row`."""
    order = np.lexsort((values, row))
    ends = np.r_[starts[1:], len(row)]
    middle: Floats = values[order][(starts + ends - 1) // 2]
    return middle


def ray_spread(row: Indices, count: int, rays: Floats) -> Floats:
    """Angle, degrees, that the rays of each point span: twice the largest distance from their mean."""
    mean = np.zeros((count, 3))
    np.add.at(mean, row, rays)
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    away = np.linalg.norm(rays - mean[row], axis=1)
    widest = np.zeros(count)
    np.maximum.at(widest, row, away)
    return np.degrees(2.0 * widest)


def _consistent(
    scene: Scene, xy: Floats, track: Indices, frame: Indices, row: Indices, count: int, most_px: Floats
) -> Flags:
    camera = scene.camera_points(track, frame)
    in_front = camera[:, 2] > 0
    camera[:, 2] = np.where(in_front, camera[:, 2], 1.0)
    error = np.where(in_front, np.linalg.norm(scene.project(camera, frame) - xy, axis=1), np.inf)
    starts = np.r_[0, np.nonzero(np.diff(row))[0] + 1]
    behind = np.bincount(row, ~in_front, minlength=count)
    good: Flags = (_group_median(error, row, starts) < most_px) & (behind == 0)
    return good
