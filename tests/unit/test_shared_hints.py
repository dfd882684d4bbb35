"""hints.json: what is written is read back; what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidRequest, ShotCorrupt
from shared.shot import ShotFolder
from shared.solve_hints import (
    NO_HINTS,
    AddedTrack,
    KnownDistance,
    LensHint,
    SolveHints,
    SurveyPoint,
    read_hints,
    referred_id,
    track_ref,
    write_hints,
)

DOOR = AddedTrack("door", {"1": (10.5, 20.0), "3": (11.0, 20.5)}, 10.0)
FULL = SolveHints(
    tracks_key="abc",
    deleted=(3, 7),
    locked=(4,),
    tracks=(DOOR,),
    survey=(SurveyPoint("door", (0.0, 0.0, 0.0)), SurveyPoint("#4", (2.0, 0.0, 0.0), 0.02)),
    distances=(KnownDistance("door", "#4", 2.0),),
    lens=LensHint(focal_min_px=900.0, focal_max_px=1400.0),
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    shot = ShotFolder(tmp_path)
    assert read_hints(shot) == NO_HINTS
    write_hints(shot, FULL)
    assert read_hints(shot) == FULL and FULL.ids == (3, 4, 7)
    assert [path.name for path in shot.hints.parent.iterdir()] == ["hints.json"]
    write_hints(shot, NO_HINTS)
    assert not shot.hints.exists()


def test_tracks_are_named_by_their_id() -> None:
    assert referred_id(track_ref(12)) == 12 and referred_id("door") is None and referred_id("#x") is None


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"deletd": [1]}, "deletd"),
        ({"tracks_key": "k", "deleted": [-1]}, "deleted[0]"),
        ({"tracks_key": "k", "deleted": [1], "locked": [1]}, "locked"),
        ({"deleted": [1]}, "tracks_key"),
        ({"deleted": ["1"]}, "deleted[0]"),
        ({"tracks": [{"name": "#1", "positions": {"1": [0, 0], "2": [0, 0]}}]}, "tracks[0].name"),
        ({"tracks": [{"name": "a", "positions": {"1": [0, 0]}}]}, "tracks[0].positions"),
        ({"tracks": [{"name": "a", "positions": {"one": [0, 0], "2": [0, 0]}}]}, "one"),
        ({"tracks": [{"name": "a", "positions": {"1": [0, 0], "2": [0]}}]}, "tracks[0].positions.2"),
        ({"tracks": [{"name": "a", "postions": {}}]}, "postions"),
        ({"tracks": [{"name": "a", "positions": {"1": [0, 0], "2": [0, 0]}, "weight": 0}]}, "tracks[0].weight"),
        ({"survey": [{"track": "nobody", "xyz": [0, 0, 0]}]}, "survey[0].track"),
        ({"tracks_key": "k", "survey": [{"track": "#1", "xyz": [0, 0, 0], "sd": 0}]}, "survey[0].sd"),
        ({"tracks_key": "k", "survey": 2 * [{"track": "#1", "xyz": [0, 0, 0]}]}, "survey[1].track"),
        ({"tracks_key": "k", "deleted": [1], "survey": [{"track": "#1", "xyz": [0, 0, 0]}]}, "survey[0].track"),
        ({"tracks_key": "k", "distances": [{"first": "#1", "second": "#1", "metres": 1}]}, "distances[0].second"),
        ({"tracks_key": "k", "distances": [{"first": "#1", "second": "#2", "metres": -1}]}, "distances[0].metres"),
        ({"lens": {"focal_min_px": 900, "focal_max_px": 800}}, "lens.focal_max_px"),
        ({"lens": {"fixed": True}}, "lens.fixed"),
        ({"lens": {"focal": 5}}, "focal"),
        ({"version": 9}, "version"),
        ([], "map"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, said: Any, named: str) -> None:
    shot = ShotFolder(tmp_path)
    shot.hints.parent.mkdir()
    shot.hints.write_text(json.dumps({"version": 1, **said} if isinstance(said, dict) else said))
    with pytest.raises(ShotCorrupt) as refused:
        read_hints(shot)
    assert named in refused.value.message and str(shot.hints) in refused.value.message
    assert "delete it" in refused.value.remedy


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    shot = ShotFolder(tmp_path)
    shot.hints.parent.mkdir()
    shot.hints.write_text('{"version": 1, "del')
    with pytest.raises(ShotCorrupt, match=r"hints\.json"):
        read_hints(shot)


def test_nothing_wrong_is_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"positions\.2"):
        write_hints(
            ShotFolder(tmp_path), SolveHints(tracks=(AddedTrack("a", {"1": (0.0, 0.0), "2": (float("nan"), 0.0)}),))
        )
    assert not list(tmp_path.iterdir())
