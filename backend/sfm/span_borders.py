"""Grows a span of frames with one camera centre beyond what is solved: frames that look away from all known points have
no pose yet, but they turn onto their neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .frames import Flags, Floats
from .motion_model import turn_error
from .scene import Scene
from .tracks import Tracks, some_pairs_of
from .turning import RotationChain
from .two_view import gric, look_at_pair, sampson

_PAIR_TRACKS = 300
_LEAST_SHARED = 40


def grown(
    scene: Scene, tracks: Tracks, run: tuple[int, int], noise_px: float, checkpoint: Callable[[], None],
    *, within: tuple[int, int],
) -> tuple[tuple[int, int], Floats, Flags]:  # fmt: skip
    """The run with the frames beside it that only turn, not beyond `within`; the rotations camera_from_world [F, 3, 3]
    of its frames, and of which [F] they were found. noise_px: of a track as solved."""
    chain = RotationChain(tracks, scene.lens, noise_px)
    for frame in range(run[0], run[1] + 1):
        if scene.posed[frame]:
            chain.begin(frame, scene.rotation[frame])
    for frame in range(run[0], run[1] + 1):
        if not scene.posed[frame]:
            chain.add(frame)
    first, last = run
    while last < within[1] and _joins(chain, scene, tracks, (first, last), last + 1, noise_px):
        checkpoint()
        last += 1
    while first > within[0] and _joins(chain, scene, tracks, (first, last), first - 1, noise_px):
        checkpoint()
        first -= 1
    return (first, last), chain.rotation, chain.posed


def _joins(
    chain: RotationChain, scene: Scene, tracks: Tracks, run: tuple[int, int], frame: int, noise_px: float
) -> bool:
    """Whether the frame turns onto the run's directions, and nothing speaks for more than a turn: judged with its
    nearest frame and with the farthest that it shares enough tracks with."""
    if not chain.add(frame):
        return False
    away = range(run[0], run[1] + 1) if frame > run[1] else range(run[1], run[0] - 1, -1)
    here = tracks.track[tracks.rows_of(frame)]
    shares = (f for f in away if np.isin(tracks.track[tracks.rows_of(f)], here).sum() >= _LEAST_SHARED)
    farthest = next(shares, None)
    if farthest is None:
        return False
    nearest = run[1] if frame > run[1] else run[0]
    middle = (farthest + nearest) // 2
    return sum(_for_travelling(scene, tracks, other, frame, noise_px) for other in {farthest, middle}) < 0.0


def _for_travelling(scene: Scene, tracks: Tracks, first: int, second: int, noise_px: float) -> float:
    """By how much GRIC prefers a movement over a turn between two frames; matches that neither explains left out."""
    a, b = some_pairs_of(tracks, first, second, _PAIR_TRACKS)
    if len(a) < _LEAST_SHARED // 2:
        return 0.0
    view = look_at_pair(first, second, a, b, noise_px)
    turned = turn_error((a, b), scene.lens)
    off = np.full(len(a), np.inf) if view.fundamental is None else sampson(view.fundamental, a, b)
    explained = (turned < 2.0 * noise_px) | (off < np.sqrt(2.0) * noise_px)
    turning = gric(turned[explained], noise_px, dimension=2, parameters=3)
    return turning - gric(off[explained], noise_px, dimension=3, parameters=7)
