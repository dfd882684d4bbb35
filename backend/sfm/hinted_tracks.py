"""The tracks of a clip as the artist wants them (`camera/hints.json`), and what is known of their points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from shared.errors import InvalidRequest
from shared.solve_hints import AddedTrack, SolveHints, referred_id

from .frames import Flags, Floats, Indices
from .same_tracks import OldTracks, carried, old_tracks
from .track_table import ADDED, ADDED_ID, DELETED, LOCKED, TrackTable, rows_without_points
from .tracks import TrackCare, Tracks, build_tracks

LOCKED_WEIGHT = 4.0
"""How many automatic observations one of a locked track counts as."""


@dataclass(frozen=True)
class KnownPoints:
    """place_of [S]: track numbers with a surveyed place; places [S, 3] m; place_sd [S] m. ends [D, 2]: pairs of track
    numbers; metres [D] apart; metres_sd [D]. names [S]: how the artist calls the places' tracks."""

    place_of: Indices
    places: Floats
    place_sd: Floats
    ends: Indices
    metres: Floats
    metres_sd: Floats
    names: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (len(self.place_of) or len(self.ends))


@dataclass(frozen=True)
class HintedTracks:
    """tracks: what the solve works with; automatic ones keep their numbers, added ones follow. found: as they were
    tracked. notices: what the artist should know."""

    tracks: Tracks
    found: Tracks
    hints: SolveHints
    known: KnownPoints
    notices: tuple[str, ...] = ()

    def labelled(self, table: TrackTable) -> TrackTable:
        """The table with the artist's names and states, and with the tracks that were left out."""
        if self.hints.is_empty:
            return table
        added = table.id - self.found.count
        names = [self.hints.tracks[i].name if i >= 0 else "" for i in added]
        state = table.state.copy()
        state[np.isin(table.id, self.hints.locked)] = LOCKED
        state[added >= 0] = ADDED
        ids = np.where(added >= 0, ADDED_ID + added, table.id)
        return replace(table, id=ids, name=tuple(names), state=state).joined(self._left_out())

    def _left_out(self) -> TrackTable:
        gone = np.isin(self.found.track, _left_out_ids(self.hints))
        return rows_without_points(self.found.select(gone), DELETED)


def hinted(
    found: Tracks,
    key: str,
    hints: SolveHints,
    numbers: Sequence[int],
    size: tuple[int, int],
    tables: Sequence[Path] = (),
) -> HintedTracks:
    """found: the tracked ones; with the `key` that hints were made for, their numbers are the ids in them. numbers:
    plate number of each frame; size: of the plate, px (w, h). tables: tracks.npz of earlier solves, for hints of
    another key. Raises `InvalidRequest` for an id that there is not."""
    if hints.is_empty:
        return HintedTracks(found, found, hints, _known(hints, {}))
    said: tuple[str, ...] = ()
    if hints.ids and hints.tracks_key != key:
        now = carried(hints, _earlier(hints, tables), found, key, numbers, size)
        hints, said = now.hints, now.notices
    _require_ids(hints, found)
    added, notices = _added(hints.tracks, found, numbers, size)
    kept = found.select(~np.isin(found.track, _left_out_ids(hints)))
    joined = build_tracks(
        np.concatenate([kept.track, added.track]),
        np.concatenate([kept.frame, added.frame]),
        np.concatenate([kept.xy, added.xy]),
        np.concatenate([kept.sigma, added.sigma]),
        found.frames,
    )
    count = found.count + len(hints.tracks)
    tracks = replace(joined, count=count, care=_care(hints, found.count, count))
    names = {track.name: found.count + i for i, track in enumerate(hints.tracks)}
    return HintedTracks(tracks, found, hints, _known(hints, names), (*said, *notices))


def _left_out_ids(hints: SolveHints) -> list[int]:
    return [*hints.deleted, *(track.replaces for track in hints.tracks if track.replaces is not None)]


def _earlier(hints: SolveHints, tables: Sequence[Path]) -> OldTracks:
    old = old_tracks(tables, hints.tracks_key)
    if old is None:
        raise InvalidRequest(
            "camera/hints.json speaks of tracks of a solve that is not there any more (another preset, seed or mask).",
            "Import the tracks again and change those, or delete camera/hints.json.",
        )
    unknown = sorted(set(hints.ids) - set(old.number.tolist()))
    if unknown:
        raise InvalidRequest(
            f"camera/hints.json speaks of track #{unknown[0]}, which its solve did not have.",
            "Correct the id, or import the tracks of the last solve again.",
        )
    return old


def _require_ids(hints: SolveHints, found: Tracks) -> None:
    present = np.bincount(found.track, minlength=found.count) > 0
    unknown = [number for number in hints.ids if number >= found.count or not present[number]]
    if unknown:
        raise InvalidRequest(
            f"camera/hints.json speaks of track #{unknown[0]}, but the shot has {int(present.sum())} tracks, "
            f"#0 to #{found.count - 1}.",
            "Correct the id, or import the tracks of the last solve again.",
        )


def _added(
    given: Sequence[AddedTrack], found: Tracks, numbers: Sequence[int], size: tuple[int, int]
) -> tuple[Tracks, list[str]]:
    """The artist's tracks, numbered after the others; positions outside of the clip or the picture are left out."""
    index = {number: i for i, number in enumerate(numbers)}
    sigma = float(np.median(found.sigma)) if len(found.sigma) else 0.1
    rows: list[tuple[int, int, float, float]] = []
    notices = []
    for i, track in enumerate(given):
        placed = {int(number): xy for number, xy in track.positions.items()}
        good = [number for number, xy in placed.items() if number in index and _inside(xy, size)]
        rows += [(found.count + i, index[number], *placed[number]) for number in good]
        if len(good) < len(placed):
            left = ", ".join(str(number) for number in sorted(set(placed) - set(good)))
            notices.append(
                f"Track {track.name!r}: frames {left} are left out; they are not in the clip or the picture."
            )
    table = np.array(rows, np.float64).reshape(-1, 4)
    track_numbers, frames = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    return build_tracks(track_numbers, frames, table[:, 2:], np.full(len(table), sigma), found.frames), notices


def _inside(xy: tuple[float, float], size: tuple[int, int]) -> bool:
    return 0.0 <= xy[0] <= size[0] and 0.0 <= xy[1] <= size[1]


def _care(hints: SolveHints, automatic: int, count: int) -> TrackCare:
    weight, held = np.ones(count), np.zeros(count, bool)
    by_hand: Flags = np.arange(count) >= automatic
    locked = np.array(hints.locked, np.int64)
    weight[locked], held[locked] = LOCKED_WEIGHT, True
    weight[automatic:], held[automatic:] = [track.weight for track in hints.tracks], True
    return TrackCare(weight, held, by_hand)


def _known(hints: SolveHints, names: dict[str, int]) -> KnownPoints:
    def number(ref: str) -> int:
        known = referred_id(ref)
        return names[ref] if known is None else known

    ends = np.array([(number(one.first), number(one.second)) for one in hints.distances], np.int64)
    return KnownPoints(
        place_of=np.array([number(one.track) for one in hints.survey], np.int64),
        places=np.array([one.xyz for one in hints.survey], np.float64).reshape(-1, 3),
        place_sd=np.array([one.sd for one in hints.survey], np.float64),
        ends=ends.reshape(-1, 2),
        metres=np.array([one.metres for one in hints.distances], np.float64),
        metres_sd=np.array([one.sd for one in hints.distances], np.float64),
        names=tuple(one.track for one in hints.survey),
    )
