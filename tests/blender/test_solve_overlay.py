"""The solve overlay: where it puts a frame's points, in what colour, and what it says. Without a window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.shot import ShotFolder
from tests.blender.synthetic_shot import ShotPlan, Truth, write_shot
from tests.blender.synthetic_tracks import write_tracks

LENS = (-0.2, 0.03, 0.002, -0.001)


def seen_by_blender(shot: Any, xyz: np.ndarray) -> np.ndarray:
    """Where Blender's own camera has places of the shot, 0 to 1 from the frame's lower left corner."""
    import bpy
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    bpy.context.view_layer.update()
    into = shot.root.matrix_world
    return np.array(
        [tuple(world_to_camera_view(bpy.context.scene, shot.camera, into @ Vector(map(float, at))))[:2] for at in xyz]
    )


@pytest.mark.parametrize("distortion", [(0.0, 0.0, 0.0, 0.0), LENS])
def test_points_lie_where_the_camera_and_the_plate_have_them(
    empty: None, tmp_path: Path, distortion: tuple[float, float, float, float]
) -> None:
    """Over the undistorted plate they are where Blender's camera sees them; over the plate as it is, where it shows
    them."""
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.solve_overlay.drawing import plate_drawing
    from bl_ext.user_default.backlot.solve_overlay.marks import read_marks

    root = tmp_path / "clip_backlot"
    truth = write_shot(root, ShotPlan(points=200, distortion=distortion))
    write_tracks(root, truth)
    shot = api.import_shot(root)
    shot.root.location, shot.root.scale = (3.0, 1.0, 0.5), (2.0, 2.0, 2.0)
    bpy.context.scene.frame_set(1004)
    marks = read_marks(root)
    frame = marks.at(1004)
    size = np.array((320, 180))
    pixels = truth.project(3, truth.xyz, distorted=True)
    inside = ((pixels > 1) & (pixels < size - 1)).all(axis=1)
    assert np.abs(frame.tracked - pixels[inside]).max() < 1e-3 and np.abs(frame.seen - frame.tracked).max() < 0.01
    lens = marks.camera.intrinsics
    flat = plate_drawing(frame, lens, 2.0, 10.0, undistorted=True, overscan=1.0)
    assert np.abs((flat.dots - seen_by_blender(shot, truth.xyz[inside])) * size).max() < 0.05
    bent = plate_drawing(frame, lens, 2.0, 10.0, undistorted=False, overscan=1.0)
    assert np.abs(bent.dots * size - (pixels[inside] * (1, -1) + (0, 180))).max() < 0.01
    apart = np.abs((flat.dots - bent.dots) * size).max()
    assert (apart > 1.0) if any(distortion) else (apart == 0.0)
    bpy.ops.backlot.setup_composite()
    from bl_ext.user_default.backlot.importers import ownership

    wide = plate_drawing(frame, lens, 2.0, 10.0, undistorted=True, overscan=ownership.overscan(shot.collection))
    assert np.abs((wide.dots - seen_by_blender(shot, truth.xyz[inside])) * size).max() < 0.05


def test_residuals_and_colours(empty: None, tmp_path: Path) -> None:
    """A track that was seen elsewhere: a residual in its direction, as long as asked for, as red as its error."""
    from bl_ext.user_default.backlot.solve_overlay.drawing import dot_size, plate_drawing
    from bl_ext.user_default.backlot.solve_overlay.marks import read_marks

    root = tmp_path / "clip_backlot"
    truth = write_shot(root, ShotPlan(points=100, plate=False))
    write_tracks(root, truth)
    path = ShotFolder(root).tracks
    with np.load(path) as file:
        held = {name: file[name] for name in file.files}
    here = np.flatnonzero(held["frame"] == 1005)
    held["error"][here] = np.linspace(0.0, 4.0, len(here), dtype=np.float32)
    held["xy"][here] -= (3.0, 1.0)
    held["used"][here[0]] = False
    np.savez(path, **held)
    marks = read_marks(root)
    drawing = plate_drawing(marks.at(1005), marks.camera.intrinsics, 2.0, 10.0, undistorted=True, overscan=1.0)
    ends = drawing.residuals.reshape(-1, 2, 2)
    assert np.allclose((ends[:, 1] - ends[:, 0]) * (320, -180), (30.0, 10.0), atol=0.05)
    assert np.array_equal(ends[:, 0], drawing.rings)
    green, red = drawing.colours[1], drawing.colours[-1]
    assert green[1] > 3 * green[0] and red[0] > 3 * red[1] and np.array_equal(red, drawing.colours[-2])
    assert drawing.colours[0, 3] < 0.5 < drawing.colours[1, 3]
    assert marks.at(1) is None
    assert dot_size(7.0, 100, 1600, 900) == 7.0 and 3.0 <= dot_size(7.0, 100_000, 1600, 900) < 4.0


def test_without_tracks_all_points_are_shown(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot.solve_overlay.marks import read_marks, stamp_of

    root = tmp_path / "clip_backlot"
    truth = write_shot(root, ShotPlan(points=100, plate=False, failed=(1003,)))
    marks = read_marks(root)
    pixels = truth.project(0, truth.xyz)
    inside = ((pixels >= 0) & (pixels <= (320, 180))).all(axis=1)
    assert np.abs(marks.at(1001).seen - pixels[inside]).max() < 0.01
    with np.load(ShotFolder(root).cloud) as stored:
        assert np.array_equal(marks.at(1001).error, stored["error"][inside])
    assert marks.at(1003) is None
    before = stamp_of(root)
    write_tracks(root, truth)
    assert before and stamp_of(root) != before and stamp_of(tmp_path) == ()


def test_the_path_is_that_of_the_scene(empty: None, tmp_path: Path) -> None:
    """Where the camera object goes, moved root included; a gap is no line; frusta end where the camera stands."""
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.solve_overlay.camera_path import shown_frusta
    from bl_ext.user_default.backlot.solve_overlay.scene_view import (
        camera_lines,
        camera_track,
        cloud_dots,
        cloud_key,
        path_matrix,
    )

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(points=20, plate=False, failed=(1005,)))
    shot = api.import_shot(root)
    shot.root.location, shot.root.scale = (3.0, 1.0, 0.5), (2.0, 2.0, 2.0)
    scene = bpy.context.scene
    scene.frame_set(1003)
    key = cloud_key(shot.collection, shot.cloud)
    found = cloud_dots(shot.cloud, 1.0)
    assert (
        key == cloud_key(shot.collection, shot.cloud) and found.xyz.shape == (20, 3) and found.colours.shape == (20, 4)
    )
    track = camera_track(shot.collection, shot.camera, "ERROR")
    settings = scene.backlot_solve_overlay
    path, frusta = camera_lines(track, shot.camera, settings, (1008,))
    assert len(path.places) == 2 * (11 - 2)
    matrix = np.array(path_matrix(shot.camera))
    assert (
        np.abs(matrix[:3, :3] @ track.location[2] + matrix[:3, 3] - shot.camera.matrix_world.translation).max() < 1e-5
    )
    corners = np.array(shot.camera.data.view_frame(), float)
    corners *= shot.camera.data.display_size / abs(corners[0, 2])
    world = np.array(shot.camera.matrix_world)
    wanted = corners @ world[:3, :3].T + world[:3, 3]
    base = frusta.places.reshape(-1, 16, 3)[2, 8::2] @ matrix[:3, :3].T + matrix[:3, 3]
    assert np.abs(base - wanted).max() < 1e-4
    assert np.allclose(track.value, 0.3)
    many = np.arange(1.0, 501.0)
    rows = shown_frusta(many, (77,))
    assert 76 in rows and rows[0] == 0 and rows[-1] == 499 and len(rows) < 20
    assert camera_track(shot.collection, shot.camera, "CONFIDENCE").value.tolist() != track.value.tolist()
    write_shot(root, ShotPlan(points=30, plate=False))
    again = api.import_shot(root)
    assert key != cloud_key(again.collection, again.cloud) and len(cloud_dots(again.cloud, 1.0).xyz) == 30


def test_the_line_of_a_frame(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot.solve_overlay.marks import read_marks
    from bl_ext.user_default.backlot.solve_overlay.words import frame_words, legend_words

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(points=20, plate=False, failed=(1003,), interpolated=(1004,)))
    marks = read_marks(root)

    def said(frame: int) -> list[str]:
        return [text for text, _ in frame_words(frame, marks.pose(frame))]

    assert said(1002) == ["Frame 1002: 0.30 px, 120 points"]
    assert said(1003) == ["Frame 1003 has no camera"]
    assert said(1004)[1:] == ["Bridged from the frames beside it"]
    assert said(7) == ["Frame 7 is not in the shot"]
    assert legend_words("POINTS", 1.5) == ("0 px", "1.5 px and more")


def test_files_are_read_once_and_again_when_they_change(empty: None, tmp_path: Path) -> None:
    """The draw handler itself never reads."""
    from bl_ext.user_default.backlot.solve_overlay import shot_files

    class Later:
        changed = False

        def __init__(self) -> None:
            self.work: list[Any] = []

        def background(self, work: Any, then: Any, failed: Any) -> None:
            self.work.append((work, then))

    root = tmp_path / "clip_backlot"
    truth: Truth = write_shot(root, ShotPlan(points=20, plate=False))
    session = Later()
    hurried: list[bool] = []
    shots = shot_files.ShotMarks(session, lambda: hurried.append(True))
    assert shots.find(root) is None and shots.find(root) is None and len(session.work) == 1
    assert hurried == [True]
    work, then = session.work.pop()
    then(work())
    assert len(shots.find(root).xyz) == 20 and session.changed and not session.work
    write_tracks(root, truth)
    shots._looked.clear()
    assert shots.find(root).observations is None and len(session.work) == 1
    work, then = session.work.pop()
    then(work())
    assert shots.find(root).observations is not None


def test_the_worst_frames_and_the_next_problem(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.solve_overlay.scene_view import worst_of
    from bl_ext.user_default.backlot.solve_overlay.worst import next_start, worst_frames

    from shared.solve_report import Problem, SolveReport

    frames = np.arange(1.0, 41.0)
    confidence, error = np.full(40, 0.95), np.full(40, 0.3)
    confidence[[10, 11, 29]], error[[10, 11, 20]] = (0.4, 0.5, 0.7), (0.9, 1.5, 2.0)
    found = worst_frames(frames, error, confidence, 3)
    assert [one.frame for one in found] == [11, 30, 21]  # 12 is of the same trouble as 11
    assert found[0].sentence == "Frame 11: 0.90 px, confidence 0.40"
    assert [one.frame for one in worst_frames(frames, error, np.full(40, np.nan), 2)] == [21, 12]
    assert worst_frames(frames, np.full(40, np.nan), np.full(40, np.nan), 2) == []
    assert next_start([5, 20], 5, forwards=True) == 20 and next_start([5, 20], 20, forwards=True) == 5
    assert next_start([5, 20], 20, forwards=False) == 5 and next_start([], 1, forwards=True) is None

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(points=20, plate=False))
    shot = api.import_shot(root)
    assert len(worst_of(shot.collection, shot.camera, 2)) == 2 and not bpy.ops.backlot.show_problem.poll()
    problems = tuple(Problem(a, b, "blur", f"frames {a}-{b}: blur") for a, b in ((1003, 1005), (1009, 1010)))
    report = SolveReport(1, "sfm", "full", 12, 12, 0.3, 0.9, 20, 20, problems)
    from shared.shot import document_text

    ShotFolder(root).report.write_text(document_text(report), encoding="utf-8")
    api.import_shot(root)
    seen = []
    for forwards in (True, True, True, False):
        assert bpy.ops.backlot.show_problem(forwards=forwards) == {"FINISHED"}
        seen.append(bpy.context.scene.frame_current)
    assert seen == [1003, 1009, 1003, 1009]


def test_nothing_is_made_while_nothing_is_shown(empty: None) -> None:
    """Handlers come and go; without a scene that wants it, or a viewport, no painter is made."""
    import bpy
    from bl_ext.user_default.backlot.compare.overlay import CompareOverlay
    from bl_ext.user_default.backlot.solve_overlay.overlay import SolveOverlay

    solve = SolveOverlay(None, lambda: None)
    compare = CompareOverlay(solve)
    scene = bpy.context.scene
    for shown in (False, True):
        scene.backlot_solve_overlay.show, scene.backlot_compare.mode = shown, "WIPE" if shown else "OFF"
        for overlay in (solve, compare):
            overlay.start()
            overlay.draw()
            assert overlay._painter is None and overlay._handle is not None
            overlay.stop()
            assert overlay._handle is None
            overlay.stop()
