"""The depth stage from Blender: what is asked, what comes in by itself, what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.blender.synthetic_depth import DepthPlan, write_depth
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.blender.test_session import TICK_S, home, pump, run_until  # noqa: F401  (fixtures)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "clip_backlot"


def test_depth_ends_in_the_scene(pump: Any, home: Path, root: Path) -> None:  # noqa: F811
    """Into a scene that has the camera; in short ticks; and a later job of another stage brings it up to date."""
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.operators.depth import start_depth
    from bl_ext.user_default.backlot.operators.solving import start_solve

    from shared.artifacts import StageResult
    from tests.contract.fake_backend import FakeBackend

    truth = write_shot(root, ShotPlan(count=3))
    cells = iter((80, 20))

    def depth_job(job: Any) -> None:
        write_depth(root, truth, DepthPlan(cells=next(cells)))
        job.stage_done(StageResult("depth", "synthetic", 1, {"frames": 3}))

    scene = bpy.context.scene
    scene.backlot.folder = str(root)
    shot = api.import_shot(root)
    scene.backlot.depth.mesh = scene.backlot.depth.dense = True
    scene.backlot.depth_parts = {"MESH", "GRID"}
    with FakeBackend(home, depth_job) as backend:
        start_depth(scene)
        longest = run_until(pump, lambda: "depth on 3 frames" in pump.last_import)
        (job,) = backend.jobs.values()
        assert job.request.stages == ("depth",) and job.request.params == {"depth": {"mesh": True, "dense": True}}
        assert longest < TICK_S
        mesh = shot.collection["backlot_depth_mesh"]
        assert len(mesh.data.vertices) == 6 * 80 * 80 and "backlot_depth_cloud" not in shot.collection
        pump.last_import = ""
        start_solve(scene)
        run_until(pump, lambda: "depth on 3 frames" in pump.last_import)
        assert len(mesh.data.vertices) == 6 * 20 * 20


def test_depth_that_cannot_follow_does_not_hold_up_the_camera(empty: None, root: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.properties import import_options

    truth = write_shot(root, ShotPlan(count=3))
    write_depth(root, truth)
    scene = bpy.context.scene
    scene.backlot.folder = str(root)
    first = api.import_depth(root)
    assert import_options(scene.backlot).depth.grid
    write_depth(root, truth, DepthPlan(revision=2))
    again = api.import_shot(root, options=import_options(scene.backlot))
    assert again.depth is None and "revision 2" in str(again.depth_error)
    assert again.camera == first.camera and first.depth.grid.name in bpy.data.objects


def test_what_the_panel_says(empty: None, root: Path) -> None:
    from bl_ext.user_default.backlot.summary import read_summary

    truth = write_shot(root, ShotPlan(count=4))
    assert read_summary(root).depth is None
    write_depth(root, truth, DepthPlan(left_out=(1002,), parts=("mesh",)))
    said = read_summary(root).depth
    assert said.lines[0] == "3 of 4 frames, by synthetic" and said.lines[2] == "Pixels: 80% measured, 90% known"
    assert said.missing == ("No depth in frame 1002: no pose",)
    assert said.has_mesh and not said.has_cloud and not said.problem
    write_depth(root, truth, DepthPlan(revision=1))
    assert "another world" in read_summary(root).depth.problem


def test_depth_of_an_earlier_camera_says_so(empty: None, root: Path) -> None:
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.summary import read_summary

    truth = write_shot(root, ShotPlan(count=3))
    write_depth(root, truth)
    manifests = root / ".backlot" / "manifests"
    manifests.mkdir(parents=True, exist_ok=True)
    (manifests / "solve.json").write_text(json.dumps({"key": "first"}), encoding="utf-8")
    (manifests / "depth.json").write_text(json.dumps({"inputs": {"stage:solve": "first"}}), encoding="utf-8")
    assert not read_summary(root).depth.problem
    assert "solved again" not in api.import_depth(root).summary
    (manifests / "solve.json").write_text(json.dumps({"key": "second"}), encoding="utf-8")
    assert "solved again" in read_summary(root).depth.problem
    assert "solved again" in api.import_depth(root).summary
