"""Parts of a clip in which the camera does not move at all: most tracks stay where they are."""

from __future__ import annotations

import numpy as np

from .frames import Flags, Floats
from .tracks import Tracks

_LEAST_RUN = 6
"""Frames of a part that stands still."""

_LEAST_TRACKS = 20
_MAJORITY = 0.5
_MOST_WANDER = 0.5
"""How far, in standard deviations of one track, the picture's corners may wander within a part: hundreds of tracks
together place the picture far better than one."""

_AGAINST = 20.0
"""A part stands still if the rest of the clip moves so many times farther in the same time. A camera that creeps all
the time never stands still."""


def still_runs(tracks: Tracks, noise_px: float) -> list[tuple[int, int]]:
    """First and last frame index of every part that stands still. noise_px: of a track."""
    step = frame_steps(tracks)
    slow = step < 3.0 * noise_px
    moving = step[np.isfinite(step) & ~slow]
    usual = float(np.median(moving)) if len(moving) else np.inf
    runs, frame = [], 0
    while frame < tracks.frames - 1:
        if not slow[frame]:
            frame += 1
            continue
        last = _reach(tracks, frame, slow, noise_px)
        length = last - frame + 1
        if length >= _LEAST_RUN and usual * length > _AGAINST * _MOST_WANDER * noise_px:
            runs.append((frame, last))
        frame = max(last, frame + 1)
    return runs


def frame_steps(tracks: Tracks) -> Floats:
    """How far, px, tracks go from each frame to the next [F - 1]: by the third that goes least, since half of them may
    belong to things that move. inf where too few are seen in both."""
    same = (np.diff(tracks.track) == 0) & (np.diff(tracks.frame) == 1)
    frame = tracks.frame[:-1][same]
    gone = np.linalg.norm(np.diff(tracks.xy, axis=0)[same], axis=1)
    order = np.lexsort((gone, frame))
    gone, frame = gone[order], frame[order]
    starts = np.searchsorted(frame, np.arange(tracks.frames))
    steps = np.full(max(tracks.frames - 1, 0), np.inf)
    for index in range(len(steps)):
        mine = gone[starts[index] : starts[index + 1]]
        if len(mine) >= _LEAST_TRACKS:
            steps[index] = mine[len(mine) // 3]
    return steps


def _reach(tracks: Tracks, first: int, slow: Flags, noise_px: float) -> int:
    """The last frame from `first` on in which the picture is still where it was."""
    total, count = np.zeros((tracks.count, 2)), np.zeros(tracks.count)
    frame = first
    while True:
        rows = tracks.rows_of(frame)
        track, xy = tracks.track[rows], tracks.xy[rows]
        known = count[track] > 0
        if frame > first:
            there = total[track[known]] / count[track[known], None]
            if not _in_place(there, xy[known], noise_px):
                return frame - 1
        total[track] += xy
        count[track] += 1
        if frame == tracks.frames - 1 or not slow[frame]:
            return frame
        frame += 1


def _in_place(there: Floats, here: Floats, noise_px: float) -> bool:
    """Whether most points [N, 2] are where they were, and together wander less than the noise: by the similarity that
    takes one to the other, at the points' outer reach."""
    if len(there) < _LEAST_TRACKS:
        return False
    away = here - there
    stayed = np.linalg.norm(away, axis=1) < 3.0 * noise_px
    if stayed.sum() < max(_LEAST_TRACKS, _MAJORITY * len(there)):
        return False
    at, away = there[stayed] - there[stayed].mean(0), away[stayed]
    shift, spread = away.mean(0), max(float((at**2).sum()), 1e-9)
    grown = float((at * away).sum()) / spread
    turned = float((at[:, 0] * away[:, 1] - at[:, 1] * away[:, 0]).sum()) / spread
    reach = float(np.linalg.norm(at, axis=1).max())
    return float(np.hypot(*shift)) + reach * float(np.hypot(grown, turned)) < _MOST_WANDER * noise_px
