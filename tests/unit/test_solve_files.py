"""What a solve writes, and that it changes all of it or nothing."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest

from backend.pipeline.manifest import MANIFEST_VERSION, Manifest, find, write
from backend.sfm.result import CameraSolve
from backend.sfm.track_table import LOCKED, MOVING
from backend.solve_files import write_solve
from backend.world.answer import answer
from backend.world.keep import earlier_camera
from shared.artifacts import StageResult
from shared.camera_files import SolvedCamera, read_camera
from shared.errors import JobCancelled
from shared.shot import ShotFolder, read_document
from shared.solve_report import Problem, SolveReport
from shared.world_messages import WorldRequest
from tests.unit.export_shot import Recorder
from tests.unit.solved_shot import FACTS, context_of, made_up_solve, shot_at
from tests.unit.test_world_change import killed, open_shot
from tests.unit.test_world_keep import SET


def written(root: Path, solved: CameraSolve, observer: Recorder | None = None) -> tuple:
    return write_solve(solved, FACTS, "sfm", context_of(root, observer), earlier_camera(ShotFolder(root))).artifacts


def place(camera: SolvedCamera) -> np.ndarray:
    return np.array([frame.world_from_camera for frame in camera.extrinsics.frames])[:, :3, 3]


def test_every_file_is_listed_with_its_size(tmp_path: Path) -> None:
    shot = shot_at(tmp_path)
    listed = written(tmp_path, made_up_solve())
    assert {one.path for one in listed} == {
        "camera/intrinsics.json", "camera/extrinsics.json", "camera/world.json", "camera/report.json",
        "camera/points.npz", "camera/tracks.npz", "colmap/sparse/0",
    }  # fmt: skip
    assert all(one.bytes > 0 for one in listed)
    assert not (shot.private_dir / "change").exists()
    camera = read_camera(tmp_path)
    assert camera.world.revision == camera.extrinsics.world_revision == 0


def test_tracks_say_what_was_used(tmp_path: Path) -> None:
    solved = made_up_solve(outlier=True)
    shot = shot_at(tmp_path)
    written(tmp_path, solved)
    with np.load(shot.tracks) as stored:
        tracks = {name: stored[name] for name in stored.files}
    with np.load(shot.cloud) as stored:
        xyz = stored["xyz"]
    assert tracks["used"].sum() == len(tracks["used"]) - 1 and not tracks["used"][5]
    assert (np.diff(tracks["id"]) > 0).all() and set(tracks["state"]) == {0} and set(tracks["name"]) == {""}
    assert tracks["frame"].min() == 1 and tracks["frame"].max() == 12
    # Every used observation is where the camera sees the point that the track says it is of.
    camera = read_camera(tmp_path)
    for i in np.nonzero(tracks["used"])[0][::97]:
        frame = int(tracks["frame"][i]) - 1
        inner, pose = camera.intrinsics.frames[frame], np.array(camera.extrinsics.frames[frame].world_from_camera)
        x, y, z = (xyz[tracks["point"][tracks["row"][i]]] - pose[:3, 3]) @ pose[:3, :3]
        there = np.array([inner.fx * x / z + inner.cx, inner.fy * y / z + inner.cy])
        assert np.linalg.norm(there - tracks["xy"][i]) == pytest.approx(tracks["error"][i], abs=2e-3)
        assert tracks["error"][i] < 1.5


def test_the_report_and_the_frames_carry_what_was_measured(tmp_path: Path) -> None:
    solved = made_up_solve()
    sure = [replace(f, confidence=0.5 + f.number / 100, position_sd=0.1, cause="") for f in solved.frames]
    problem = Problem(4, 6, "blur", "frames 4-6: motion blur, 38 tracks left")
    shot = shot_at(tmp_path)
    written(tmp_path, replace(solved, frames=tuple(sure), problems=(problem,), notices=("Look out.",)))
    report = read_document(shot.report, SolveReport)
    assert report.problems == (problem,) and report.notices == ("Look out.",)
    assert (report.frames, report.frames_solved, report.motion, report.tracks) == (12, 12, "full", report.tracks_used)
    assert report.confidence == pytest.approx(0.565)
    assert read_camera(tmp_path).extrinsics.frames[3].confidence == pytest.approx(0.54)
    answer(WorldRequest(str(tmp_path), world_from_solve=SET, up_source="picked", scale_source="two-points"))
    assert read_camera(tmp_path).extrinsics.frames[3].position_sd == pytest.approx(0.2)
    written(tmp_path, replace(solved, frames=tuple(sure)))
    assert read_camera(tmp_path).extrinsics.frames[3].position_sd == pytest.approx(0.2)


def test_the_world_that_was_set_is_kept(tmp_path: Path) -> None:
    shot = shot_at(tmp_path)
    written(tmp_path, made_up_solve())
    answer(WorldRequest(str(tmp_path), world_from_solve=SET, up_source="picked", scale_source="two-points"))
    before = read_camera(tmp_path)
    with np.load(shot.cloud) as stored:
        cloud = stored["xyz"]
    written(tmp_path, made_up_solve())
    after = read_camera(tmp_path)
    assert np.allclose(place(before), place(after), atol=1e-9)
    assert after.world.revision == before.world.revision + 1
    assert after.world.world_from_solve.scale == pytest.approx(2.0) and after.world.solve_gauge is not None
    assert (after.extrinsics.up_source, after.extrinsics.units) == ("picked", "metres")
    with np.load(shot.cloud) as stored:
        assert np.allclose(stored["xyz"], cloud, atol=1e-5)
    answer(WorldRequest(str(tmp_path), reset=True))
    assert read_camera(tmp_path).extrinsics.up_source == "none"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_at_any_moment_the_artists_world_is_not_lost(tmp_path: Path) -> None:
    """kill -9 at every rename of a second solve: the shot is the old one or the new one, and in the world that
    was set either way."""
    outcomes = []
    first, second = tmp_path / "first", made_up_solve(jitter=1e-3)
    shot_at(first)
    written(first, made_up_solve())
    answer(WorldRequest(str(first), world_from_solve=SET, up_source="picked", scale_source="two-points"))
    manifest_of(first)
    before = read_camera(first)
    for k in range(40):
        root = tmp_path / str(k)
        shutil.copytree(first, root)
        if not killed(lambda root=root: written(root, second), at=k):
            break
        open_shot(root)
        after = read_camera(root)
        assert after.world.solve_gauge is not None and after.extrinsics.scale_source == "two-points"
        assert np.abs(place(before) - place(after)).max() < 0.05
        done = after.world.revision > before.world.revision
        assert done or np.array_equal(place(before), place(after))
        assert not (done and find(ShotFolder(root), "solve"))  # the stage has not said that it is complete
        outcomes.append(done)
    assert len(outcomes) > 10 and outcomes == sorted(outcomes) and set(outcomes) == {False, True}


def manifest_of(root: Path) -> None:
    write(ShotFolder(root), "solve", Manifest(MANIFEST_VERSION, "key", {}, {}, StageResult("solve", "sfm", 1)))


def test_motion_masks_lie_under_the_plates_numbers(tmp_path: Path) -> None:
    shot = shot_at(tmp_path)
    walker = np.zeros((360, 640), np.uint8)
    walker[100:300, 50:120] = 255
    solved = made_up_solve()
    (shot.motion_dir).mkdir()
    (shot.motion_dir / "frame_0099.png").write_bytes(b"of a longer clip")
    listed = written(tmp_path, replace(solved, moving=(walker if i == 3 else None for i in range(12))))
    assert [one.frames for one in listed if one.kind == "motion"] == [(1, 12)]
    pictures = {path.name: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in shot.motion_dir.iterdir()}
    assert sorted(pictures) == [f"frame_{n:04d}.png" for n in range(1, 13)]
    assert (pictures["frame_0004.png"] == walker).all() and not pictures["frame_0005.png"].any()
    written(tmp_path, solved)  # nobody looked this time: old masks would be of another solve
    assert not list(shot.motion_dir.iterdir())


def test_a_cancel_while_writing_changes_nothing(tmp_path: Path) -> None:
    shot = shot_at(tmp_path)
    written(tmp_path, made_up_solve())
    manifest_of(tmp_path)
    before = shot.extrinsics.read_bytes()
    masks = (None for _ in range(12))
    with pytest.raises(JobCancelled):
        written(tmp_path, replace(made_up_solve(jitter=0.1), moving=masks), Recorder(cancel_at=0))
    assert shot.extrinsics.read_bytes() == before and find(shot, "solve") is not None
    assert not (shot.private_dir / "change").exists() and not list(shot.motion_dir.glob("*"))


def test_points_on_what_moves_are_no_part_of_the_set(tmp_path: Path) -> None:
    """The right third of every picture is said to move: its points go, from every file, and its tracks say so."""
    shot = shot_at(tmp_path)
    solved = made_up_solve()
    assert solved.tracks is not None
    mask = np.zeros((360, 640), np.uint8)
    mask[:, 430:] = 255
    artist = np.array([3, 40])  # locked by the artist: whatever the masks say
    state = solved.tracks.state.copy()
    state[artist] = LOCKED
    solved = replace(solved, tracks=replace(solved.tracks, state=state))
    written(tmp_path, replace(solved, moving=[mask] * 12))
    with np.load(shot.tracks) as stored:
        tracks = {name: stored[name] for name in stored.files}
    with np.load(shot.cloud) as stored:
        assert all(len(stored[name]) == len(stored["xyz"]) for name in stored.files)
        left = len(stored["xyz"])
    inside = np.bincount(tracks["row"], tracks["xy"][:, 0] >= 430) > 0.5 * np.bincount(tracks["row"])
    inside[artist] = False
    assert inside.sum() > 10 and left == len(solved.cloud.xyz) - inside.sum()
    assert (tracks["state"][inside] == MOVING).all() and (tracks["point"][inside] == -1).all()
    assert (tracks["state"][artist] == LOCKED).all() and not tracks["used"][inside[tracks["row"]]].any()
    kept = tracks["point"][tracks["point"] >= 0]
    assert sorted(kept) == list(range(left))
    model = pycolmap.Reconstruction(str(shot.sparse_dir))
    assert len(model.points3D) == left
    for image in model.images.values():
        there = [spot.xy for spot in image.points2D if spot.has_point3D()]
        assert np.mean([xy[0] >= 430 for xy in there]) < 0.3
    assert read_document(shot.report, SolveReport).tracks_used == left


def test_masks_that_say_everything_moves_are_not_believed(tmp_path: Path) -> None:
    shot = shot_at(tmp_path)
    solved = made_up_solve()
    written(tmp_path, replace(solved, moving=[np.full((360, 640), 255, np.uint8)] * 12))
    with np.load(shot.cloud) as stored:
        assert len(stored["xyz"]) == len(solved.cloud.xyz)
