"""Builds the scene frame by frame: resection, triangulation, bundle adjustment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .bundle import BundleSettings, adjust
from .frames import Flags
from .lens_jacobians import FreeLens
from .outliers import errors_px, inliers
from .resection import resect
from .scene import Scene
from .spans import FREE
from .tracks import Tracks
from .triangulation import triangulate

Checkpoint = Callable[[], None]

_FAR_ANGLES_DEG = (0.5, 0.25)
"""Least angle between the rays of a point where frames cannot be placed otherwise."""


@dataclass(frozen=True)
class MapperSettings:
    """noise_px: expected error of an observation. free_focal: whether bundle adjustment may change it.
    focal_prior: (focal px, standard deviation) or None. focal_range: least and greatest focal length, px, or None.
    zoom_scale: how smoothly a zoom runs (zoom_prior.py)."""

    noise_px: float
    free_focal: bool
    focal_prior: tuple[float, float] | None
    seed: int
    focal_range: tuple[float, float] | None = None
    zoom_scale: float = 0.02


def grow(scene: Scene, tracks: Tracks, frames: list[int], settings: MapperSettings, checkpoint: Checkpoint) -> Scene:
    """Adds `frames` in the order in which they see most known points. Frames that cannot be placed stay
    without a pose."""
    waiting = [f for f in frames if not scene.posed[f]]
    adjusted = max(int(scene.posed.sum()), 2)
    among = np.isin(tracks.frame, np.array([*frames, *np.nonzero(scene.posed)[0]]))
    local = tracks.select(among)
    while waiting:
        checkpoint()
        placed = _place_next(scene, local, waiting, settings)
        if placed is None:
            break
        scene, frame = placed
        waiting.remove(frame)
        scene = _new_points(scene, local, settings, seen_in=frame)
        if scene.posed.sum() >= 1.25 * adjusted or scene.posed.sum() < 6:
            scene = settle(scene, local, settings, checkpoint, iterations=6)
            adjusted = int(scene.posed.sum())
    return scene


def settle(
    scene: Scene,
    tracks: Tracks,
    settings: MapperSettings,
    checkpoint: Checkpoint,
    *,
    iterations: int,
    angle_deg: float = 1.0,
) -> Scene:
    """Bundle adjustment, then points and poses that stayed inconsistent are dropped and points tried again."""
    bundle = BundleSettings(
        iterations=iterations, free=FreeLens(settings.free_focal), scale_px=2.0, focal_prior=settings.focal_prior,
        tolerance=1e-3, focal_range=settings.focal_range, zoom_scale=settings.zoom_scale,
    )  # fmt: skip
    even = replace(tracks, sigma=np.full(len(tracks.sigma), settings.noise_px))
    scene, _ = adjust(scene, even, bundle, checkpoint)
    agreed = even.select(inliers(even, errors_px(scene, even), 8.0, 8.0 * settings.noise_px))
    return _new_points(scene, agreed, settings, seen_in=None, angle_deg=angle_deg)


def register_rest(scene: Scene, tracks: Tracks, settings: MapperSettings, checkpoint: Checkpoint) -> Scene:
    """A pose for every frame that sees enough known points, those of the frames placed on the way among them. Frames of
    a span have the span's or none."""
    return _reach_rest(scene, tracks, settings, checkpoint, 1.0)


def reach_far(scene: Scene, tracks: Tracks, settings: MapperSettings, checkpoint: Checkpoint) -> Scene:
    """What `register_rest` leaves, by points that have little parallax yet. Where little is seen for long (a whip pan
    past somebody) they are better than a hole: they say how the camera turned, though nothing of the lens. For a map
    that is known to be sound."""
    held = replace(settings, free_focal=False)
    for angle in _FAR_ANGLES_DEG:
        scene = _reach_rest(scene, tracks, held, checkpoint, angle)
    return scene


def _reach_rest(
    scene: Scene, tracks: Tracks, settings: MapperSettings, checkpoint: Checkpoint, angle_deg: float
) -> Scene:
    """Places frames and finds points in turn, until no more frames come. Only what is left costs anything."""
    scene = _resected(scene, tracks, settings, checkpoint)
    while not scene.posed.all() and scene.spans is None:
        before = int(scene.posed.sum())
        further = _new_points(scene, tracks, settings, seen_in=None, angle_deg=angle_deg)
        further = _resected(further, tracks, settings, checkpoint)
        if further.posed.sum() == before:
            break
        scene = settle(further, tracks, settings, checkpoint, iterations=6, angle_deg=angle_deg)
    return scene


def _resected(scene: Scene, tracks: Tracks, settings: MapperSettings, checkpoint: Checkpoint) -> Scene:
    """With those of the frames left that the points place as they are."""
    alone = np.ones(len(scene.posed), bool) if scene.spans is None else scene.spans.centre == FREE
    for frame in np.nonzero(~scene.posed & alone)[0].tolist():
        checkpoint()
        found = resect(scene, tracks, frame, 6.0 * settings.noise_px, settings.seed)
        if found is not None:
            scene = scene.with_pose(frame, found.rotation, found.translation, found.focal)
    return scene


def _place_next(scene: Scene, tracks: Tracks, waiting: list[int], settings: MapperSettings) -> tuple[Scene, int] | None:
    known = np.bincount(tracks.frame[scene.known[tracks.track]], minlength=tracks.frames)
    for frame in sorted(waiting, key=lambda f: (-int(known[f]), f)):
        found = resect(scene, tracks, frame, 8.0 * settings.noise_px, settings.seed)
        if found is not None:
            return scene.with_pose(frame, found.rotation, found.translation, found.focal), frame
    return None


def _new_points(
    scene: Scene, tracks: Tracks, settings: MapperSettings, *, seen_in: int | None, angle_deg: float = 1.0
) -> Scene:
    """Triangulates: all tracks, or those unknown that `seen_in` sees."""
    if seen_in is None:
        wanted: Flags = np.ones(len(scene.known), bool)
    else:
        wanted = np.zeros(len(scene.known), bool)
        wanted[tracks.track[tracks.rows_of(seen_in)]] = True
        wanted &= ~scene.known
    return triangulate(scene, tracks, wanted=wanted, least_angle_deg=angle_deg, most_error_px=4.0 * settings.noise_px)
