"""Alembic and FBX written and read by the running Blender version, in every axes setting."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from backend.export.blender_process import Blender
from tests.blender.scene_file_check import WORLDS, assert_same, compare, make, read_back, write_scene
from tests.blender.synthetic_shot import ShotPlan

HERE = Blender(Path(sys.executable), is_python=True)


@pytest.mark.parametrize("wanted", WORLDS)
@pytest.mark.parametrize("kind", ["abc", "fbx"])
def test_the_camera_comes_back(tmp_path: Path, kind: str, wanted: str) -> None:
    plan = ShotPlan(plate=False, failed=(1005, 1006))
    truth, track, cloud = make(tmp_path, plan)
    path = tmp_path / f"camera.{kind}"
    write_scene(path, track, cloud, wanted, HERE)
    assert_same(compare(path, truth, wanted, *read_back(path, HERE)), truth)


def test_a_zoom_comes_back_through_fbx(tmp_path: Path) -> None:
    truth, track, cloud = make(tmp_path, ShotPlan(plate=False, focal_px=(300.0, 420.0), pixel_aspect=2.0))
    path = tmp_path / "camera.fbx"
    write_scene(path, track, cloud, "maya", HERE)
    assert_same(compare(path, truth, "maya", *read_back(path, HERE)), truth)
