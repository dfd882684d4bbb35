"""Alembic and FBX written and read by the running Blender version, in every axes setting."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.export import blender_scene
from backend.export.blender_process import Blender
from tests.blender import scene_file_check
from tests.blender.one_blender import OneBlender
from tests.blender.scene_file_check import WORLDS, assert_same, compare, make, read_back, write_scene
from tests.blender.synthetic_shot import ShotPlan

HERE = Blender(Path(sys.executable), is_python=True)
AS_USERS_DO = "maya"
"""Axes with which each script has a Blender of its own."""


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneBlender]:
    with OneBlender(HERE.program, tmp_path_factory.mktemp("jobs")) as blender:
        yield blender


@pytest.fixture
def one_blender(other: OneBlender, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (blender_scene, scene_file_check):
        monkeypatch.setattr(module, "run_script", other.run_script)


@pytest.mark.parametrize("wanted", WORLDS)
@pytest.mark.parametrize("kind", ["abc", "fbx"])
def test_the_camera_comes_back(tmp_path: Path, request: pytest.FixtureRequest, kind: str, wanted: str) -> None:
    if wanted != AS_USERS_DO:
        request.getfixturevalue("one_blender")
    plan = ShotPlan(plate=False, failed=(1005, 1006))
    truth, track, cloud = make(tmp_path, plan)
    path = tmp_path / f"camera.{kind}"
    write_scene(path, track, cloud, wanted, HERE)
    assert_same(compare(path, truth, wanted, *read_back(path, HERE)), truth)


def test_a_zoom_comes_back_through_fbx(tmp_path: Path, one_blender: None) -> None:
    truth, track, cloud = make(tmp_path, ShotPlan(plate=False, focal_px=(300.0, 420.0), pixel_aspect=2.0))
    path = tmp_path / "camera.fbx"
    write_scene(path, track, cloud, "maya", HERE)
    assert_same(compare(path, truth, "maya", *read_back(path, HERE)), truth)
