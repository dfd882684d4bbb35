"""What the artist says of tracks changes the camera as it should, on rendered sets with an exact camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.sfm import tracking
from backend.sfm.result import CameraSolve
from backend.sfm.settings import SfmSettings
from backend.sfm.solver import solve
from backend.sfm.track_table import ADDED, ADDED_ID, AUTOMATIC, DELETED, LOCKED, MOVING, TrackTable
from backend.stages import solve as stage
from shared.camera_files import read_camera
from shared.errors import InvalidRequest
from shared.shot import ShotFile, ShotFolder, SourceFacts, document_text
from shared.solve_hints import AddedTrack, KnownDistance, SolveHints, SurveyPoint, write_hints
from shared.stages import SolveParams
from tests.benchmarks.scoring import Array, path_length
from tests.quality.synthetic_set import Footage, Plane, courtyard, render, textured
from tests.quality.test_solve_synthetic import SIZE, K, ate_percent, poses_of, travelling
from tests.unit.solved_shot import context_of

CORNERS = {"near": (1.2, 4.2, 1.4), "right": (2.8, 6.0, 1.4), "foot": (1.2, 4.2, 0.0), "far": (-0.6, 6.5, 1.4)}


@pytest.fixture(scope="module")
def footage() -> Footage:
    rng = np.random.default_rng(11)
    return render(courtyard(rng), travelling(20, 11), K, SIZE, rng)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tracks")


@pytest.fixture(scope="module")
def plain(footage: Footage, cache: Path) -> CameraSolve:
    return solve(footage, SfmSettings(checkpoint=cache))


def again(footage: Footage, cache: Path, hints: SolveHints) -> CameraSolve:
    return solve(footage, SfmSettings(checkpoint=cache, hints=hints))


def table(solved: CameraSolve) -> TrackTable:
    assert solved.tracks is not None
    return solved.tracks


def seen_at(footage: Footage, corner: tuple[float, float, float]) -> dict[str, tuple[float, float]]:
    """Where the true cameras see a place, by plate number, in the frames that have it in the picture."""
    found = {}
    for number, pose in zip(footage.numbers, footage.poses, strict=True):
        x, y, z = (np.array(corner) - pose[:3, 3]) @ pose[:3, :3]
        u, v = K[0, 0] * x / z + K[0, 2], K[1, 1] * y / z + K[1, 2]
        if 0 < u < SIZE[0] and 0 < v < SIZE[1]:
            found[str(number)] = (float(u), float(v))
    return found


def drawn(footage: Footage) -> tuple[AddedTrack, ...]:
    return tuple(AddedTrack(name, seen_at(footage, corner), 5.0) for name, corner in CORNERS.items())


@pytest.fixture
def no_tracking(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Called, it makes following points anew an error."""

    def refuse(*_: object) -> None:
        raise AssertionError("the points are followed again")

    return lambda: monkeypatch.setattr(tracking, "_track", refuse)


def test_ids_stay_when_nothing_else_changes(
    plain: CameraSolve, footage: Footage, cache: Path, no_tracking: Callable[[], None]
) -> None:
    no_tracking()
    first = table(plain)
    gone = tuple(int(i) for i in first.id[first.point >= 0][:5])
    kept = int(first.id[first.point >= 0][7])
    second = again(footage, cache, SolveHints(tracks_key=first.key, deleted=gone, locked=(kept,)))
    after = table(second)
    assert after.key == first.key and np.array_equal(after.id, first.id)
    state = dict(zip(after.id.tolist(), after.state.tolist(), strict=True))
    assert all(state[i] == DELETED for i in gone) and state[kept] == LOCKED
    assert sum(s in (AUTOMATIC, MOVING) for s in state.values()) == len(first.id) - 6
    assert (after.point[np.isin(after.id, gone)] == -1).all()
    assert not after.used[np.isin(after.row, np.nonzero(np.isin(after.id, gone))[0])].any()
    assert ate_percent(second, footage.poses) < 0.2


def test_an_unknown_id_is_named(plain: CameraSolve, footage: Footage, cache: Path) -> None:
    with pytest.raises(InvalidRequest, match="#99999"):
        again(footage, cache, SolveHints(tracks_key=table(plain).key, deleted=(99999,)))


def test_a_locked_track_is_kept_though_it_disagrees(plain: CameraSolve, footage: Footage, cache: Path) -> None:
    """A drawn track that jumps by 5 px half-way: all of it is in the final adjustment."""
    spots = seen_at(footage, CORNERS["near"])
    jumps = {frame: (x + 5.0 * (int(frame) > 1010), y) for frame, (x, y) in spots.items()}
    result = again(footage, cache, SolveHints(tracks=(AddedTrack("jumping", jumps),)))
    tracks = table(result)
    row = tracks.name.index("jumping")
    assert tracks.state[row] == ADDED and tracks.id[row] == ADDED_ID and tracks.point[row] >= 0
    mine = tracks.row == row
    assert mine.sum() == len(jumps) and tracks.used[mine].all() and tracks.error[mine].max() > 1.0
    assert ate_percent(result, footage.poses) < 0.3


def test_surveyed_places_are_the_world(footage: Footage, cache: Path, plain: CameraSolve) -> None:
    survey = tuple(SurveyPoint(name, corner) for name, corner in CORNERS.items())
    result = again(footage, cache, SolveHints(tracks=drawn(footage), survey=survey))
    assert (result.gauge.up_source, result.gauge.scale_source, result.gauge.units) == ("picked", "two-points", "metres")
    away = np.linalg.norm(poses_of(result)[:, :3, 3] - footage.poses[:, :3, 3], axis=1)
    assert away.max() < 0.02  # metres, 5 m from the corners; nothing was aligned
    turn = poses_of(result)[:, :3, :3].transpose(0, 2, 1) @ footage.poses[:, :3, :3]
    assert np.degrees(np.arccos(np.clip((np.trace(turn, axis1=1, axis2=2) - 1) / 2, -1, 1))).max() < 0.2
    assert not [one for one in result.notices if "disagree" in one]


