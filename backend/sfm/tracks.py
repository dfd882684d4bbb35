"""Feature tracks: the only state of the solver that grows with the clip.

One observation takes 17 bytes; a clip of 1000 frames with 1200 points a frame takes 20 MB.
"""

from __future__ import annotations

import functools
import os
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .frames import Flags, Floats, Indices

_VERSION = 3


@dataclass(frozen=True)
class TrackCare:
    """What the artist wants of tracks, by track number. weight: float64 [T], how many observations each of theirs
    counts as. held: bool [T], never thrown out as outliers. by_hand: bool [T], drawn or brought by the artist."""

    weight: Floats
    held: Flags
    by_hand: Flags

    def select(self, tracks: Indices) -> TrackCare:
        return TrackCare(self.weight[tracks], self.held[tracks], self.by_hand[tracks])


@dataclass(frozen=True)
class Tracks:
    """Observations sorted by track, then frame.

    track, frame: int64 [M]; frame is the index into the clip. xy: float64 [M, 2], px of the plate, edges at
    integers. sigma: float64 [M], expected standard deviation, px. frames: number of frames of the clip. count:
    number of tracks; selections keep it, so that track numbers go on pointing into the same arrays. care: None when
    all tracks are alike.
    """

    track: Indices
    frame: Indices
    xy: Floats
    sigma: Floats
    frames: int
    count: int
    care: TrackCare | None = None

    def lengths(self) -> Indices:
        """Observations of each track [T]."""
        return np.bincount(self.track, minlength=self.count)

    @functools.cached_property
    def _by_frame(self) -> tuple[Indices, Indices]:
        """Observations ordered by frame, and where each frame's start [frames + 1]."""
        order = np.argsort(self.frame, kind="stable")
        return order, np.searchsorted(self.frame[order], np.arange(self.frames + 1))

    def rows_of(self, frame: int) -> Indices:
        """The observations of one frame, by track. Found once for all frames: asking each is not quadratic."""
        order, starts = self._by_frame
        rows: Indices = order[starts[frame] : starts[frame + 1]]
        return rows

    def select(self, keep: Flags) -> Tracks:
        """The observations where keep [M]; track numbers stay."""
        return replace(
            self, track=self.track[keep], frame=self.frame[keep], xy=self.xy[keep], sigma=self.sigma[keep]
        )  # fmt: skip

    def renumbered(self) -> Tracks:
        """Track numbers without gaps."""
        present, numbers = np.unique(self.track, return_inverse=True)
        care = None if self.care is None else self.care.select(present)
        return replace(self, track=numbers.astype(np.int64), count=len(present), care=care)

    def held(self) -> Flags:
        """bool [M]: observations that are not to be thrown out as outliers."""
        return np.zeros(len(self.track), bool) if self.care is None else self.care.held[self.track]

    def longer_than(self, least: int) -> Tracks:
        """Tracks of at least `least` frames, renumbered."""
        return self.select(self.lengths()[self.track] >= least).renumbered()

    def per_frame(self) -> Indices:
        """Observations in each frame [frames]."""
        return np.bincount(self.frame, minlength=self.frames)


def pair_of(tracks: Tracks, first: int, second: int) -> tuple[Indices, Floats, Floats]:
    """Tracks seen in both frames: their numbers [K] and pixels [K, 2], [K, 2]."""
    a, b = tracks.rows_of(first), tracks.rows_of(second)
    common, ia, ib = np.intersect1d(tracks.track[a], tracks.track[b], assume_unique=True, return_indices=True)
    return common, tracks.xy[a][ia], tracks.xy[b][ib]


def some_pairs_of(tracks: Tracks, first: int, second: int, most: int) -> tuple[Floats, Floats]:
    """Pixels [K, 2], [K, 2] of at most `most` tracks seen in both frames, evenly chosen."""
    _, a, b = pair_of(tracks, first, second)
    chosen = np.unique(np.linspace(0, len(a) - 1, min(most, len(a))).astype(np.int64)) if len(a) else slice(0)
    return a[chosen], b[chosen]


def build_tracks(track: NDArray[np.int64], frame: NDArray[np.int64], xy: Floats, sigma: Floats, frames: int) -> Tracks:
    """Tracks from observations in any order."""
    order = np.lexsort((frame, track))
    count = int(track.max()) + 1 if len(track) else 0
    return Tracks(track[order], frame[order], xy[order], sigma[order], frames, count)


def save_tracks(path: Path, tracks: Tracks, key: str) -> None:
    """Writes the tracks atomically. `key` says what they were made from."""
    beside = path.with_name(path.name + ".partial")
    with beside.open("wb") as file:
        np.savez(
            file, version=_VERSION, key=key, track=tracks.track, frame=tracks.frame, xy=tracks.xy,
            sigma=tracks.sigma, frames=tracks.frames, count=tracks.count,
        )  # fmt: skip
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def load_tracks(path: Path, key: str) -> Tracks | None:
    """Tracks saved under the same key; None when there are none, or of another version or key."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if int(file["version"]) != _VERSION or str(file["key"]) != key:
                return None
            arrays = (file["track"], file["frame"], file["xy"], file["sigma"])
            return Tracks(*arrays, int(file["frames"]), int(file["count"]))
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
