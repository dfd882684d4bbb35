"""The solve's tracks in the Movie Clip, and what the artist does to them as hints of the next solve."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.shot import ShotFolder
from shared.solve_hints import read_hints
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.blender.synthetic_tracks import KEY, write_tracks

PLAN = ShotPlan(points=120, distortion=(-0.1, 0.02, 0.0, 0.0))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "clip_backlot"


def imported(root: Path, limit: int = 0) -> Any:
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.importers.shot_import import ImportOptions

    return api.import_shot(root, options=ImportOptions(track_limit=limit))


def hints_of(shot: Any) -> Any:
    """Writes the hints as Re-solve does, without solving."""
    from bl_ext.user_default.backlot.operators import tracks

    folder = Path(shot.collection["backlot_folder"])
    found = tracks.save_hints(folder, tracks.clip_state(shot.collection))
    tracks.rename_edited(shot.plate, found)
    return read_hints(ShotFolder(folder))


def delete(shot: Any, *names: str) -> None:
    from bl_ext.user_default.backlot.importers.tracks import remove_tracks

    remove_tracks(shot.plate, list(names))


def test_markers_lie_where_the_tracker_saw_them(empty: None, root: Path) -> None:
    """Blender's own marker at a frame of the plate is the pixel, y from below."""
    truth = write_shot(root, PLAN)
    seen = write_tracks(root, truth, gap=1006)
    shot = imported(root)
    tracks = shot.plate.tracking.tracks
    assert {track.name for track in tracks} == {f"#{number}" for number in seen}
    for number, found in seen.items():
        markers = tracks[f"#{number}"].markers
        enabled = {marker.frame: marker for marker in markers if not marker.mute}
        assert sorted(enabled) == [frame - 1000 for frame in sorted(found)]
        for frame, xy in found.items():
            place = np.array(enabled[frame - 1000].co) * (320, 180)
            assert np.abs(place - (xy[0], 180 - xy[1])).max() < 1e-3
            assert enabled[frame - 1000].pattern_bound_box[1][0] * 320 == pytest.approx(10.5, abs=1e-3)
        # Where the tracker saw nothing, Blender shows nothing: the frame after the last is disabled.
        after = markers.find_frame(6, exact=True)
        assert after is not None and after.mute
    green, red = (min(tracks, key=lambda track: sign * track.color[1]).color[:] for sign in (-1, 1))
    assert green[1] > green[0] and red[0] > red[1]


