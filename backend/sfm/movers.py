"""Tracks on things that move by themselves: told apart before a camera is known, judged again after.

Before: each pair of key frames has a model of the dominant movement (fundamental matrix, or homography where GRIC
prefers it: Torr 1998). A track is judged by all pairs that see it together, and the pairs' models are fitted again to
the tracks that are still by that judgement, until both agree: expectation and maximisation with one label per track
in place of one per match (after Torr & Murray, "Stochastic Motion Clustering", ECCV 1994). A pair that the mover has
won is outvoted by the others, and whoever hides on the epipolar lines of one pair is seen by another. Neighbours share
their odds: a mover is a blob.

After: every track is judged over its whole life by the camera that was found (track_motion.py). Those that move are
left out of the bundle adjustment, those that were dropped wrongly come back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .frames import Flags, Floats
from .job import Job
from .motion_masks import MotionMasks
from .refine import Refined
from .result import CameraSolve
from .robust_fits import fit_homography
from .scene import Scene
from .track_motion import judge_tracks, share_with_neighbours
from .tracks import Tracks, build_tracks, pair_of
from .two_view import TwoView, look_at_pair, sampson, transfer_error

_ROUNDS = 4
_FIT_TRACKS = 400
_LEAST_FIT = 30
_PAIR_STILL, _PAIR_MOVING = 1.0, 2.0
"""Most log odds of one pair: to obey an epipolar line is weak evidence, to be off it is strong."""

_MIDDLE, _HALF = 4.0, 1.5
"""Distance from a pair's model, in sigmas, that says nothing, and how much more or less says something."""

_MOST_ODDS = 4.0
_RIM, _LEAST_RIVAL = 0.1, 0.25
"""Width, over the picture's, of its rim; and share of the tracks below which nothing can be the set."""

MANY_MOVE = 0.04
"""From this share of moving tracks on, the map is built without them; fewer are left to robust estimation."""


def moving_tracks(
    tracks: Tracks, views: list[TwoView], sigma: float, diagonal: float, checkpoint: Callable[[], None]
) -> Flags:
    """bool [T]: tracks that move against the dominant scene. sigma: noise of a track, px; diagonal: of the picture,
    px. Empty (all False) when few do: then nothing has to be done about them."""
    pairs = [_Pair(tracks, view) for view in views if view.fundamental is not None]

    def agreed() -> tuple[Flags, Flags]:
        """Moving and judged tracks when models and labels agree."""
        moving = np.zeros(tracks.count, bool)
        for turn in range(_ROUNDS):
            checkpoint()
            odds, judged = _voted(pairs, tracks.count, sigma)
            found = judged & (share_with_neighbours(tracks, odds, judged, diagonal) > 0.0)
            if turn == 0 and found.sum() < MANY_MOVE * max(int(judged.sum()), 1):
                return moving, judged
            if (found != moving).mean() < 0.002:
                break
            moving = found
            for pair in pairs:
                pair.fit(~moving, sigma)
        return moving, judged

    moving, judged = agreed()
    if not moving.any() or not _surrounds(tracks, moving, judged):
        return moving
    for pair in pairs:
        pair.fit(moving, sigma)
    swapped, _ = agreed()
    return swapped if swapped.any() else moving


def _surrounds(tracks: Tracks, moving: Flags, judged: Flags) -> bool:
    """Whether the tracks that were called moving are the set after all: they hold most of the picture's rim, and are
    many. A flat thing that fills the middle wins every pair of frames, since a fundamental matrix that obeys its
    homography still has its epipole to spend on others; but what reaches round the picture is the set."""
    if moving.sum() < _LEAST_RIVAL * judged.sum():
        return False
    rows = judged[tracks.track]
    low, high = tracks.xy[rows].min(0), tracks.xy[rows].max(0)
    away = np.minimum(tracks.xy - low, high - tracks.xy) / (high - low)
    rim = rows & (away.min(1) < _RIM)
    return bool(moving[tracks.track[rim]].mean() > 0.5) if rim.any() else False


