"""Error and confidence as curves of the camera, bad ranges as markers, zoom and points without a distance."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.camera_files import Extrinsics
from shared.shot import ShotFolder, document_text, read_document
from shared.solve_report import REPORT_VERSION, Problem, SolveReport
from tests.blender.synthetic_shot import ShotPlan, Truth, write_shot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "clip_backlot"


def write_quality(root: Path, *problems: Problem) -> None:
    """Errors that rise by a tenth of a pixel a frame, and a report."""
    folder = ShotFolder(root)
    poses = read_document(folder.extrinsics, Extrinsics)
    frames = tuple(
        replace(frame, reprojection_error_px=0.1 * index, confidence=1.0 - 0.05 * index)
        if frame.world_from_camera
        else frame
        for index, frame in enumerate(poses.frames)
    )
    folder.extrinsics.write_text(document_text(replace(poses, frames=frames)), encoding="utf-8")
    report = SolveReport(REPORT_VERSION, "sfm", "full", 12, 12, 0.3, 0.8, 100, 90, problems)
    folder.report.write_text(document_text(report), encoding="utf-8")


def value_at(camera: Any, name: str, frame: int) -> float:
    import bpy

    bpy.context.scene.frame_set(frame)
    return camera.evaluated_get(bpy.context.evaluated_depsgraph_get())[name]


def write_analysis(root: Path, truth: Truth, scale: float = 1.0) -> None:
    rows = [
        {"frame": int(frame), "position": (pose[:3, 3] * scale).tolist(), "shake_px": 0.5 + index}
        for index, (frame, pose) in enumerate(zip(truth.frames, truth.poses, strict=True))
    ]
    (root / "camera/analysis.json").write_text(json.dumps({"frames": rows}), encoding="utf-8")


def test_curves_tell_error_confidence_and_motion(empty: None, root: Path) -> None:
    from bl_ext.user_default.backlot import api

    truth = write_shot(root, ShotPlan(failed=(1005,)))
    write_quality(root)
    write_analysis(root, truth)
    camera = api.import_shot(root).camera
    assert value_at(camera, "solve_error_px", 1003) == pytest.approx(0.2)
    assert value_at(camera, "solve_confidence", 1012) == pytest.approx(0.45)
    assert value_at(camera, "solve_points", 1002) == 120
    assert value_at(camera, "camera_shake_px", 1004) == pytest.approx(3.5)
    step = np.linalg.norm(truth.poses[1, :3, 3] - truth.poses[0, :3, 3])
    assert value_at(camera, "camera_speed", 1001) == pytest.approx(step * 24000 / 1001, rel=1e-5)
    assert "px" in camera.id_properties_ui("solve_error_px").as_dict()["description"]
    # Another solve, of which less is known: what it does not say goes, what it says is replaced.
    write_shot(root, ShotPlan())
    write_analysis(root, truth, scale=2.0)  # of another world
    camera = api.import_shot(root).camera
    assert value_at(camera, "solve_error_px", 1003) == pytest.approx(0.3)
    assert {curve for curve in curves_of(camera) if curve.startswith("[")} == {
        '["solve_error_px"]', '["solve_points"]', '["camera_speed"]',
    }  # fmt: skip


def curves_of(camera: Any) -> list[str]:
    from bl_ext.user_default.backlot.importers import animation

    return [curve.data_path for curve in animation.channels(camera.animation_data.action, camera)]


def test_bad_ranges_are_marked(empty: None, root: Path) -> None:
    """Importing again replaces our markers and leaves the artist's."""
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.summary import read_summary

    write_shot(root)
    blur = Problem(1003, 1006, "blur", "frames 1003-1006: motion blur, 38 tracks left")
    write_quality(root, blur, Problem(1009, 1009, "few-tracks", "frame 1009: 12 tracks"))
    scene = bpy.context.scene
    scene.timeline_markers.new("mine", frame=1003)
    api.import_shot(root)
    expected = {("mine", 1003), (blur.sentence, 1003), ("end of blur", 1006), ("frame 1009: 12 tracks", 1009)}
    assert {(marker.name, marker.frame) for marker in scene.timeline_markers} == expected
    assert read_summary(root).problems[0].sentence == blur.sentence
    assert bpy.ops.backlot.show_frame(frame=1003) == {"FINISHED"} and scene.frame_current == 1003
    next(marker for marker in scene.timeline_markers if marker.frame == 1009).name = "look here"
    write_quality(root, replace(blur, last=1005))
    api.import_shot(root)
    assert {(marker.name, marker.frame) for marker in scene.timeline_markers} == {
        ("mine", 1003), (blur.sentence, 1003), ("end of blur", 1005), ("look here", 1009),
    }  # fmt: skip


def test_a_locked_camera_and_points_without_a_distance(empty: None, root: Path) -> None:
    """A tripod: one place, points on a sphere that only show directions; nothing is divided by zero, the clipping
    range holds the sphere, and the next solve may travel again."""
    import bpy
    from bl_ext.user_default.backlot import api

    truth = write_shot(root, ShotPlan(travel=0.0, points=60))
    folder = ShotFolder(root)
    poses = read_document(folder.extrinsics, Extrinsics)
    first = poses.frames[0].world_from_camera
    frames = tuple(replace(frame, world_from_camera=first, motion="locked") for frame in poses.frames)
    folder.extrinsics.write_text(document_text(replace(poses, frames=frames)), encoding="utf-8")
    with np.load(folder.cloud) as stored:
        arrays = dict(stored)
    centre = np.array(first)[:3, 3]
    away = arrays["xyz"] - centre
    arrays["xyz"] = (centre + 50.0 * away / np.linalg.norm(away, axis=1)[:, None]).astype(np.float32)
    np.savez(folder.cloud, **arrays, at_infinity=np.ones(len(away), bool))
    shot = api.import_shot(root)
    held = shot.cloud.data.attributes["at_infinity"]
    assert all(item.value for item in held.data) and len(held.data) == len(truth.xyz)
    assert shot.camera.data.clip_end >= 100.0
    with pytest.raises(RuntimeError, match="infinitely far"):
        bpy.ops.backlot.set_origin(points="0")
    write_shot(root)
    assert "at_infinity" not in api.import_shot(root).cloud.data.attributes
