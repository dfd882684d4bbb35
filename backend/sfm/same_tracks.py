"""Hints outlive their tracks: what was said of the tracks of one tracking is carried to those of another (another
preset, seed or mask) by where in the picture they are.

A deleted track stands for the thing it was on, and another preset has other and more tracks on it: a new track is left
out when in most of its frames the nearest old track is a deleted one. A track that is locked, surveyed, measured or
edited is one particular corner: its heir is the new track that stays within some pixels of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from shared.errors import ShotCorrupt
from shared.solve_hints import AddedTrack, KnownDistance, SolveHints, SurveyPoint, referred_id, track_ref

from .frames import Flags, Floats, Indices
from .tracks import Tracks

_REACH = 0.002
"""Of the picture's diagonal: how far an heir may be from the corner (1.5 px in 640x360, 4.4 px in 1920x1080)."""
_NEAR = 0.03
"""Of the diagonal: the nearest old track says nothing about a new one that is further away."""
_MOST_FRAMES = 0.5


@dataclass(frozen=True)
class OldTracks:
    """Of an earlier tracks.npz. number, frame [M]: id and plate number of each observation; xy [M, 2] px."""

    number: Indices
    frame: Indices
    xy: Floats


def old_tracks(tables: Sequence[Path], key: str) -> OldTracks | None:
    """The first of the tables that has this key. Raises `ShotCorrupt`."""
    for path in tables:
        if not path.is_file():
            continue
        try:
            with np.load(path, allow_pickle=False) as stored:
                if str(stored["key"]) == key:
                    number = stored["id"][stored["row"]].astype(np.int64)
                    return OldTracks(number, stored["frame"].astype(np.int64), stored["xy"].astype(np.float64))
        except (OSError, ValueError, EOFError, KeyError, IndexError) as bad:
            raise ShotCorrupt(f"{path} cannot be read: {bad}.", "Delete it and run Solve Camera again.") from bad
    return None


@dataclass(frozen=True)
class CarriedHints:
    hints: SolveHints
    notices: tuple[str, ...]


def carried(
    hints: SolveHints, old: OldTracks, found: Tracks, key: str, numbers: Sequence[int], size: tuple[int, int]
) -> CarriedHints:
    """The hints in the numbers of `found`, whose key this is. numbers: plate number of each frame; size: px (w, h)."""
    diagonal = float(np.hypot(*size))
    index = {number: i for i, number in enumerate(numbers)}
    inside = np.isin(old.frame, list(index))
    frame = np.array([index[number] for number in old.frame[inside].tolist()], np.int64)
    old = OldTracks(old.number[inside], frame, old.xy[inside])
    deleted = _on_what_was_deleted(hints.deleted, old, found, _NEAR * diagonal)
    particular = sorted(set(hints.ids) - set(hints.deleted))
    heirs = {number: heir for number in particular if (heir := _heir(number, old, found, _REACH * diagonal)) >= 0}
    said = _translated(replace(hints, tracks_key=key, deleted=tuple(np.nonzero(deleted)[0].tolist())), heirs)
    lost = len(particular) - len(heirs)
    notices = [f"The tracks were made anew: {int(deleted.sum())} of them are on what was deleted."] * bool(
        hints.deleted
    )
    if lost:
        notices.append(
            f"{lost} of {len(particular)} tracks that something was said of have no like in the new tracking."
        )
    return CarriedHints(said, tuple(notices))


def _on_what_was_deleted(gone: Sequence[int], old: OldTracks, found: Tracks, near: float) -> Flags:
    """bool [T]: new tracks that are nearest to deleted ones in most of the frames in which anything is near."""
    votes, told = np.zeros(found.count), np.zeros(found.count)
    is_gone = np.isin(old.number, gone)
    for frame in range(found.frames if len(gone) else 0):
        there, here = np.nonzero(old.frame == frame)[0], found.rows_of(frame)
        if not len(there) or not len(here):
            continue
        away, nearest = cKDTree(old.xy[there]).query(found.xy[here])
        close = away < near
        told[found.track[here[close]]] += 1
        votes[found.track[here[close]]] += is_gone[there[nearest[close]]]
    out: Flags = votes > _MOST_FRAMES * np.maximum(told, 1.0)
    return out


def _heir(number: int, old: OldTracks, found: Tracks, reach: float) -> int:
    """The new track that is near the old one in most of the frames that have it; -1 without one."""
    votes: dict[int, int] = {}
    mine = np.nonzero(old.number == number)[0]
    for row in mine:
        here = found.rows_of(int(old.frame[row]))
        near = here[np.linalg.norm(found.xy[here] - old.xy[row], axis=1) < reach]
        for track in found.track[near].tolist():
            votes[track] = votes.get(track, 0) + 1
    best = max(votes, key=lambda track: (votes[track], -track), default=-1)
    return best if best >= 0 and votes[best] > _MOST_FRAMES * len(mine) else -1


def _translated(hints: SolveHints, heirs: dict[int, int]) -> SolveHints:
    """With the heirs' numbers; what has none is left out."""
    names = {track.name for track in hints.tracks}

    def ref(old: str) -> str | None:
        number = referred_id(old)
        if number is None:
            return old if old in names else None
        return track_ref(heirs[number]) if number in heirs else None

    survey: list[SurveyPoint] = []
    for point in hints.survey:
        now = ref(point.track)
        if now is not None:
            survey.append(replace(point, track=now))
    distances: list[KnownDistance] = []
    for apart in hints.distances:
        first, second = ref(apart.first), ref(apart.second)
        if first is not None and second is not None and first != second:
            distances.append(replace(apart, first=first, second=second))
    locked = {heirs[number] for number in hints.locked if number in heirs}
    return replace(
        hints,
        locked=tuple(sorted(locked - set(hints.deleted))),
        tracks=tuple(_edited(track, heirs) for track in hints.tracks),
        survey=tuple(survey),
        distances=tuple(distances),
    )


def _edited(track: AddedTrack, heirs: dict[int, int]) -> AddedTrack:
    return replace(track, replaces=None if track.replaces is None else heirs.get(track.replaces))