class _Pair:
    """Two frames, all their common tracks, and the model of the dominant movement between them."""

    def __init__(self, tracks: Tracks, view: TwoView) -> None:
        self.number, self._a, self._b = pair_of(tracks, view.first, view.second)
        self._full = view.full
        self._model: Floats | None = view.fundamental
        if not self._full:
            self._model = fit_homography(self._a, self._b, 1.0)

    def fit(self, still: Flags, sigma: float) -> None:
        """Fits the model again to the tracks that are still."""
        rows = np.nonzero(still[self.number])[0]
        if len(rows) < _LEAST_FIT:
            self._model = None
            return
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(_FIT_TRACKS, len(rows))).astype(np.int64))]
        view = look_at_pair(0, 1, self._a[rows], self._b[rows], sigma)
        self._full = view.full
        self._model = view.fundamental if view.full else fit_homography(self._a[rows], self._b[rows], 3.0 * sigma)

    def odds(self, sigma: float) -> Floats | None:
        """Log odds [K] of movement of the common tracks; None without a model."""
        if self._model is None:
            return None
        measure = sampson if self._full else transfer_error
        off = measure(self._model, self._a, self._b) / sigma
        odds: Floats = np.clip((off - _MIDDLE) / _HALF, -_PAIR_STILL, _PAIR_MOVING)
        return odds


def _voted(pairs: list[_Pair], count: int, sigma: float) -> tuple[Floats, Flags]:
    """Odds [T] of all pairs together, and which tracks any pair sees [T]."""
    total, judged = np.zeros(count), np.zeros(count, bool)
    for pair in pairs:
        odds = pair.odds(sigma)
        if odds is not None:
            total[pair.number] += odds
            judged[pair.number] = True
    return np.clip(total, -_MOST_ODDS, _MOST_ODDS), judged


def without(tracks: Tracks, moving: Flags | None) -> Tracks:
    """The tracks less those that move; what the artist holds stays."""
    if moving is None or not moving.any():
        return tracks
    return tracks.select(~moving[tracks.track] | tracks.held())


def moving_in(scene: Scene, tracks: Tracks, job: Job) -> Flags:
    """bool [T]: tracks that a camera shows to move; all False when they are few."""
    motion = judge_tracks(scene, tracks, job.px, job.diagonal)
    if motion.moving.sum() < MANY_MOVE * max(int(motion.judged.sum()), 1):
        return np.zeros(tracks.count, bool)
    return motion.moving


def still_part(scene: Scene, tracks: Tracks, before: Flags | None, job: Job) -> Tracks:
    """The tracks without those that a camera shows to move. before: those that moved before there was one; where it
    is None, few do, and robust estimation is left to deal with them."""
    return tracks if before is None else without(tracks, moving_in(scene, tracks, job))


def with_rest(refined: Refined, tracks: Tracks) -> Refined:
    """Refined from a part of the tracks, with the others of `tracks` among everything there was again."""
    part = refined.everything
    left = ~np.isin(tracks.track, part.track)
    if not left.any():
        return refined
    rest = tracks.select(left)
    whole = build_tracks(
        np.concatenate([part.track, rest.track]), np.concatenate([part.frame, rest.frame]),
        np.concatenate([part.xy, rest.xy]), np.concatenate([part.sigma, rest.sigma]), tracks.frames,
    )  # fmt: skip
    return replace(refined, everything=replace(whole, count=tracks.count, care=tracks.care))


def with_masks(result: CameraSolve, refined: Refined, job: Job) -> CameraSolve:
    """The result with the masks of what moves, made while they are read."""
    if not job.settings.find_movers:
        return result
    everything = refined.everything
    motion = judge_tracks(refined.scene, everything, job.px, job.diagonal)
    tracks = None if result.tracks is None else result.tracks.marked(motion.moving)
    masks = MotionMasks(job.frames, refined.scene, everything, motion, job.steps, job.px)
    return replace(result, tracks=tracks, moving=masks)
