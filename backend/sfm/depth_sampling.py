"""Depth maps, read where tracks are: the priors of a shot whose rays hardly diverge.

Monocular networks are right about the layout to roughly a tenth (their papers' AbsRel of 5 to 10 percent), wrong in
the same way along a track and over whole regions. So a track's depths count as one, and a frame's as a hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .depth_terms import DepthPriors
from .frames import DepthSource, Flags, Floats, Indices
from .scene import Scene
from .tracks import Tracks
from .triangulation import ray_spread

_LOG_SD = 0.1
_INDEPENDENT = 100
"""Regions of a frame whose errors have nothing to do with each other."""

_WORTH = 0.05
"""Depth maps help where the rays leave a depth more uncertain than this part of a map's own error."""

_EDGE = 1.1
"""Most the depths in 3 x 3 px may differ, as a ratio: at an edge nobody knows which side the track is on."""

_SKY = 1e9
_LEAST_SAMPLES = 200


def depth_priors(
    source: DepthSource, scene: Scene, tracks: Tracks, noise_px: float, checkpoint: Callable[[], None]
) -> DepthPriors | None:
    """The priors for a scene that its rays do not hold; None where they do, or there is no depth to speak of. One map
    is in memory."""
    if scene.zoom is not None or scene.spans is not None or not _low_parallax(scene, tracks, noise_px):
        return None
    rows: list[Indices] = []
    logs: list[Floats] = []
    for frame in np.nonzero(scene.posed)[0].tolist():
        checkpoint()
        picture = source.depth(frame)
        if picture is None:
            continue
        here = tracks.rows_of(frame)
        depth = sampled(picture, tracks.xy[here])
        rows.append(here[depth > 0])
        logs.append(np.log(depth[depth > 0]))
    if sum(map(len, rows)) < _LEAST_SAMPLES:
        return None
    return _weighted(tracks, np.concatenate(rows), np.concatenate(logs), source.shared_scale)


def _low_parallax(scene: Scene, tracks: Tracks, noise_px: float) -> bool:
    """Whether the median track's rays leave its depth uncertain: noise over focal length over their angle."""
    use = scene.posed[tracks.frame]
    if not use.any():
        return False
    track, frame = tracks.track[use], tracks.frame[use]
    _, row = np.unique(track, return_inverse=True)
    world = scene.world_rays(tracks.xy[use], frame)
    angle = np.radians(np.maximum(ray_spread(row, int(row.max()) + 1, world), 1e-6))
    return bool(np.median(noise_px / (scene.lens.focal * angle)) > _WORTH * _LOG_SD)


def sampled(picture: NDArray[np.float32], xy: Floats) -> Floats:
    """Depths [K] under pixels xy [K, 2] (edges at integers); 0 where unknown, sky, at an edge or outside."""
    height, width = picture.shape
    column, row = np.floor(xy).astype(np.int64).T
    inside = (column >= 1) & (row >= 1) & (column < width - 1) & (row < height - 1)
    around = np.zeros((len(xy), 9))
    for i, (dx, dy) in enumerate((dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
        around[inside, i] = picture[row[inside] + dy, column[inside] + dx]
    known: Flags = inside & (around > 0).all(1) & (around < _SKY).all(1) & np.isfinite(around).all(1)
    known &= around.max(1) < _EDGE * np.maximum(around.min(1), 1e-12)
    return np.where(known, around[:, 4], 0.0)


def _weighted(tracks: Tracks, rows: Indices, log_depth: Floats, shared: bool) -> DepthPriors:
    track, frame = tracks.track[rows], tracks.frame[rows]
    along = np.bincount(track, minlength=tracks.count)[track]
    crowd = np.bincount(frame, minlength=tracks.frames)[frame] / _INDEPENDENT
    return DepthPriors(track, frame, log_depth, _LOG_SD * np.sqrt(along * np.maximum(crowd, 1.0)), shared)


def placed_by_depth(scene: Scene, tracks: Tracks, depths: DepthPriors, most_error_px: float) -> Scene:
    """The scene with every unknown track that has a depth as a point on its ray, at that depth times its frame's
    scale, as long as its observations agree within `most_error_px`."""
    usable = scene.posed[depths.frame]
    known = usable & scene.known[depths.track]
    if not known.any():
        return scene
    z = scene.camera_points(depths.track[known], depths.frame[known])[:, 2]
    ahead = z > 1e-9
    apart = np.log(np.where(ahead, z, 1.0)) - depths.log_depth[known]
    scale = _frame_scales(apart[ahead], depths.frame[known][ahead], len(scene.posed), depths.shared)
    wanted = np.nonzero(usable & ~scene.known[depths.track])[0]
    _, first = np.unique(depths.track[wanted], return_index=True)
    return _on_rays(scene, tracks, depths, wanted[first], scale, most_error_px)


def _frame_scales(apart: Floats, frame: Indices, frames: int, shared: bool) -> Floats:
    """Log scale [frames] of each map: the median of its points, that of all where a map has too few."""
    scale = np.full(frames, float(np.median(apart)) if len(apart) else 0.0)
    for one in np.unique(frame) if not shared else ():
        mine = apart[frame == one]
        if len(mine) >= 10:
            scale[one] = np.median(mine)
    return scale


def _on_rays(
    scene: Scene, tracks: Tracks, depths: DepthPriors, chosen: Indices, scale: Floats, most_error_px: float
) -> Scene:
    track, frame = depths.track[chosen], depths.frame[chosen]
    if not len(track):
        return scene
    keys = tracks.track * tracks.frames + tracks.frame
    place = np.searchsorted(keys, track * tracks.frames + frame)
    there = (place < len(keys)) & (keys[np.minimum(place, len(keys) - 1)] == track * tracks.frames + frame)
    track, frame, chosen, place = track[there], frame[there], chosen[there], place[there]
    z = np.exp(depths.log_depth[chosen] + scale[frame])[:, None]
    flat = scene.normalised(tracks.xy[place], frame)
    camera = np.concatenate([flat * z, z], 1)
    points, known = scene.points.copy(), scene.known.copy()
    points[track] = np.einsum("kji,kj->ki", scene.rotation[frame], camera - scene.translation[frame])
    known[track] = True
    return _agreeing(replace(scene, points=points, known=known), tracks, track, most_error_px)


def _agreeing(scene: Scene, tracks: Tracks, new: Sequence[int] | Indices, most_error_px: float) -> Scene:
    """Without those of the new points that their observations contradict: median error, px."""
    fresh = np.zeros(len(scene.known), bool)
    fresh[new] = True
    use = fresh[tracks.track] & scene.posed[tracks.frame]
    camera = scene.camera_points(tracks.track[use], tracks.frame[use])
    ahead = camera[:, 2] > 1e-9
    camera[:, 2] = np.where(ahead, camera[:, 2], 1.0)
    error = np.linalg.norm(scene.project(camera, tracks.frame[use]) - tracks.xy[use], axis=1)
    good = np.bincount(tracks.track[use], ahead & (error < most_error_px), minlength=len(fresh))
    total = np.bincount(tracks.track[use], minlength=len(fresh))
    known = scene.known & ~(fresh & ((good < 0.5 * total) | (total < 2)))
    return replace(scene, known=known)
