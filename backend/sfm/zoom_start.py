"""The first scene of a clip whose lens zooms.

As for a constant lens (initial.py) several beginnings are tried and each is bundle adjusted; here a beginning is a
focal length and its growth over the first pair of frames. For each focal length the growth comes from the fundamental
matrices round the pair (focal_vote.py): they tell the ratio of two focal lengths well, the lengths themselves hardly.
The rest of the map then grows by resection with a focal length of its own for every frame (resection.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .bundle import BundleSettings, adjust
from .focal_vote import growth_votes
from .frames import Floats
from .initial import Trial, attempt, look_at_pairs, promising
from .keyframes import choose_keyframes
from .mapper import MapperSettings, grow, register_rest
from .scene import Lens, Scene, empty_scene
from .tracks import Tracks
from .triangulation import triangulate
from .two_view import TwoView

_GUESSES = (0.8, 1.15, 1.7, 2.6)
"""Focal lengths that are tried, over the longer side of the picture."""

_PAIRS = 3
_SETTLE = 30


def map_zoom(
    tracks: Tracks, lens: Lens, settings: MapperSettings, checkpoint: Callable[[], None], *, focal_known: bool
) -> Scene | None:
    """Poses and focal lengths of all frames that can be placed, and points; None when no pair begins a scene."""
    keys = choose_keyframes(tracks, 2.0 * float(np.hypot(lens.cx, lens.cy)))
    views = look_at_pairs(tracks, keys, settings.noise_px, checkpoint)
    trial = start_zoom(tracks, keys, views, lens, settings, checkpoint, focal_known=focal_known)
    if trial is None:
        return None
    everything = np.ones(tracks.count, bool)
    scene = triangulate(
        trial.scene, tracks, wanted=everything, least_angle_deg=1.0, most_error_px=4.0 * settings.noise_px
    )  # fmt: skip
    scene = grow(scene, tracks, keys, settings, checkpoint)
    return register_rest(scene, tracks, settings, checkpoint)


def start_zoom(
    tracks: Tracks, keys: list[int], views: list[TwoView], lens: Lens, settings: MapperSettings,
    checkpoint: Callable[[], None], *, focal_known: bool,
) -> Trial | None:  # fmt: skip
    """The small scene that explains its observations best. focal_known: the lens's focal length was given."""
    longest = 2.0 * max(lens.cx, lens.cy)
    guesses = [lens.focal] if focal_known else [share * longest for share in _GUESSES]
    if settings.focal_range is not None:
        guesses = np.unique(np.clip(guesses, *settings.focal_range)).tolist()
    for view in promising(views)[:_PAIRS]:
        trials = []
        for focal, rate in growth_votes(_around(views, view), guesses, lens, view):
            checkpoint()
            blank = empty_scene(lens, tracks.frames, tracks.count)
            blank = blank.with_focals(_growing(focal, rate, view, tracks.frames))
            trial = attempt(tracks, keys, view, blank, settings, checkpoint)
            if trial is not None:
                trials.append(trial)
        if trials:
            return _settled(min(trials, key=lambda trial: trial.loss), tracks, settings, checkpoint)
    return None


def _around(views: list[TwoView], pair: TwoView) -> list[TwoView]:
    """The views within the pair's span and half of it on either side."""
    reach = (pair.second - pair.first) // 2
    near = [v for v in views if v.first >= pair.first - reach and v.second <= pair.second + reach]
    return [v for v in near if v.fundamental is not None]


def _growing(focal: float, rate: float, pair: TwoView, frames: int) -> Floats:
    """Focal lengths [F] px that grow from the pair's first frame to its second by exp(rate * frames between), and
    are level outside."""
    since = np.clip(np.arange(frames), pair.first, pair.second) - (pair.first + pair.second) / 2.0
    focals: Floats = focal * np.exp(rate * since)
    return focals


def _settled(trial: Trial, tracks: Tracks, settings: MapperSettings, checkpoint: Callable[[], None]) -> Trial:
    """The trial, adjusted until its focal lengths no longer move."""
    bundle = BundleSettings(
        iterations=_SETTLE, scale_px=2.0, tolerance=1e-6, focal_prior=settings.focal_prior,
        focal_range=settings.focal_range, zoom_scale=settings.zoom_scale,
    )  # fmt: skip
    even = replace(tracks, sigma=np.full(len(tracks.sigma), trial.noise_px))
    scene, _ = adjust(trial.scene, even.select(trial.scene.known[even.track]), bundle, checkpoint)
    return replace(trial, scene=scene)
