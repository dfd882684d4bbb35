"""Points of a solve that lie on what moves.

A car that goes the camera's way leaves tracks that agree with a point, far away or near, and no residual shows it.
The dense motion masks do: a track that lies on moving pixels in most of its frames is no part of the set.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.sfm.frames import Flags, Indices, Picture
from backend.sfm.result import CameraSolve, PointCloud
from backend.sfm.track_table import AUTOMATIC, MOVING, TrackTable

_MOVES = 128
_MOST_FRAMES = 0.5
_MOST_POINTS = 0.5
"""Share of the points that may be left out: masks that say more are not to be believed against a whole solve."""


class MotionVotes:
    """Counts, mask by mask, how often each track lies on moving pixels."""

    def __init__(self, table: TrackTable) -> None:
        self._table = table
        self._votes = np.zeros(len(table.id), np.int64)
        self._order = np.argsort(table.frame, kind="stable")
        self._sorted = table.frame[self._order]

    def count(self, frame: int, mask: Picture) -> None:
        """mask: uint8 [H, W] of frame index `frame`."""
        rows = self._order[slice(*np.searchsorted(self._sorted, [frame, frame + 1]))]
        height, width = mask.shape
        x, y = np.floor(self._table.xy[rows]).astype(np.int64).T
        on = mask[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] >= _MOVES
        np.add.at(self._votes, self._table.row[rows[on]], 1)

    @property
    def moving(self) -> Flags:
        """bool [N]: tracks that do so in more than half of their frames; not those that the artist holds."""
        length = np.bincount(self._table.row, minlength=len(self._table.id))
        moves: Flags = self._votes > _MOST_FRAMES * length
        moves &= self._table.state == AUTOMATIC
        return moves


def without_moving(solved: CameraSolve, moving: Flags) -> CameraSolve:
    """The solve without the points of these tracks [N]; the camera stays. With more than half of the points on them
    it is left as it is."""
    table = solved.tracks
    if table is None:
        return solved
    gone = table.point[moving & (table.point >= 0)]
    if not len(gone) or len(gone) > _MOST_POINTS * len(solved.cloud.xyz):
        return solved
    keep = np.ones(len(solved.cloud.xyz), bool)
    keep[gone] = False
    numbers: Indices = np.where(keep, np.cumsum(keep) - 1, -1)
    seen = solved.observations.select(keep[solved.observations.track])
    point = np.where(table.point >= 0, numbers[table.point], -1)
    lost = (table.point >= 0) & (point < 0)
    return replace(
        solved,
        cloud=_part(solved.cloud, keep),
        observations=replace(seen, track=numbers[seen.track], count=int(keep.sum())),
        tracks=replace(
            table,
            point=point,
            state=np.where(lost, np.uint8(MOVING), table.state).astype(np.uint8),
            used=table.used & ~lost[table.row],
        ),
    )


def _part(cloud: PointCloud, keep: Flags) -> PointCloud:
    return PointCloud(
        cloud.xyz[keep], cloud.rgb[keep], cloud.error_px[keep], cloud.length[keep], cloud.at_infinity[keep]
    )  # fmt: skip
