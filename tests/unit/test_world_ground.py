"""Gravity and the ground are found within a degree in scenes that show them, and not made up in others."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.cli.main import main
from backend.world.answer import answer
from backend.world.lines import NO_SEGMENTS, find_segments
from backend.world.planes import cloud_of, dominant_planes
from backend.world.suggest import ground_of, suggest_world
from shared.camera_files import read_camera
from shared.errors import SolveError
from shared.shot import ShotFolder, document_text
from shared.world_messages import WorldRequest
from tests.unit.world_scene import Scene, build

MOST_DEGREES = 1.0


def off(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


@pytest.mark.parametrize(
    "scene",
    [
        Scene(),
        Scene(roll=20.0, seed=2),
        Scene(roll=-25.0, pitch=30.0, tilt=40.0, seed=3),
        Scene(pitch=-5.0, seed=4),
        Scene(pitch=40.0, heading=10.0, seed=5),
        Scene(noise=0.015, seed=6),
        Scene(edges=False, wall=0, seed=7),
        Scene(floor=120, clutter=400, seed=8),
        Scene(wall=500, floor=150, heading=0.0, seed=9),
    ],
    ids=lambda scene: f"roll{scene.roll:g}-pitch{scene.pitch:g}-seed{scene.seed}",
)
def test_up_is_found(tmp_path: Path, scene: Scene) -> None:
    up = build(tmp_path, scene)
    found = suggest_world(tmp_path)
    assert found.found, found
    assert off(np.array(found.up), up) < MOST_DEGREES
    answer(WorldRequest(str(tmp_path), auto_ground=True, camera_height=1.7))
    camera = read_camera(tmp_path)
    assert (camera.extrinsics.up_source, camera.extrinsics.scale_source) == ("points", "camera-height")
    places = np.array([frame.world_from_camera for frame in camera.extrinsics.frames])[:, :3, 3]
    assert np.isclose(np.median(places[:, 2]), 1.7)
    # The true camera path is 2.4 long: scale follows from the height of the cameras over the floor that was found.
    assert abs(np.linalg.norm(places[-1] - places[0]) - 2.4) < 0.08


def test_the_vertical_of_edges_alone(tmp_path: Path) -> None:
    """No plane of points: a forest of clutter with boxes in the picture."""
    up = build(tmp_path, Scene(floor=0, wall=0, boxes=0, clutter=600, seed=11))
    found = suggest_world(tmp_path)
    assert found.found and off(np.array(found.up), up) < MOST_DEGREES
    assert found.ground is None
    before = read_camera(tmp_path).extrinsics.frames[0].world_from_camera
    answer(WorldRequest(str(tmp_path), auto_ground=True))
    after = read_camera(tmp_path).extrinsics
    assert after.up_source == "points" and after.frames[0].world_from_camera != before


@pytest.mark.parametrize(
    "scene",
    [
        Scene(floor=0, wall=0, boxes=0, clutter=600, edges=False, seed=12),
        Scene(floor=0, wall=0, boxes=0, clutter=600, edges=False, roll=30.0, seed=13),
        Scene(floor=0, boxes=0, wall=400, clutter=200, edges=False, pitch=0.0, seed=14),
        Scene(floor=15, wall=0, boxes=0, clutter=15, edges=False, seed=15),
    ],
    ids=["clutter", "rolled clutter", "a wall alone", "few points"],
)
def test_weak_evidence_is_said_to_be_weak(tmp_path: Path, scene: Scene) -> None:
    build(tmp_path, scene)
    found = suggest_world(tmp_path)
    assert not found.found and found.confidence < 0.5 and found.evidence
    before = ShotFolder(tmp_path).extrinsics.read_bytes()
    with pytest.raises(SolveError, match="not found"):
        answer(WorldRequest(str(tmp_path), auto_ground=True))
    assert ShotFolder(tmp_path).extrinsics.read_bytes() == before
    assert read_camera(tmp_path).extrinsics.up_source == "none"


def test_a_table_above_the_floor_is_not_the_ground(tmp_path: Path) -> None:
    build(tmp_path, Scene(boxes=900, floor=500, clutter=50, seed=16))
    answer(WorldRequest(str(tmp_path), auto_ground=True, camera_height=1.7))
    with np.load(ShotFolder(tmp_path).cloud) as stored:
        height = stored["xyz"][:500, 2]
    assert abs(np.median(height)) < 0.02


def test_it_is_quick(tmp_path: Path) -> None:
    build(tmp_path, Scene())
    suggest_world(tmp_path)
    start = time.process_time()
    suggest_world(tmp_path)
    assert time.process_time() - start < 2.0  # of all threads together; well under a second of wall time


def test_nothing_to_look_at(tmp_path: Path) -> None:
    build(tmp_path, Scene())
    shot = ShotFolder(tmp_path)
    for path in shot.frames_dir.iterdir():
        path.unlink()
    assert suggest_world(tmp_path).found  # the points are enough here
    shot.cloud.unlink()
    found = suggest_world(tmp_path)
    assert not found.found and found.confidence == 0.0
    assert dominant_planes(cloud_of(np.zeros((0, 3)), np.zeros((1, 3)))) == []
    assert NO_SEGMENTS.misfit(np.eye(3)).shape == (3, 0)


def test_moving_things_give_no_edges(tmp_path: Path) -> None:
    build(tmp_path, Scene())
    shot, camera = ShotFolder(tmp_path), read_camera(tmp_path)
    assert len(find_segments(shot, camera).weight) > 50
    folder = shot.roto_dir / "person"
    folder.mkdir(parents=True)
    import cv2

    for number in range(1, 9):
        cv2.imwrite(str(folder / f"frame_{number:04d}.png"), np.full((270, 480), 255, np.uint8))
    assert len(find_segments(shot, camera).weight) == 0
    assert ground_of(shot, camera).found


@pytest.mark.parametrize("motion", ["nodal", "locked"])
def test_points_of_a_tripod_are_no_planes(tmp_path: Path, motion: str) -> None:
    """Their depth is not known; the edges are enough for up."""
    up = build(tmp_path, Scene())
    shot, camera = ShotFolder(tmp_path), read_camera(tmp_path)
    frames = tuple(replace(frame, motion=motion) for frame in camera.extrinsics.frames)
    shot.extrinsics.write_text(document_text(replace(camera.extrinsics, frames=frames)))
    found = suggest_world(tmp_path)
    assert found.found and found.ground is None
    assert "does not travel" in found.evidence[0]
    assert off(np.array(found.up), up) < MOST_DEGREES


def test_far_from_the_origin(tmp_path: Path) -> None:
    """Single precision of the cloud costs some accuracy, but no plane."""
    up = build(tmp_path, replace(Scene(), seed=17))
    shift = read_camera(tmp_path).world.world_from_solve
    moved = replace(shift, translation=(4e3, -3e3, 1e3))
    answer(WorldRequest(str(tmp_path), world_from_solve=moved))
    found = suggest_world(tmp_path)
    assert found.found and off(np.array(found.up), up) < MOST_DEGREES


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build(tmp_path, Scene(seed=18))
    shot = str(tmp_path)
    assert main(["world", shot, "--suggest"]) == 0 and "ground found" in capsys.readouterr().out
    assert main(["world", shot, "--auto-ground", "--preview"]) == 0
    assert read_camera(tmp_path).world.revision == 1
    assert main(["world", shot, "--auto-ground"]) == 0
    assert main(["world", shot, "--origin", "-1,2,.0", "--distance", "-1,2,0;-1,3,0", "2.5"]) == 0
    assert main(["world", shot, "--axis", "-x", "-1,0,0;2,1e-3,0", "--camera-height", "1.6", "--json"]) == 0
    assert '"event": "done"' in capsys.readouterr().out
    assert main(["world", shot, "--floor", "0,0,0; 1,0,0; 0,1,.1", "--object-size", "0,0,0;0,0,1", "2"]) == 0
    assert read_camera(tmp_path).extrinsics.scale_source == "object"
    assert main(["world", shot, "--reset"]) == 0
    camera = read_camera(tmp_path)
    assert camera.world.revision == 6 and camera.extrinsics.up_source == "none"
    for wrong in (
        ["--origin", "1,2"],
        ["--origin", "a,b,c"],
        ["--axis", "up", "0,0,0;1,1,1"],
        [],
        ["--origin", "1@9,9"],
    ):
        assert main(["world", shot, *wrong]) == 2
    assert read_camera(tmp_path).world.revision == 6
