"""Which observations a scene explains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .frames import Flags, Floats
from .scene import Scene
from .tracks import Tracks


def errors_px(scene: Scene, tracks: Tracks) -> Floats:
    """Reprojection error [M] of every observation; inf behind the camera, nan where point or pose is unknown."""
    use = scene.known[tracks.track] & scene.posed[tracks.frame]
    out = np.full(len(tracks.track), np.nan)
    camera = scene.camera_points(tracks.track[use], tracks.frame[use])
    in_front = camera[:, 2] > 1e-9
    camera[:, 2] = np.where(in_front, camera[:, 2], 1.0)
    error = np.linalg.norm(scene.project(camera, tracks.frame[use]) - tracks.xy[use], axis=1)
    out[use] = np.where(in_front, error, np.inf)
    return out


def noise_px(error: Floats, most: float) -> float:
    """Standard deviation per axis of the errors [M] of a static scene, from their median (Rayleigh)."""
    seen = error[np.isfinite(error) & (error < most)]
    return float(np.median(seen) / 1.1774) if len(seen) else most


def calibrated(tracks: Tracks, error: Floats, floor_px: float) -> Tracks:
    """Tracks whose sigma is scaled to what the scene shows: predicted variance times a factor, plus a floor
    that no texture gets below."""
    good = np.isfinite(error) & (error < 20.0 * floor_px)
    if good.sum() < 20:
        return tracks
    spread = float(np.median(error[good] / np.hypot(tracks.sigma[good], floor_px)) / 1.1774)
    return replace(tracks, sigma=np.hypot(tracks.sigma, floor_px) * max(spread, 1e-3))


_TRACK_PRIOR = 10.0
"""What is believed of a track before it is seen, in degrees of freedom: the variance of all tracks."""


def weighed_by_track(tracks: Tracks, error: Floats) -> Tracks:
    """Tracks whose sigma says how well each track as a whole fits: the errors along a track are not independent (a
    patch on the edge of a thing slides with the edge), so that a loss per observation does not see them.

    The scale mixture of Student's t over whole tracks (Lange, Little & Taylor, "Robust statistical modeling using the
    t distribution", 1989): each track's variance is that of all, times (prior + its squared errors) over (prior + its
    degrees of freedom). error: [M] px; unknown ones say nothing. Held tracks stay as they are.
    """
    seen = np.isfinite(error)
    squared = np.minimum((error[seen] / tracks.sigma[seen]) ** 2, 25.0)
    count = np.bincount(tracks.track[seen], minlength=tracks.count)
    freedom = np.maximum(2.0 * count - 3.0, 0.0)
    excess = np.bincount(tracks.track[seen], squared, minlength=tracks.count)
    factor = np.sqrt((_TRACK_PRIOR + excess) / (_TRACK_PRIOR + freedom))
    factor = np.where(freedom > 0, factor, 1.0)[tracks.track]
    return replace(tracks, sigma=tracks.sigma * np.where(tracks.held(), 1.0, factor))


def inliers(tracks: Tracks, error: Floats, most_sigmas: float, most_px: float) -> Flags:
    """bool [M]: observations that agree with the scene, or about which it says nothing, or that are held and in
    front of the camera."""
    agree: Flags = ~(error > np.minimum(most_sigmas * tracks.sigma, most_px))
    return agree if tracks.care is None else agree | (tracks.held() & np.isfinite(error))
