"""From a refined scene to the result: frame states, and the cloud with its colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .appraisal import Appraisal, appraise
from .frames import Floats, FrameSource, Indices, Picture
from .outliers import errors_px
from .refine import Refined
from .result import CameraSolve, FrameSolve, PointCloud
from .scene import Scene
from .settings import SfmSettings
from .track_table import track_table
from .tracks import Tracks

_COLOUR_FRAMES = 12
"""Most frames that are read for the points' colours."""

_LEAST_POINTS = 12


def assemble(
    source: FrameSource, refined: Refined, settings: SfmSettings, checkpoint: Callable[[], None]
) -> CameraSolve:
    """The result of a refined scene. `checkpoint` is called between the frames that are read."""
    scene, tracks = refined.scene, refined.tracks
    used = scene.known[tracks.track] & scene.posed[tracks.frame]
    points, row = np.unique(tracks.track[used], return_inverse=True)
    seen = replace(tracks.select(used), track=row.astype(np.int64), count=len(points), care=None)
    error = errors_px(scene, tracks)[used]
    length = np.bincount(row, minlength=len(points))
    appraisal = appraise(source, refined, checkpoint)
    table = track_table(scene, refined.everything, tracks, points)
    cloud = PointCloud(
        scene.points[points],
        _colours(source, seen, checkpoint),
        np.bincount(row, error, minlength=len(points)) / np.maximum(length, 1),
        length,
        scene.far[points],
    )
    return CameraSolve(
        width=source.width,
        height=source.height,
        lens=scene.lens,
        focal_source=settings.focal_source if settings.focal_px is not None and settings.fix_focal else "solved",
        frames=_frames(source, scene, seen, error, appraisal),
        cloud=cloud,
        observations=seen,
        mean_error_px=float(error.mean()),
        focals=scene.focals,
        problems=appraisal.problems,
        facts={**refined.facts, **appraisal.facts},
        tracks=table if refined.measured is None else replace(table, xy=refined.measured),
    )


def _frames(
    source: FrameSource, scene: Scene, seen: Tracks, error: Floats, appraisal: Appraisal
) -> tuple[FrameSolve, ...]:
    count = np.bincount(seen.frame, minlength=seen.frames)
    mean = np.bincount(seen.frame, error, minlength=seen.frames) / np.maximum(count, 1)
    found = []
    for index, number in enumerate(source.numbers):
        points, cause = int(count[index]), appraisal.causes[index]
        coverage = float(appraisal.quality.coverage[index])
        if scene.posed[index] and points >= _LEAST_POINTS:
            found.append(FrameSolve(
                number, "solved", _pose(scene, index), float(mean[index]), points, cause=cause, coverage=coverage,
                rotation_sd_deg=_known(appraisal.rotation_sd_deg[index]),
                position_sd=_known(appraisal.position_sd[index]), confidence=float(appraisal.quality.confidence[index]),
            ))  # fmt: skip
        else:
            cause = cause or f"only {points} known points are visible"
            found.append(
                FrameSolve(number, "failed", None, None, points, cause=cause, coverage=coverage, confidence=0.0)
            )
    return tuple(found)


def _known(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None


def _pose(scene: Scene, index: int) -> Floats:
    pose = np.eye(4)
    pose[:3, :3] = scene.rotation[index].T
    pose[:3, 3] = -scene.rotation[index].T @ scene.translation[index]
    return pose


def _colours(source: FrameSource, seen: Tracks, checkpoint: Callable[[], None]) -> Picture:
    """uint8 [P, 3]: each point's pixel in one of a few frames that together see all of them."""
    rgb = np.full((seen.count, 3), 128, np.uint8)
    missing = np.ones(seen.count, bool)
    for index in _few_frames(seen):
        mine = seen.rows_of(int(index))
        mine = mine[missing[seen.track[mine]]]
        if not len(mine):
            continue
        checkpoint()
        picture = source.rgb(index)
        rgb[seen.track[mine]] = _at(picture, seen.xy[mine])
        missing[seen.track[mine]] = False
    return rgb


def _few_frames(seen: Tracks) -> Indices:
    used = np.unique(seen.frame)
    spread = np.linspace(0, len(used) - 1, min(_COLOUR_FRAMES, len(used)))
    chosen: Indices = used[np.unique(np.rint(spread).astype(np.int64))]
    return chosen


def _at(picture: Picture, xy: Floats) -> Picture:
    x = np.clip(np.floor(xy[:, 0]).astype(int), 0, picture.shape[1] - 1)
    y = np.clip(np.floor(xy[:, 1]).astype(int), 0, picture.shape[0] - 1)
    colours: Picture = picture[y, x]
    return colours
