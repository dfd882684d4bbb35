"""The solve's tracks as tracks of the plate's Movie Clip.

An automatic track is called `#` and its id, which is how hints.json refers to it; its markers are all that the
tracker saw, used by the solve or not. Colours tell the error: green below half a pixel, red from two on, grey
without a point. A marker lies at x / width, 1 - y / height: Blender's clip coordinates have their edges at 0 and 1 and
y upwards, and its frames count from 1 wherever the plate begins.

Importing again after the same tracking leaves every track alone: what the artist deleted stays deleted, what he
moved stays moved. After another tracking the numbers mean other things, and ours are made anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..overriding import overridden
from .track_record import TrackRecord, is_automatic, keep_record, record_of
from .track_table import ADDED, DELETED, LOCKED, TrackTable

if TYPE_CHECKING:
    from .contents import ShotContents

_AT_ONCE = 10
_PATTERN_PX, _SEARCH_PX = 21.0, 61.0
_GOOD_PX, _BAD_PX = 0.5, 2.0
_PLAIN = (0.4, 0.4, 0.4)


def import_tracks(clip: bpy.types.MovieClip, contents: ShotContents) -> Iterator[None]:
    """Brings the chosen tracks in, a few in each step."""
    from ..shared.solve_hints import track_ref

    table, rows = contents.tracks, contents.shown_tracks
    if table is None:
        return
    before = record_of(clip)
    same = before.key == table.key and bool(before.ids)
    if not same:
        remove_tracks(clip, [track.name for track in clip.tracking.tracks if is_automatic(track.name)])
        yield
    present = {track.name for track in clip.tracking.tracks}
    missing = {number for number in before.ids if track_ref(number) not in present} if same else set()
    write = _Writer(clip, contents, table)
    yield
    for count, row in enumerate(rows):
        name = _name(table, row)
        if name in present:
            write.dress(clip.tracking.tracks[name], row)
        elif int(table.id[row]) not in missing:
            write.add(name, row)
        if count % _AT_ONCE == _AT_ONCE - 1:
            yield
    yield
    _note(clip, table, rows, before if same else TrackRecord())


def remove_tracks(clip: bpy.types.MovieClip, names: list[str]) -> None:
    """Deletes tracks of the clip. Only Blender's own operator can, and it works on the selection of a clip editor: an
    area becomes one for the moment, and gets its face back before it is drawn."""
    if not names:
        return
    window = bpy.context.window_manager.windows[0]
    area = next((area for area in window.screen.areas if area.type == "CLIP_EDITOR"), window.screen.areas[0])
    tracks = clip.tracking.tracks
    was_object = clip.tracking.objects.active
    clip.tracking.objects.active = next(thing for thing in clip.tracking.objects if thing.is_camera)
    chosen, doomed = {track.name for track in tracks if track.select}, set(names)
    for track in tracks:
        track.select = track.name in doomed
        track.hide = track.hide and track.name not in doomed
        track.lock = track.lock and track.name not in doomed
    face, space_type = area.ui_type, "CLIP_EDITOR"
    if face != space_type:
        area.ui_type = space_type
    _delete_selected(window, area, clip)
    if face != space_type:
        area.ui_type = face
    for track in clip.tracking.tracks:
        track.select = track.name in chosen
    if was_object is not None:
        clip.tracking.objects.active = was_object


def _delete_selected(window: bpy.types.Window, area: bpy.types.Area, clip: bpy.types.MovieClip) -> None:
    space = area.spaces.active
    shown, mode = space.clip, space.mode
    space.clip, space.mode = clip, "TRACKING"
    region = next(region for region in area.regions if region.type == "WINDOW")
    with overridden(window=window, area=area, region=region):
        bpy.ops.clip.delete_track()
    space.mode, space.clip = mode, shown


def _name(table: TrackTable, row: int) -> str:
    from ..shared.solve_hints import track_ref

    return table.name[row] or track_ref(int(table.id[row]))


def _note(clip: bpy.types.MovieClip, table: TrackTable, rows: np.ndarray, before: TrackRecord) -> None:
    ours = rows[table.state[rows] != ADDED]
    error = dict(zip(table.id[ours].tolist(), table.error[ours].tolist(), strict=True))
    for number, known in zip(before.ids, before.errors, strict=True):
        error.setdefault(number, float("nan") if known is None else known)
    deleted = set(before.deleted) | set(table.id[table.state == DELETED].tolist())
    ids = sorted(error)
    errors = [round(error[number], 3) if isfinite(error[number]) else None for number in ids]
    keep_record(clip, TrackRecord(table.key, ids, sorted(map(int, deleted)), errors, before.replaced))


class _Writer:
    """Makes tracks of one clip."""

    def __init__(self, clip: bpy.types.MovieClip, contents: ShotContents, table: TrackTable) -> None:
        self._tracks, self._table = clip.tracking.tracks, table
        optics = contents.camera.intrinsics
        self._size = np.array((optics.width, optics.height), np.float32)
        self._first = contents.shot.facts.frame_start
        self._span = contents.shot.facts.frame_end - self._first + 1

    def add(self, name: str, row: int) -> None:
        seen = self._table.observations(row)
        frames, muted = _with_ends(self._table.frame[seen] - self._first + 1, self._span)
        places = np.interp(np.arange(len(frames)), np.flatnonzero(~muted), np.arange(seen.stop - seen.start))
        co = self._table.xy[seen][np.rint(places).astype(int)] / self._size
        co[:, 1] = 1.0 - co[:, 1]
        track = self._tracks.new(name=name, frame=int(frames[0]))
        insert, start = track.markers.insert_frame, tuple(map(float, co[0]))
        for frame in frames[1:].tolist():
            insert(frame, co=start)
        self._fill(track.markers, co, muted)
        self.dress(track, row)

    def dress(self, track: bpy.types.MovieTrackingTrack, row: int) -> None:
        """Colour and lock."""
        colour = _colour(float(self._table.error[row]))
        track.use_custom_color = True
        track.color = colour
        if self._table.state[row] == LOCKED:
            track.lock = True

    def _fill(self, markers: Any, co: np.ndarray, muted: np.ndarray) -> None:
        count = len(co)
        half = np.array((_PATTERN_PX, _SEARCH_PX))[:, None] / 2.0 / self._size
        markers.foreach_set("co", np.ascontiguousarray(co, np.float32).ravel())
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half[0]
        markers.foreach_set("pattern_corners", np.tile(corners.ravel(), count).astype(np.float32))
        markers.foreach_set("search_min", np.tile(-half[1], count).astype(np.float32))
        markers.foreach_set("search_max", np.tile(half[1], count).astype(np.float32))
        markers.foreach_set("mute", muted)
        markers.foreach_set("is_keyed", np.zeros(count, bool))


def _with_ends(frames: np.ndarray, span: int) -> tuple[np.ndarray, np.ndarray]:
    """Clip frames with a disabled marker before and after each run, where Blender would show the track on, and which
    they are, bool."""
    breaks = np.flatnonzero(np.diff(frames) > 1)
    ends = np.r_[frames[breaks] + 1, frames[-1] + 1]
    starts = np.r_[frames[0] - 1, frames[breaks + 1] - 1]
    extra = np.unique(np.r_[starts, ends])
    extra = extra[(extra >= 1) & (extra <= span)]
    merged = np.r_[frames, extra]
    order = np.argsort(merged, kind="stable")
    return merged[order], np.r_[np.zeros(len(frames), bool), np.ones(len(extra), bool)][order]


def _colour(error: float) -> tuple[float, float, float]:
    if not np.isfinite(error):
        return _PLAIN
    bad = min(max((error - _GOOD_PX) / (_BAD_PX - _GOOD_PX), 0.0), 1.0)
    return (0.15 + 0.75 * bad, 0.75 - 0.65 * bad, 0.1)