def test_a_wrong_place_is_said(footage: Footage, cache: Path, plain: CameraSolve) -> None:
    wrong = {**CORNERS, "right": (2.8, 5.0, 1.4)}
    survey = tuple(SurveyPoint(name, corner) for name, corner in wrong.items())
    result = again(footage, cache, SolveHints(tracks=drawn(footage), survey=survey))
    assert any("disagree" in one for one in result.notices)


def test_a_distance_is_the_scale(footage: Footage, cache: Path, plain: CameraSolve) -> None:
    metres = float(np.linalg.norm(np.subtract(CORNERS["right"], CORNERS["near"])))
    result = again(
        footage, cache, SolveHints(tracks=drawn(footage), distances=(KnownDistance("right", "near", metres),))
    )
    assert (result.gauge.up_source, result.gauge.scale_source, result.gauge.units) == ("none", "two-points", "metres")
    walked = path_length(poses_of(result)[:, :3, 3]) / path_length(footage.poses[:, :3, 3])
    assert abs(walked - 1.0) < 0.005


@pytest.fixture(scope="module")
def hijacked() -> tuple[Footage, list[Array]]:
    """A patterned board that fills more than half of the picture, slides along with the camera and turns; and the
    pixels of its corners in every frame."""
    rng = np.random.default_rng(21)
    planes, board = courtyard(rng), textured(rng)
    poses = travelling(20, 21)
    frames, corners = [], []
    for i, pose in enumerate(poses):
        aside = pose[:3, 3] + 1.8 * pose[:3, 2] + (0.015 * i - 1.4) * pose[:3, 0] - 0.75 * pose[:3, 1]
        moving = Plane(aside, 1.5 * pose[:3, 0] + 0.4 * pose[:3, 2] * np.sin(0.3 * i), 1.5 * pose[:3, 1], board)
        frames += render([*planes, moving], pose[None], K, SIZE, rng).frames
        ends = np.array([aside, aside + moving.along, aside + moving.along + moving.across, aside + moving.across])
        flat = (ends - pose[:3, 3]) @ pose[:3, :3]
        corners.append(K[0, 0] * flat[:, :2] / flat[:, 2:] + K[:2, 2])
    return Footage(frames, poses, K), corners


def test_a_wrong_object_is_taken_out(hijacked: tuple[Footage, list[Array]], tmp_path: Path) -> None:
    """The solver may follow what fills the picture; without its tracks it follows the set."""
    footage, corners = hijacked
    settings = SfmSettings(checkpoint=tmp_path, find_movers=False, motion="full")
    first = solve(footage, settings)
    misled = ate_percent(first, footage.poses)
    tracks = table(first)
    on_board = np.zeros(len(tracks.id), bool)
    for frame, around in enumerate(corners):
        here = tracks.frame == frame
        low, high = around.min(0) - 6.0, around.max(0) + 6.0
        inside = ((tracks.xy[here] > low) & (tracks.xy[here] < high)).all(1)
        on_board[tracks.row[here][inside]] = True
    hints = SolveHints(tracks_key=tracks.key, deleted=tuple(int(i) for i in tracks.id[on_board]))
    second = solve(footage, replace(settings, hints=hints))
    assert misled > 5.0
    assert ate_percent(second, footage.poses) < 0.3


def test_through_the_stage_and_its_files(footage: Footage, tmp_path: Path, no_tracking: Callable[[], None]) -> None:
    """Survey points in hints.json: metres and the right up in extrinsics.json, from the tracks of the first solve."""
    facts = SourceFacts("sequence", *SIZE, "24", 1001, 1020, 20)
    shot = ShotFolder(tmp_path)
    shot.frames_dir.mkdir(parents=True)
    shot.private_dir.mkdir()
    shot.shot_json.write_text(document_text(ShotFile(1, "set", "/plates/set.####.png", facts)))
    for number, frame in zip(footage.numbers, footage.frames, strict=True):
        cv2.imwrite(str(shot.frame_path(number)), frame[:, :, ::-1])
    stage.run(SolveParams(), context_of(tmp_path))
    no_tracking()
    assert read_camera(tmp_path).extrinsics.units == "arbitrary"
    key = read_table(shot)["key"]
    survey = tuple(SurveyPoint(name, corner) for name, corner in CORNERS.items())
    write_hints(shot, SolveHints(tracks_key=str(key), deleted=(0, 1), tracks=drawn(footage), survey=survey))
    stage.run(SolveParams(), context_of(tmp_path))
    camera = read_camera(tmp_path)
    said = camera.extrinsics
    assert (said.units, said.up_source, said.scale_source) == ("metres", "picked", "two-points")
    place = np.array([frame.world_from_camera for frame in said.frames])[:, :3, 3]
    assert np.linalg.norm(place - footage.poses[:, :3, 3], axis=1).max() < 0.02
    table = read_table(shot)
    assert table["key"] == key and set(table["name"][table["state"] == ADDED]) == set(CORNERS)
    assert set(table["id"][table["state"] == DELETED]) == {0, 1}


def read_table(shot: ShotFolder) -> dict[str, np.ndarray]:
    with np.load(shot.tracks) as stored:
        return {name: stored[name] for name in stored.files}
