"""What an import has made of a solve's tracks, kept with the plate's Movie Clip."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import bpy

from . import ownership

_RECORD = "backlot_tracks"
_OURS = re.compile(r"#\d+")


@dataclass
class TrackRecord:
    """What was imported into a clip. ids: of automatic tracks. deleted: ids that the artist had taken out before the
    last solve. errors: median px of each of `ids`, None without a point. replaced: name of an edited track -> the id
    of the automatic one that it stands for."""

    key: str = ""
    ids: list[int] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    errors: list[float | None] = field(default_factory=list)
    replaced: dict[str, int] = field(default_factory=dict)


def plate_of(collection: bpy.types.Collection | None) -> bpy.types.MovieClip | None:
    """The shot's plate, None when it was not imported."""
    return ownership.recall(collection, ownership.PLATE) if collection is not None else None


def record_of(clip: bpy.types.MovieClip) -> TrackRecord:
    """An empty one before the first import."""
    text = clip.get(_RECORD)
    return TrackRecord(**json.loads(text)) if isinstance(text, str) else TrackRecord()


def keep_record(clip: bpy.types.MovieClip, record: TrackRecord) -> None:
    clip[_RECORD] = json.dumps(vars(record))


def is_automatic(name: str) -> bool:
    """Whether a track is called as an imported one that the tracker made."""
    return _OURS.fullmatch(name) is not None


def error_of(record: TrackRecord, track: bpy.types.MovieTrackingTrack) -> float | None:
    """The median error of an imported track, px; None for others."""
    if not is_automatic(track.name):
        return None
    number = int(track.name[1:])
    return record.errors[record.ids.index(number)] if number in record.ids else None
