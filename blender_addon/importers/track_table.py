"""`camera/tracks.npz`, and which of its tracks are worth an artist's look. No bpy here: read on a thread."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..shared.errors import ShotCorrupt

AUTOMATIC, LOCKED, ADDED, DELETED, MOVING = 0, 1, 2, 3, 4
"""`TrackTable.state`, as docs/formats.md has it."""
_GRID = (8, 6)


@dataclass(frozen=True)
class TrackTable:
    """key: what the ids are valid for. id int64 [N]; name [N], "" for automatic tracks; state uint8 [N]; point bool
    [N]: has a point. first int64 [N+1]: where each track's observations begin. frame int32 [M], plate numbers; xy
    float32 [M,2], px of the plate, edges at integers. error float32 [N]: median px, nan without a point."""

    key: str
    id: np.ndarray
    name: tuple[str, ...]
    state: np.ndarray
    point: np.ndarray
    first: np.ndarray
    frame: np.ndarray
    xy: np.ndarray
    error: np.ndarray

    def observations(self, row: int) -> slice:
        """Where a track's observations are."""
        return slice(int(self.first[row]), int(self.first[row + 1]))

    @property
    def lengths(self) -> np.ndarray:
        """Observations of each track [N]."""
        return np.diff(self.first)


def read_tracks(path: Path) -> TrackTable:
    """Raises `ShotCorrupt`."""
    try:
        with np.load(path) as file:
            held = {name: file[name] for name in file.files}
        count = len(held["id"])
        first = np.searchsorted(held["row"], np.arange(count + 1))
        return TrackTable(
            key=str(held["key"]),
            id=held["id"].astype(np.int64),
            name=tuple(map(str, held["name"])),
            state=held["state"],
            point=held["point"] >= 0,
            first=first,
            frame=held["frame"],
            xy=held["xy"].astype(np.float32).reshape(-1, 2),
            error=_errors(held["error"], held["used"], held["row"], count),
        )
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}", "Run Solve Camera again.") from bad


def choose(tracks: TrackTable, limit: int, size: tuple[int, int]) -> np.ndarray:
    """Rows of the tracks to show, ascending: at most `limit` automatic ones (0: all), and every one that the
    artist has locked or made. size: of the plate, px.

    The best are long and exact, and they are taken in turns from the cells of a grid over the picture, so that
    they tell of the whole of it and not only of its busiest corner.
    """
    own = np.flatnonzero((tracks.state == LOCKED) | (tracks.state == ADDED))
    automatic = np.flatnonzero((tracks.state == AUTOMATIC) | (tracks.state == MOVING))
    automatic = automatic[tracks.lengths[automatic] >= 2]
    if not limit or len(automatic) <= limit:
        return np.sort(np.concatenate([own, automatic]))
    good = automatic[tracks.point[automatic] & (tracks.state[automatic] == AUTOMATIC)]
    worth = tracks.lengths[good] / (1.0 + np.nan_to_num(tracks.error[good], nan=9.0, posinf=9.0))
    ranked = good[np.argsort(-worth, kind="stable")]
    cells = _cells(tracks, ranked, size)
    turn = _turns(cells)
    return np.sort(np.concatenate([own, ranked[np.lexsort((np.arange(len(ranked)), turn))][:limit]]))


def _errors(error: np.ndarray, used: np.ndarray, row: np.ndarray, count: int) -> np.ndarray:
    """Median error of the used observations of each track; of all when none is used."""
    found = np.full(count, np.nan, np.float32)
    for wanted in (np.isfinite(error), np.isfinite(error) & used.astype(bool)):
        rows, values = row[wanted], error[wanted]
        order = np.lexsort((values, rows))
        rows, values = rows[order], values[order]
        present, start, number = np.unique(rows, return_index=True, return_counts=True)
        found[present] = values[start + number // 2]
    return found


def _cells(tracks: TrackTable, rows: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The grid cell in which each track has its middle observation."""
    middle = tracks.xy[(tracks.first[rows] + tracks.first[rows + 1]) // 2]
    cell = np.clip((middle / size * _GRID).astype(int), 0, np.array(_GRID) - 1)
    return cell[:, 0] * _GRID[1] + cell[:, 1]


def _turns(cells: np.ndarray) -> np.ndarray:
    """How many of the same cell come before each: [0, 0, 1] for cells [a, b, a]."""
    order = np.argsort(cells, kind="stable")
    sorted_cells = cells[order]
    starts = np.flatnonzero(np.r_[True, sorted_cells[1:] != sorted_cells[:-1]])
    lengths = np.diff(np.r_[starts, len(cells)])
    turn = np.empty(len(cells), np.int64)
    turn[order] = np.arange(len(cells)) - np.repeat(starts, lengths)
    return turn
