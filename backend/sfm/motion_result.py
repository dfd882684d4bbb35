"""What the kind of motion means for the result: labels, poses that are exactly equal, how still the camera stood."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .frames import Floats, Indices
from .lens_jacobians import FreeLens, lens_jacobians
from .refine import Refined
from .result import CameraSolve, FrameSolve
from .rotations import skew
from .scene import Scene
from .tracks import Tracks

if TYPE_CHECKING:
    from .mapping import Mapped

_LEAST_POINTS = 12


def with_motion(result: CameraSolve, refined: Refined, mapped: Mapped) -> CameraSolve:
    """The result with the kind of motion of every frame and what it was chosen by."""
    result = replace(
        result,
        focal_source=mapped.focal_source or result.focal_source,
        motion_evidence={**mapped.evidence, **_stillness(refined)},
    )
    spans = refined.scene.spans
    if spans is None:
        return result
    frames = [replace(frame, motion=kind) for frame, kind in zip(result.frames, spans.kinds, strict=True)]
    for group in spans.groups:
        _share(frames, group, slice(3, 4))
    for group in spans.poses:
        _share(frames, group, slice(0, 4))
    return replace(result, frames=tuple(frames))


def _share(frames: list[FrameSolve], group: Indices, columns: slice) -> None:
    """Gives all frames of a group the first one's centre or pose, bit by bit: sums of rounded numbers differ."""
    first: Floats | None = None
    for index in group.tolist():
        pose = frames[index].world_from_camera
        if pose is None:
            continue
        if first is None:
            first = pose
        shared = pose.copy()
        shared[:, columns] = first[:, columns]
        frames[index] = replace(frames[index], world_from_camera=shared)


def _stillness(refined: Refined) -> dict[str, object]:
    """How much, degrees, the frames of locked parts would turn if each were free to: the noise of the pose."""
    scene = refined.scene
    if scene.spans is None or not len(scene.spans.poses):
        return {}
    locked = np.concatenate(scene.spans.poses)
    wander = [frame_wander_deg(scene, refined.tracks, int(frame)) for frame in locked]
    known = np.array([value for value in wander if value is not None])
    if not len(known):
        return {}
    return {
        "locked_noise_deg": round(float(np.sqrt((known**2).mean())), 5),
        "locked_noise_max_deg": round(float(known.max()), 5),
    }


def frame_wander_deg(scene: Scene, tracks: Tracks, frame: int) -> float | None:
    """The turn, degrees, that would fit one frame's observations best; None when it has too few."""
    rows = tracks.rows_of(frame)
    rows = rows[scene.known[tracks.track[rows]]]
    if len(rows) < _LEAST_POINTS:
        return None
    track, at = tracks.track[rows], tracks.frame[rows]
    camera = scene.camera_points(track, at)
    residual = (scene.project(camera, at) - tracks.xy[rows]) / tracks.sigma[rows, None]
    to_camera, _ = lens_jacobians(scene.lens_of(frame), camera, FreeLens(focal=False))
    to_turn = -np.matmul(to_camera, skew(camera)) / tracks.sigma[rows, None, None]
    weight = 1.0 / (1.0 + (residual**2).sum(1) / 4.0)
    normal = np.einsum("nki,nkj,n->ij", to_turn, to_turn, weight)
    turn = np.linalg.solve(normal, np.einsum("nki,nk,n->i", to_turn, residual, weight))
    return float(np.degrees(np.linalg.norm(turn)))
