"""Hints of one tracking, carried to another one of the same plate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.sfm.hinted_tracks import hinted
from backend.sfm.same_tracks import old_tracks
from backend.sfm.track_table import track_table
from backend.sfm.tracks import Tracks, build_tracks
from backend.solve_files import write_tracks
from shared.errors import InvalidRequest, ShotCorrupt
from shared.solve_hints import AddedTrack, KnownDistance, SolveHints, SurveyPoint
from tests.unit.sfm_scene import seen, travelling
from tests.unit.solved_shot import made_up_solve

SIZE, NUMBERS = (640, 360), tuple(range(1, 13))


def old_table(folder: Path) -> Path:
    """tracks.npz of a coarse tracking, key "old": every second point."""
    solved = made_up_solve()
    tracks = seen(travelling(), 0.2)
    coarse = tracks.select(tracks.track % 2 == 0)
    table = replace(track_table(travelling(), coarse, coarse, np.arange(0, 200, 2)), key="old")
    write_tracks(replace(solved, tracks=table), folder / "tracks.npz")
    return folder / "tracks.npz"


def fine_tracks() -> Tracks:
    """All points, numbered the other way round, noisier."""
    tracks = seen(travelling(), 0.3, seed=8)
    return build_tracks(199 - tracks.track, tracks.frame, tracks.xy, tracks.sigma, tracks.frames)


def long_ids(folder: Path, least: int = 8) -> list[int]:
    old = old_tracks((folder / "tracks.npz",), "old")
    assert old is not None
    ids, counts = np.unique(old.number, return_counts=True)
    return [int(i) for i in ids[counts >= least]]


def test_particular_tracks_find_their_heirs(tmp_path: Path) -> None:
    table = old_table(tmp_path)
    a, b, c, d = long_ids(tmp_path)[:4]
    edited = AddedTrack("edited", {"1": (100.0, 100.0), "2": (101.0, 100.0)}, replaces=d)
    hints = SolveHints(
        tracks_key="old", locked=(a,), tracks=(edited,),
        survey=(SurveyPoint(f"#{b}", (0, 0, 0)),), distances=(KnownDistance(f"#{b}", f"#{c}", 2.0),),
    )  # fmt: skip
    given = hinted(fine_tracks(), "new", hints, NUMBERS, SIZE, (tmp_path / "nowhere.npz", table))
    assert given.hints.tracks_key == "new" and given.hints.locked == (199 - a,)
    assert given.known.place_of.tolist() == [199 - b] and given.known.ends.tolist() == [[199 - b, 199 - c]]
    assert given.hints.tracks[0].replaces == 199 - d and not (given.tracks.track == 199 - d).any()
    assert given.tracks.care is not None and given.tracks.care.held[199 - a] and not given.notices


def test_what_was_deleted_stays_out_with_all_that_is_on_it(tmp_path: Path) -> None:
    """Half of the points were tracked before, and those in the right third of the picture deleted."""
    table = old_table(tmp_path)
    scene, found = travelling(), fine_tracks()
    old = old_tracks((table,), "old")
    assert old is not None

    def on_the_right(number: np.ndarray, xy: np.ndarray, count: int) -> np.ndarray:
        total = np.bincount(number, minlength=count)
        return np.bincount(number, xy[:, 0], minlength=count) / np.maximum(total, 1) > 430

    gone = np.nonzero(on_the_right(old.number, old.xy, len(scene.known)))[0]
    hints = SolveHints(tracks_key="old", deleted=tuple(int(i) for i in gone))
    given = hinted(found, "new", hints, NUMBERS, SIZE, (table,))
    there = on_the_right(found.track, found.xy, found.count)
    left = np.bincount(given.tracks.track, minlength=found.count) > 0
    assert len(given.hints.deleted) > 1.3 * len(gone)  # the finer tracking has more on it
    assert (left & there).sum() < 0.25 * there.sum()
    assert (~left & ~there & (np.bincount(found.track, minlength=found.count) > 0)).sum() < 0.15 * (~there).sum()
    assert "made anew" in given.notices[0] and str(len(given.hints.deleted)) in given.notices[0]


def test_what_is_not_found_again_is_said(tmp_path: Path) -> None:
    table = old_table(tmp_path)
    first = long_ids(tmp_path)[0]
    found = fine_tracks()
    without = found.select(found.track != 199 - first)
    given = hinted(without, "new", SolveHints(tracks_key="old", locked=(first,)), NUMBERS, SIZE, (table,))
    assert given.hints.locked == () and "no like" in given.notices[0]


def test_hints_of_nowhere_are_refused(tmp_path: Path) -> None:
    table = old_table(tmp_path)
    with pytest.raises(InvalidRequest, match="not there any more"):
        hinted(fine_tracks(), "new", SolveHints(tracks_key="older", locked=(2,)), NUMBERS, SIZE, (table,))
    with pytest.raises(InvalidRequest, match="#3,"):
        hinted(fine_tracks(), "new", SolveHints(tracks_key="old", locked=(3,)), NUMBERS, SIZE, (table,))
    with pytest.raises(InvalidRequest, match="#900"):
        hinted(fine_tracks(), "new", SolveHints(tracks_key="new", locked=(900,)), NUMBERS, SIZE)
    table.write_bytes(b"damaged")
    with pytest.raises(ShotCorrupt, match=r"tracks\.npz"):
        hinted(fine_tracks(), "new", SolveHints(tracks_key="old", locked=(2,)), NUMBERS, SIZE, (table,))