def test_the_best_are_spread_over_the_picture(empty: None, root: Path) -> None:
    truth = write_shot(root, ShotPlan(points=600, count=6))
    seen = write_tracks(root, truth, state={50: 1})
    shot = imported(root, limit=40)
    names = {track.name for track in shot.plate.tracking.tracks}
    assert 40 <= len(names) <= 41 and "#50" in names and shot.plate.tracking.tracks["#50"].lock
    cells = {tuple((next(iter(seen[int(name[1:])].values())) // (80, 45)).astype(int)) for name in names}
    everywhere = {tuple((next(iter(found.values())) // (80, 45)).astype(int)) for found in seen.values()}
    assert len(cells) >= 0.8 * len(everywhere)


def test_what_the_artist_does_becomes_hints(empty: None, root: Path) -> None:
    import bpy

    truth = write_shot(root, PLAN)
    seen = write_tracks(root, truth)
    shot = imported(root)
    tracks = shot.plate.tracking.tracks
    numbers = sorted(seen)
    gone, locked, moved, renamed = (f"#{number}" for number in numbers[:4])
    delete(shot, gone)
    tracks = shot.plate.tracking.tracks
    tracks[locked].lock = True
    marker = next(marker for marker in tracks[moved].markers if not marker.mute)
    marker.co = (marker.co[0] + 2.0 / 320, marker.co[1])
    tracks[renamed].name = "door"
    own = tracks.new(name="by hand", frame=2)
    own.markers[0].co = (0.25, 0.75)
    own.markers.insert_frame(5, co=(0.5, 0.5))
    tracks.new(name="one frame only", frame=2)
    assert bpy.ops.backlot.add_survey_point(track="door", place=(1.0, 2.0, 3.0)) == {"FINISHED"}
    assert bpy.ops.backlot.add_survey_point(track="by hand") == {"FINISHED"}
    assert bpy.ops.backlot.add_known_distance(first="by hand", second=moved, metres=2.5) == {"FINISHED"}
    hints = hints_of(shot)
    assert hints.tracks_key == KEY and hints.deleted == (numbers[0],) and hints.locked == (numbers[1],)
    by_name = {track.name: track for track in hints.tracks}
    assert set(by_name) == {"by hand", f"track {numbers[2]}"}
    assert by_name["by hand"].positions == {"1002": (80.0, 45.0), "1005": (160.0, 90.0)}
    edited = by_name[f"track {numbers[2]}"]
    first = min(seen[numbers[2]])
    assert edited.replaces == numbers[2] and len(edited.positions) == len(seen[numbers[2]])
    assert edited.positions[str(first)] == pytest.approx(tuple(seen[numbers[2]][first] + (2.0, 0.0)), abs=1e-3)
    assert [(point.track, point.xyz) for point in hints.survey] == [
        (f"#{numbers[3]}", (1.0, 2.0, 3.0)), ("by hand", (0.0, 0.0, 0.0)),
    ]  # fmt: skip
    (apart,) = hints.distances
    assert (apart.first, apart.second, apart.metres) == ("by hand", f"track {numbers[2]}", 2.5)
    # Once more: the edited track has its new name now, and nothing is different.
    assert f"track {numbers[2]}" in shot.plate.tracking.tracks
    assert hints_of(shot) == hints


def test_importing_again_keeps_the_edits(empty: None, root: Path) -> None:
    """The same tracking: deleted stays deleted, moved stays moved, also over a solve that took the hints."""
    truth = write_shot(root, PLAN)
    numbers = sorted(write_tracks(root, truth))
    shot = imported(root)
    delete(shot, f"#{numbers[0]}")
    marker = shot.plate.tracking.tracks[f"#{numbers[1]}"].markers[2]
    marker.co = (0.123, 0.456)
    imported(root)
    assert f"#{numbers[0]}" not in shot.plate.tracking.tracks
    assert tuple(shot.plate.tracking.tracks[f"#{numbers[1]}"].markers[2].co) == pytest.approx((0.123, 0.456))
    first = hints_of(shot)
    write_tracks(root, truth, state={numbers[0]: 3})
    imported(root)
    assert f"#{numbers[0]}" not in shot.plate.tracking.tracks and f"#{numbers[1]}" not in shot.plate.tracking.tracks
    assert hints_of(shot) == first


def test_another_tracking_starts_over(empty: None, root: Path) -> None:
    import bpy

    truth = write_shot(root, PLAN)
    numbers = sorted(write_tracks(root, truth))
    shot = imported(root)
    delete(shot, f"#{numbers[0]}")
    shot.plate.tracking.tracks.new(name="by hand", frame=1)
    write_tracks(root, truth, key="tracking two")
    with pytest.raises(Exception, match="earlier solve"):
        hints_of(shot)
    area = bpy.context.window_manager.windows[0].screen.areas[0].ui_type
    imported(root)
    names = {track.name for track in shot.plate.tracking.tracks}
    assert names == {f"#{number}" for number in numbers} | {"by hand"}
    assert bpy.context.window_manager.windows[0].screen.areas[0].ui_type == area
    assert hints_of(shot).is_empty


def test_knowledge_of_a_missing_track_is_refused(empty: None, root: Path) -> None:
    import bpy

    truth = write_shot(root, PLAN)
    write_tracks(root, truth)
    shot = imported(root)
    bpy.ops.backlot.add_survey_point(track="nobody")
    with pytest.raises(Exception, match="'nobody'"):
        hints_of(shot)
    bpy.ops.backlot.remove_known(kind="survey", index=0)
    with pytest.raises(RuntimeError, match="needs two tracks"):
        bpy.ops.backlot.add_known_distance()
    assert hints_of(shot).is_empty and not ShotFolder(root).hints.exists()


def test_five_hundred_tracks_come_in_short_steps(empty: None, root: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.importers.contents import read_shot
    from bl_ext.user_default.backlot.importers.shot_import import ImportOptions, import_steps

    truth = write_shot(root, ShotPlan(points=560, count=100, travel=0.2))
    seen = write_tracks(root, truth)
    steps = import_steps(bpy.context.scene, read_shot(root, 0), ImportOptions(track_limit=0))
    times, began = [], time.thread_time()
    for _ in steps:
        times.append(time.thread_time() - began)
        began = time.thread_time()
    clip = bpy.data.movieclips[0]
    markers = sum(len(track.markers) for track in clip.tracking.tracks)
    print(f"{len(seen)} tracks, {markers} markers: {sum(times):.3f} s, longest step {max(times):.3f} s")
    assert len(seen) >= 500 and markers > 45_000
    assert sum(times) < 1.0 and max(times) < 0.05


def test_solving_again_sends_the_hints(empty: None, root: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Through the backend: the hints are there before the job is."""
    import bpy

    from shared.artifacts import StageResult
    from tests.contract.fake_backend import FakeBackend

    truth = write_shot(root, PLAN)
    numbers = sorted(write_tracks(root, truth))
    monkeypatch.setenv("BACKLOT_HOME", str(tmp_path / "home"))
    shot = imported(root)
    bpy.context.scene.backlot.folder = str(root)
    delete(shot, f"#{numbers[5]}")
    found = []

    def solve(job: Any) -> None:
        found.append(read_hints(ShotFolder(Path(job.request.shot))).deleted)
        write_tracks(root, truth, state={numbers[5]: 3})
        job.stage_done(StageResult("solve", "sfm", 1, {}))

    with FakeBackend(tmp_path / "home", solve):
        assert bpy.ops.backlot.solve_with_tracks() == {"FINISHED"}
    assert found == [(numbers[5],)]
    assert f"#{numbers[5]}" not in shot.plate.tracking.tracks
    assert bpy.ops.backlot.forget_hints() == {"FINISHED"}
    write_tracks(root, truth)
    imported(root)
    assert f"#{numbers[5]}" in shot.plate.tracking.tracks and hints_of(shot).is_empty
