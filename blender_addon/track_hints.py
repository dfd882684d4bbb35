"""What the artist did to the tracks of the plate, as the hints of the next solve.

`snapshot` copies the clip's tracks on Blender's main thread; the comparison with what was imported needs no bpy and
runs on a thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .importers.track_record import TrackRecord
from .importers.track_table import TrackTable
from .shared.errors import InvalidRequest
from .shared.solve_hints import (
    AddedTrack,
    KnownDistance,
    SolveHints,
    SurveyPoint,
    referred_id,
    require_valid,
    track_ref,
)

_MOVED_PX = 0.02
"""Blender keeps 32 bits of a place between 0 and 1: 0.001 px of a 16K picture."""


@dataclass(frozen=True)
class ClipTrack:
    """frame int64 [T], ascending plate numbers of the enabled markers; xy float64 [T,2], px of the plate."""

    name: str
    lock: bool
    frame: np.ndarray
    xy: np.ndarray


@dataclass(frozen=True)
class ClipState:
    """Everything that the artist may have said about a clip's tracks."""

    record: TrackRecord
    tracks: tuple[ClipTrack, ...]
    survey: tuple[SurveyPoint, ...] = ()
    distances: tuple[KnownDistance, ...] = ()
    weight: float = 10.0


@dataclass
class TrackHints:
    """hints: for the solve. renamed: tracks that are to be called otherwise in Blender, because from now on they are
    the artist's: old name -> new name, with the id that each replaces."""

    hints: SolveHints
    renamed: dict[str, tuple[str, int]] = field(default_factory=dict)


def snapshot(clip: Any, size: tuple[int, int], first_frame: int) -> tuple[ClipTrack, ...]:
    """The camera's tracks of a clip. size: of the plate, px; first_frame: its first number."""
    held = next(thing for thing in clip.tracking.objects if thing.is_camera).tracks
    return tuple(_copy(track, size, first_frame) for track in held)


def make_hints(state: ClipState, table: TrackTable) -> TrackHints:
    """Raises `InvalidRequest` when the clip's tracks are not those of the shot's present solve, or when what was
    said makes no sense."""
    record = state.record
    if record.ids and record.key != table.key:
        raise InvalidRequest(
            "The tracks in Blender are of an earlier solve: their numbers mean other tracks now.",
            "Press Import or Update Scene, then change the tracks again.",
        )
    found = _Comparison(record, table, state)
    survey = tuple(SurveyPoint(found.ref(point.track), point.xyz, point.sd) for point in state.survey)
    distances = tuple(
        KnownDistance(found.ref(known.first), found.ref(known.second), known.metres, known.sd)
        for known in state.distances
    )
    hints = SolveHints(
        deleted=tuple(found.deleted), locked=tuple(found.locked), tracks=tuple(found.added), survey=survey,
        distances=distances,
    )  # fmt: skip
    hints = replace(hints, tracks_key=table.key if hints.ids else "")
    require_valid(hints)
    return TrackHints(hints, found.renamed)


class _Comparison:
    """What became of each track since it was imported."""

    def __init__(self, record: TrackRecord, table: TrackTable, state: ClipState) -> None:
        self._table, self._weight = table, state.weight
        self._rows = {int(number): row for row, number in enumerate(table.id)}
        self._refs: dict[str, str] = {}
        self.locked: list[int] = []
        self.added: list[AddedTrack] = []
        self.renamed: dict[str, tuple[str, int]] = {}
        imported = set(record.ids)
        gone = imported - {number for track in state.tracks if (number := referred_id(track.name)) is not None}
        self._lost = {self._signature(number): number for number in gone}
        kept = set()
        for track in state.tracks:
            number = referred_id(track.name)
            if number in imported:
                kept |= self._automatic(track, int(number))
            else:
                kept |= self._own(track, record)
        self.deleted = sorted((imported | set(record.deleted)) - kept)

    def ref(self, name: str) -> str:
        """How the hints call a track that has this name in Blender. Raises `InvalidRequest`."""
        if name not in self._refs:
            raise InvalidRequest(
                f"Something is known of the track {name!r}, but the clip has no such track on two frames or more.",
                "Correct the name in the list of known places and distances, or remove it there.",
            )
        return self._refs[name]

    def _automatic(self, track: ClipTrack, number: int) -> set[int]:
        """A track that still has its name. Returns the ids that are not deleted."""
        if self._is_untouched(track, number):
            self._refs[track.name] = track_ref(number)
            if track.lock:
                self.locked.append(number)
            return {number}
        if len(track.frame) < 2:
            return set()
        name = f"track {number}"
        self._refs[track.name] = name
        self.renamed[track.name] = (name, number)
        self._add(track, name, number)
        return {number}

    def _own(self, track: ClipTrack, record: TrackRecord) -> set[int]:
        """A track with a name of the artist's: a renamed one of ours, an edited one, or his own."""
        if len(track.frame) < 2:
            return set()
        lost = self._lost.get(_signature(track.frame, track.xy))
        if lost is not None and self._is_untouched(track, lost):
            self._refs[track.name] = track_ref(lost)
            if track.lock:
                self.locked.append(lost)
            return {lost}
        name = track.name.lstrip("#") or "track"
        replaces = record.replaced.get(track.name)
        self._refs[track.name] = name
        self._add(track, name, replaces)
        return set() if replaces is None else {replaces}

    def _add(self, track: ClipTrack, name: str, replaces: int | None) -> None:
        positions = {
            str(int(frame)): (round(float(x), 4), round(float(y), 4))
            for frame, (x, y) in zip(track.frame, track.xy, strict=True)
        }
        self.added.append(AddedTrack(name, positions, self._weight, replaces))

    def _is_untouched(self, track: ClipTrack, number: int) -> bool:
        row = self._rows.get(number)
        if row is None:
            return False
        seen = self._table.observations(row)
        frames = self._table.frame[seen]
        same = len(frames) == len(track.frame) and bool((frames == track.frame).all())
        return same and bool(np.abs(self._table.xy[seen] - track.xy).max() < _MOVED_PX)

    def _signature(self, number: int) -> tuple[int, ...]:
        row = self._rows.get(number)
        if row is None:
            return ()
        seen = self._table.observations(row)
        return _signature(self._table.frame[seen], self._table.xy[seen])


def _signature(frame: np.ndarray, xy: np.ndarray) -> tuple[int, ...]:
    """Equal for equal tracks, and hardly ever for others."""
    return (len(frame), int(frame[0]), int(frame[-1]), *(np.rint(4.0 * xy[0]).astype(int).tolist()))


def _copy(track: Any, size: tuple[int, int], first_frame: int) -> ClipTrack:
    markers = track.markers
    count = len(markers)
    co, frame, mute = np.empty(2 * count, np.float32), np.empty(count, np.int32), np.empty(count, bool)
    markers.foreach_get("co", co)
    markers.foreach_get("frame", frame)
    markers.foreach_get("mute", mute)
    xy = co.reshape(-1, 2)[~mute].astype(np.float64)
    xy[:, 1] = 1.0 - xy[:, 1]
    return ClipTrack(track.name, bool(track.lock), frame[~mute].astype(np.int64) + first_frame - 1, xy * size)
