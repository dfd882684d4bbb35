"""Every track of a solve under its stable number, for `camera/tracks.npz`: what was used, what was not, and what
the artist said about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .frames import Flags, Floats, Indices
from .outliers import errors_px
from .scene import Scene
from .tracks import Tracks

AUTOMATIC, LOCKED, ADDED, DELETED, MOVING = 0, 1, 2, 3, 4
"""State of a track: found by the solver; held by the artist; drawn or brought by the artist; taken out by the
artist; found by the solver, on something that moves."""

ADDED_ID = 1_000_000_000
"""Ids of added tracks: from here, in the order of hints.json."""


@dataclass(frozen=True)
class TrackTable:
    """id [N]: stable between solves of one plate with the same tracking. name [N]: of added tracks, "" for others.
    state uint8 [N]. point [N]: row of the cloud, or -1. Observations, sorted by track, then frame: row [M] into the
    above, frame [M] index into the clip, xy [M, 2] px, used bool [M]: whether the final adjustment took it, error
    [M]: px to where the camera sees the point, nan without one. key: names what the ids are valid for."""

    id: Indices
    name: tuple[str, ...]
    state: NDArray[np.uint8]
    point: Indices
    row: Indices
    frame: Indices
    xy: Floats
    used: Flags
    error: Floats
    key: str = ""

    def marked(self, moving: Flags) -> TrackTable:
        """moving [T]: by track number, which are on something that moves; those that hold a point do not count."""
        state = np.where(moving[self.id] & (self.point < 0), np.uint8(MOVING), self.state)
        return replace(self, state=state.astype(np.uint8))

    def joined(self, other: TrackTable) -> TrackTable:
        """Both, sorted by id."""
        ids = np.concatenate([self.id, other.id])
        order = np.argsort(ids, kind="stable")
        place = np.empty(len(ids), np.int64)
        place[order] = np.arange(len(ids))
        row = place[np.concatenate([self.row, other.row + len(self.id)])]
        frame = np.concatenate([self.frame, other.frame])
        seen = np.lexsort((frame, row))
        names = (*self.name, *other.name)
        return TrackTable(
            id=ids[order],
            name=tuple(names[i] for i in order),
            state=np.concatenate([self.state, other.state])[order],
            point=np.concatenate([self.point, other.point])[order],
            row=row[seen],
            frame=frame[seen],
            xy=np.concatenate([self.xy, other.xy])[seen],
            used=np.concatenate([self.used, other.used])[seen],
            error=np.concatenate([self.error, other.error])[seen],
            key=self.key,
        )


def track_table(scene: Scene, everything: Tracks, kept: Tracks, points: Indices) -> TrackTable:
    """everything: all observations that there are; kept: those of the final adjustment, with the same track
    numbers. points [P]: track numbers of the cloud's rows."""
    numbers, row = np.unique(everything.track, return_inverse=True)
    point = np.full(everything.count, -1, np.int64)
    point[points] = np.arange(len(points))
    used = np.isin(_keys(everything), _keys(kept)) & (point[everything.track] >= 0) & scene.posed[everything.frame]
    return TrackTable(
        id=numbers,
        name=("",) * len(numbers),
        state=np.full(len(numbers), AUTOMATIC, np.uint8),
        point=point[numbers],
        row=row.astype(np.int64),
        frame=everything.frame,
        xy=everything.xy,
        used=used,
        error=errors_px(scene, everything),
    )


def rows_without_points(tracks: Tracks, state: int) -> TrackTable:
    """A table of tracks that the solve left out."""
    numbers, row = np.unique(tracks.track, return_inverse=True)
    return TrackTable(
        id=numbers,
        name=("",) * len(numbers),
        state=np.full(len(numbers), state, np.uint8),
        point=np.full(len(numbers), -1, np.int64),
        row=row.astype(np.int64),
        frame=tracks.frame,
        xy=tracks.xy,
        used=np.zeros(len(row), bool),
        error=np.full(len(row), np.nan),
    )


def _keys(tracks: Tracks) -> Indices:
    """One number for track and frame together."""
    keys: Indices = tracks.track * tracks.frames + tracks.frame
    return keys
