"""The export panel and cameras of other programs, against the real backend and the fake one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.camera_files import read_camera
from shared.export_formats import EXPORT_FORMATS
from shared.shot import ShotFolder
from tests.blender.real_backend import real_backend
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.blender.test_session import TICK_S, home, pump, run_until  # noqa: F401  (fixtures)

CHAN = "1\t1.0\t2.0\t3.0\t0.0\t90.0\t0.0\t40.0\n2\t1.5\t2.0\t3.0\t0.0\t90.0\t0.0\t40.0\n"
PLAN = ShotPlan(points=40, principal=(0.0, 0.0), count=6)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "clip_backlot"


def mark_solved(root: Path) -> None:
    """Manifests as of an imported camera, so that the real backend takes the made-up shot as it is."""
    import json

    from bl_ext.user_default.backlot.shared.wire import pack

    from shared.artifacts import StageResult

    folder = ShotFolder(root)
    folder.manifests_dir.mkdir(parents=True, exist_ok=True)
    for stage in ("ingest", "solve"):
        document = {
            "version": 1, "key": f"imported:{stage}", "params": {}, "inputs": {}, "world_revision": 0,
            "result": pack(StageResult(stage, "imported", 1)),
        }  # fmt: skip
        (folder.manifests_dir / f"{stage}.json").write_text(json.dumps(document), encoding="utf-8")


def test_the_operator_exports_and_the_files_come_back(empty: None, home: Path, root: Path) -> None:  # noqa: F811
    """Alembic by this very Blender, .chan, and both read into another shot give the same camera."""
    import bpy
    from bl_ext.user_default.backlot import api

    truth = write_shot(root, PLAN)
    mark_solved(root)
    api.import_shot(root)
    scene = bpy.context.scene
    scene.backlot.folder = str(root)
    scene.backlot.export_all = False
    scene.backlot.export_formats = {"abc", "chan"}
    with real_backend(home):
        assert bpy.ops.backlot.export_camera() == {"FINISHED"}
        assert sorted(path.name for path in (root / "camera").glob("camera.*")) == ["camera.abc", "camera.chan"]
        target = root.parent / "out" / "hero.csv"
        assert bpy.ops.backlot.export_camera_file(filepath=str(target), format="csv") == {"FINISHED"}
        assert len(target.read_text(encoding="utf-8").splitlines()) >= 6
        bpy.ops.backlot.export_camera()  # the file above replaced what the stage had written before
        for kind in ("abc", "chan"):
            (root.parent / f"given.{kind}").write_bytes((root / f"camera/camera.{kind}").read_bytes())
        other = root.parent / "other_backlot"
        write_shot(other, PLAN, shot_id="other")
        for path in (ShotFolder(other).intrinsics, ShotFolder(other).extrinsics):
            path.unlink()
        scene.backlot.folder = str(other)
        for kind in ("abc", "chan"):
            assert bpy.ops.backlot.import_camera(filepath=str(root.parent / f"given.{kind}"), replace=True) == {
                "FINISHED"
            }
            camera = read_camera(other)
            assert camera.extrinsics.engine == "imported"
            for pose, expected in zip(camera.extrinsics.frames, truth.poses, strict=True):
                assert np.abs(np.array(pose.world_from_camera) - expected).max() < 1e-4
        with pytest.raises(RuntimeError, match="has a camera already"):
            bpy.ops.backlot.import_camera(filepath=str(root.parent / "given.chan"))


def test_an_export_asks_for_no_new_solve(empty: None, root: Path) -> None:
    """The stages before it get what they last ran with, not what the panel says about the next solve."""
    import json

    import bpy
    from bl_ext.user_default.backlot.requests import export_request

    write_shot(root, PLAN)
    folder = ShotFolder(root)
    folder.manifests_dir.mkdir(parents=True)
    record = {"key": "k", "params": {"quality": "high", "focal_px": 900.0, "of_a_later_version": 1}}
    (folder.manifests_dir / "solve.json").write_text(json.dumps(record), encoding="utf-8")
    settings = bpy.context.scene.backlot
    settings.solve.quality, settings.export.axes = "low", "maya"
    request = export_request(bpy.context.scene, root)
    assert request.stages == ("export",) and request.params["solve"] == {"quality": "high", "focal_px": 900.0}
    assert request.params["export"]["formats"] == "auto" and request.params["export"]["axes"] == "maya"
    settings.export_all, settings.export_formats = False, set()
    with pytest.raises(Exception, match="No format is chosen"):
        export_request(bpy.context.scene, root)


def test_every_format_can_be_chosen(empty: None) -> None:
    import bpy

    found = bpy.context.scene.backlot.bl_rna.properties["export_formats"].enum_items
    assert [item.identifier for item in found] == [choice.value for choice in EXPORT_FORMATS]


def test_importing_a_camera_never_waits(pump: Any, home: Path, tmp_path: Path) -> None:  # noqa: F811
    """With a window: the clip is read first, then the camera comes, then the scene has it."""
    import bpy
    from bl_ext.user_default.backlot.operators import import_camera
    from bl_ext.user_default.backlot.shared.import_messages import CameraImport

    from shared.artifacts import StageResult
    from tests.contract.fake_backend import FakeBackend

    root = tmp_path / "clip_backlot"
    (tmp_path / "clip.mp4").write_bytes(b"")
    (tmp_path / "nuke.chan").write_text(CHAN, encoding="utf-8")

    def ingest(job: Any) -> None:
        assert job.request.stages == ("ingest",)
        write_shot(root, PLAN)
        for path in (ShotFolder(root).intrinsics, ShotFolder(root).extrinsics):
            path.unlink()
        job.stage_done(StageResult("ingest", "ffmpeg", 1, {}))

    scene = bpy.context.scene
    scene.backlot.clip = str(tmp_path / "clip.mp4")
    wanted = CameraImport(str(root), str(tmp_path / "nuke.chan"), frame_offset=1000)
    with FakeBackend(home, ingest):
        import_camera._Import(scene, wanted).begin()
        pump.session.start()
        longest = run_until(pump, lambda: scene.camera is not None and not pump.importing)
    assert longest < TICK_S
    assert read_camera(root).extrinsics.engine == "imported"
    scene.frame_set(1001)
    assert tuple(scene.camera.matrix_world.translation) == pytest.approx((1.0, -3.0, 2.0), abs=1e-5)
