"""Tracks that seem to move because they slide: along an edge, or over a texture that looks the same everywhere.

Such a track leaves the place that a still world has for it, and the picture there looks just the same. A thing that
moves leaves a place that looks different. So each track that was called moving is looked at in the two frames between
which it moved far enough to tell: is the patch in the first found better where the track went than where it would be if
it stood still? Where the answer is no for most such tracks around, they say little of movement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .frames import Flags, Floats, FrameSource, Indices
from .scene import Scene
from .track_motion import TrackMotion, off_still_place
from .tracks import Tracks

Singles = NDArray[np.float32]

_GAPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_APART_PX = 4.0
"""Movement against the still world that a patch can tell, px at tracking resolution: about its radius."""

_LEAST_APART_PX = 2.5
_RADIUS = 5
_GRAIN = 2.0
_CLEARLY = 0.5
"""Logarithm of how much worse (mean square difference) a patch must be at the still place."""

_NEIGHBOURS, _FRAME_PX = 8, 4.0
"""Moving tracks that are asked about one, and how many px away a frame before or after is."""

_FEW, _MANY = 0.3, 0.65
"""Shares of the moving tracks around that moved clearly: below the first they count for nothing, above the second
wholly. A thing that moves has three quarters and more, what slides has a third."""


@dataclass(frozen=True)
class _Moves:
    """The farthest telling movement of each moving track. track [K]; first, second [K]: rows of the observations;
    apart [K, 2]: movement between the two beyond that of the still world, plate px."""

    track: Indices
    first: Indices
    second: Indices
    apart: Floats


def without_sliders(
    source: FrameSource, scene: Scene, tracks: Tracks, motion: TrackMotion, px: float, checkpoint: Callable[[], None]
) -> TrackMotion:
    """The motion with the odds of moving tracks lowered as far as the pictures do not confirm them. px: plate px per
    tracking px. Reads every frame that such a track asks for once."""
    tracks = tracks.select(motion.moving[tracks.track] & scene.posed[tracks.frame])
    moves = _telling_moves(scene, tracks, px)
    if not len(moves.track):
        return motion
    weight = _agreed(tracks, moves.track, _confirmed(source, tracks, moves, px, checkpoint))
    return replace(motion, odds=np.where(motion.odds > 0.0, motion.odds * weight, motion.odds))


def _telling_moves(scene: Scene, tracks: Tracks, px: float) -> _Moves:
    """The shortest times in which tracks move far enough to tell, or those in which they move farthest."""
    off = off_still_place(scene, tracks)
    starts = np.r_[0, np.nonzero(np.diff(tracks.track))[0] + 1, len(off)] if len(off) else np.zeros(1, int)
    best, first, second = np.zeros(len(starts) - 1), starts[:-1].copy(), starts[:-1].copy()
    for gap in _GAPS:
        if gap >= len(off):
            break
        length = np.linalg.norm(off[gap:] - off[:-gap], axis=1)
        length[tracks.track[gap:] != tracks.track[:-gap]] = 0.0
        for k in np.nonzero((best < _APART_PX * px) & (np.diff(starts) > gap))[0].tolist():
            at = starts[k] + int(length[starts[k] : starts[k + 1] - gap].argmax())
            if length[at] > best[k]:
                best[k], first[k], second[k] = length[at], at, at + gap
    told = np.nonzero(best > _LEAST_APART_PX * px)[0]
    first, second = first[told], second[told]
    return _Moves(tracks.track[first], first, second, off[second] - off[first])


def _confirmed(source: FrameSource, tracks: Tracks, moves: _Moves, px: float, checkpoint: Callable[[], None]) -> Flags:
    """Which movements [K] the pictures confirm. Frames are read in order; a patch is all that is kept of one."""
    patches = np.zeros((len(moves.track), (2 * _RADIUS + 1) ** 2), np.float32)
    clear = np.zeros(len(moves.track), bool)
    begins, ends = tracks.frame[moves.first], tracks.frame[moves.second]
    for frame in np.union1d(begins, ends).tolist():
        checkpoint()
        picture = cv2.GaussianBlur(source.gray(frame), (0, 0), 0.7 * px).astype(np.float32)
        here = np.nonzero(begins == frame)[0]
        patches[here] = _patches(picture, tracks.xy[moves.first[here]], px)
        here = np.nonzero(ends == frame)[0]
        went = tracks.xy[moves.second[here]]
        moved = _unlike(_patches(picture, went, px), patches[here])
        stood = np.min(
            [_unlike(_patches(picture, went - moves.apart[here] + step, px), patches[here]) for step in _around(px)],
            axis=0,
        )
        clear[here] = np.log((stood + _GRAIN**2) / (moved + _GRAIN**2)) > _CLEARLY
    return clear


def _around(px: float) -> list[Floats]:
    """Steps [2] about a place that is known to a pixel."""
    return [np.array([dx, dy]) * px for dx in (-1.0, 0.0, 1.0) for dy in (-1.0, 0.0, 1.0)]


def _patches(picture: Singles, centre: Floats, px: float) -> Singles:
    """[K, S] samples about centre [K, 2] (edges at integers), less their mean."""
    step = np.arange(-_RADIUS, _RADIUS + 1) * px
    v, u = np.meshgrid(step, step, indexing="ij")
    x = (centre[:, :1] + u.ravel() - 0.5).astype(np.float32)
    y = (centre[:, 1:] + v.ravel() - 0.5).astype(np.float32)
    rows = [
        cv2.remap(picture, x[i : i + 8192], y[i : i + 8192], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for i in range(0, len(x), 8192)
    ]
    found = np.concatenate(rows) if rows else np.zeros_like(x)
    return np.asarray(found - found.mean(1, keepdims=True), np.float32)


def _unlike(a: Singles, b: Singles) -> Singles:
    return np.asarray(((a - b) ** 2).mean(1), np.float32)


def _agreed(tracks: Tracks, asked: Indices, clear: Flags) -> Floats:
    """0..1 [T]: how far moving tracks are believed, by those of the `asked` [K] that are nearest in the middle of their
    lives, in place and time, themselves among them."""
    count = np.maximum(np.bincount(tracks.track, minlength=tracks.count), 1)
    where = [np.bincount(tracks.track, tracks.xy[:, axis], tracks.count) / count for axis in (0, 1)]
    when = np.bincount(tracks.track, tracks.frame, tracks.count) / count
    place = np.stack([*where, _FRAME_PX * when], 1)
    near = min(_NEIGHBOURS + 1, len(asked))
    _, beside = cKDTree(place[asked]).query(place, near)
    share = clear[beside.reshape(len(place), near)].mean(1)
    weight: Floats = np.clip((share - _FEW) / (_MANY - _FEW), 0.0, 1.0)
    return weight
