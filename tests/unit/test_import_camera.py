"""Cameras of other programs into a shot: what the export stage wrote comes back, and so do files written by
hand the way other programs write them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from backend.cli.main import main
from backend.export.blender_process import find_blender
from backend.importers.command import import_into_shot
from backend.importers.imported_camera import ImportOptions
from backend.pipeline import manifest, runner
from backend.pipeline.stage import Engine
from shared.camera_files import SolvedCamera, read_camera
from shared.errors import ArtifactMissing, FootageNotFound, FootageUnreadable, InvalidRequest
from shared.shot import ShotFolder
from shared.stages import stage_info
from tests.blender.synthetic_shot import ShotPlan, Truth, write_shot
from tests.unit.export_shot import run_export

PLAN = ShotPlan(plate=False, principal=(0.0, 0.0), failed=(1005, 1006), focal_px=(300.0, 360.0))


def assert_camera(camera: SolvedCamera, truth: Truth, *, size: float = 1e-6, px: float = 1e-3) -> None:
    """Poses, K and gaps are the truth's."""
    assert camera.extrinsics.engine == "imported"
    assert camera.extrinsics.up_source == camera.extrinsics.scale_source == "imported"
    for index, (inner, outer) in enumerate(zip(camera.intrinsics.frames, camera.extrinsics.frames, strict=True)):
        assert outer.frame == truth.frames[index]
        if outer.frame in truth.plan.failed:
            assert outer.world_from_camera is None and outer.state == "failed"
            continue
        assert np.abs(np.array(outer.world_from_camera) - truth.poses[index]).max() < size
        assert np.abs(np.array((inner.fx, inner.fy, inner.cx, inner.cy)) - truth.k[index]).max() < px


@pytest.mark.parametrize("kind", ["chan", "jsx"])
@pytest.mark.parametrize("aspect", [1.0, 2.0])
def test_our_own_files_come_back(tmp_path: Path, kind: str, aspect: float) -> None:
    truth = write_shot(tmp_path, ShotPlan(**{**PLAN.__dict__, "pixel_aspect": aspect}))
    run_export(tmp_path, formats=kind)
    result = import_into_shot(tmp_path / f"camera/camera.{kind}", tmp_path, ImportOptions(), replace=True)
    assert_camera(read_camera(tmp_path), truth)
    assert result.facts["frames_solved"] == 10 and any("1005-1006" in notice for notice in result.notices)


@pytest.mark.parametrize("order", ["xyz", "yxz"])
def test_a_chan_file_in_other_axes_and_order(tmp_path: Path, order: str) -> None:
    truth = write_shot(tmp_path, PLAN)
    run_export(tmp_path, formats="chan", axes="opencv", rotation_order=order, frame_offset=-1000, scale=100.0)
    options = ImportOptions(world_axes="opencv", order=order, frame_offset=1000, scale=0.01)
    import_into_shot(tmp_path / "camera/camera.chan", tmp_path, options, replace=True)
    assert_camera(read_camera(tmp_path), truth)


@pytest.mark.blender
@pytest.mark.skipif(
    find_blender() is None, reason="no Blender: `python3 build.py setup --bpy`, or name one in BACKLOT_BLENDER"
)
@pytest.mark.parametrize("kind", ["abc", "fbx", "usda"])
def test_scene_files_come_back_with_their_zoom(tmp_path: Path, kind: str) -> None:
    truth = write_shot(tmp_path, ShotPlan(**{**PLAN.__dict__, "principal": (4.0, -3.0), "failed": ()}))
    run_export(tmp_path, formats=kind)
    import_into_shot(tmp_path / f"camera/camera.{kind}", tmp_path, ImportOptions(), replace=True)
    assert_camera(read_camera(tmp_path), truth, size=1e-4, px=0.01)


@pytest.mark.parametrize("binary", [True, False])
def test_a_colmap_model_comes_with_points_and_lens(tmp_path: Path, binary: bool) -> None:
    truth = write_shot(tmp_path / "shot", ShotPlan(plate=False, points=60, focal_px=(310.0, 310.0)))
    model = colmap_model(truth)
    folder = tmp_path / "model"
    folder.mkdir()
    (model.write_binary if binary else model.write_text)(str(folder))
    import_into_shot(folder, tmp_path / "shot", ImportOptions(), replace=True)
    camera = read_camera(tmp_path / "shot")
    assert_camera(camera, truth, size=1e-9, px=1e-9)
    assert (camera.intrinsics.model, camera.intrinsics.k1, camera.intrinsics.p2) == ("BROWN", -0.05, 0.0002)
    with np.load(tmp_path / "shot/camera/points.npz") as stored:
        assert sorted(map(tuple, stored["xyz"].tolist())) == sorted(map(tuple, truth.xyz.tolist()))
        assert (stored["track_length"] == truth.plan.count).all()
    kept = pycolmap.Reconstruction(str(tmp_path / "shot/colmap/sparse/0"))
    assert sorted(image.name for image in kept.images.values()) == [f"frame_{n}.png" for n in truth.frames]


def test_what_was_exported_as_colmap_text_comes_back(tmp_path: Path) -> None:
    truth = write_shot(tmp_path, ShotPlan(**{**PLAN.__dict__, "distortion": (-0.1, 0.02, 0.001, 0.0)}))
    run_export(tmp_path, formats="colmap", axes="opencv")
    import_into_shot(tmp_path / "camera/colmap", tmp_path, ImportOptions(world_axes="opencv"), replace=True)
    assert_camera(read_camera(tmp_path), truth, size=1e-8, px=1e-9)


def colmap_model(truth: Truth) -> pycolmap.Reconstruction:
    """The truth as COLMAP would have solved it, images named by the clip's own numbers."""
    model = pycolmap.Reconstruction()
    fx, fy, cx, cy = truth.k[0]
    model.add_camera_with_trivial_rig(
        pycolmap.Camera(
            camera_id=1, model="OPENCV", width=320, height=180, params=[fx, fy, cx, cy, -0.05, 0.01, 0.0001, 0.0002]
        )
    )
    for index, number in enumerate(truth.frames.tolist()):
        pixels = truth.project(index, truth.xyz)
        image = pycolmap.Image(
            name=f"shot.v02.{number}.jpg", camera_id=1, image_id=index + 1,
            points2D=pycolmap.Point2DList([pycolmap.Point2D(pixel) for pixel in pixels]),
        )  # fmt: skip
        inverse = np.linalg.inv(truth.poses[index])
        pose = pycolmap.Rigid3d(pycolmap.Rotation3d(inverse[:3, :3]), inverse[:3, 3])
        model.add_image_with_trivial_frame(image, pose)
    for i, (place, colour) in enumerate(zip(truth.xyz, truth.rgb, strict=True)):
        track = pycolmap.Track()
        for index in range(truth.plan.count):
            track.add_element(index + 1, i)
        model.add_point3D(place.astype(np.float64), track, colour)
    return model


BLENDER_STYLE = """
#target AfterEffects
/* Scene : Scene */
function compFromBlender(){
var compName = prompt("Comp's Name","BlendComp","Composition's Name");
if (compName){
var newComp = app.project.items.addComp(compName, 320, 180, 1.0, 0.5, 24.0);
newComp.displayStartTime = 41.708333333333336;
var _Cube = newComp.layers.addNull();
_Cube.property("position").setValue([1.0,2.0,3.0]);
var _Camera = newComp.layers.addCamera("_Camera",[0,0]);
_Camera.autoOrient = AutoOrientType.NO_AUTO_ORIENT;
_Camera.property("position").setValuesAtTimes([0.0,0.041666666666666664],[[100.0,-150.0,-500.0],[110.0,-150.0,-500.0],]);
_Camera.property("orientation").setValuesAtTimes([0.0,0.041666666666666664],[[-10.0,5.0,0.0],[-11.0,5.0,0.0],]);
_Camera.property("zoom").setValue(320.0);
}}
"""
ONE_BY_ONE = """
var comp = app.project.items.addComp("c", 640, 360, 1, 10, 25);
var cam = comp.layers.addCamera("cam", [320, 180]);
cam.position.setValueAtTime(0, [0, 0, -.5]);
cam.position.setValueAtTime(1/25, [100, 0, 0]);
cam.rotationX.setValueAtTime(0, 0);
cam.rotationX.setValueAtTime(1/25, 30);
cam.zoom.setValueAtTime(0, 700); cam.zoom.setValueAtTime(1/25, 710);
"""


def test_a_script_of_blenders_exporter(tmp_path: Path) -> None:
    write_shot(tmp_path, ShotPlan(plate=False, fps="24"))
    script = tmp_path / "blend.jsx"
    script.write_text(BLENDER_STYLE)
    import_into_shot(script, tmp_path, ImportOptions(), replace=True)
    camera = read_camera(tmp_path)
    first = camera.extrinsics.frames[0].world_from_camera
    assert first is not None
    assert [row[3] for row in first[:3]] == pytest.approx([1.0, -5.0, 1.5])
    # Orientation x = -10: After Effects' camera looks down by 10 degrees, towards +y of our world.
    forward = [row[2] for row in first[:3]]
    assert forward[2] == pytest.approx(-math.sin(math.radians(10)) * math.cos(math.radians(5)))
    assert camera.intrinsics.frames[0].fx == 320.0
    assert [pose.state for pose in camera.extrinsics.frames] == ["solved"] * 2 + ["failed"] * 10


def test_a_script_with_keys_one_by_one(tmp_path: Path) -> None:
    write_shot(tmp_path, ShotPlan(plate=False, fps="25", first=1))
    script = tmp_path / "keys.jsx"
    script.write_text(ONE_BY_ONE)
    import_into_shot(script, tmp_path, ImportOptions(), replace=True)
    camera = read_camera(tmp_path)
    assert [lens.fx for lens in camera.intrinsics.frames[:2]] == [350.0, 355.0]  # at half the composition's size
    second = camera.extrinsics.frames[1].world_from_camera
    assert second is not None and second[0][3] == 1.0
    assert [row[2] for row in second[:3]] == pytest.approx([0.0, math.cos(math.pi / 6), math.sin(math.pi / 6)])


def test_later_stages_take_the_imported_camera_until_solve_is_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shot(tmp_path, PLAN)
    run_export(tmp_path, formats="chan")
    import_into_shot(tmp_path / "camera/camera.chan", tmp_path, ImportOptions(), replace=True)
    shot = ShotFolder(tmp_path)
    assert shot.read().engines["solve"] == "imported"

    class Solve:
        engine = staticmethod(lambda params: Engine("sfm", 1))
        inputs = staticmethod(lambda params, shot, footage: {})

    monkeypatch.setattr(runner, "load", lambda stage: Solve)
    planned = runner.plan(stage_info("solve"), {"quality": "high"}, shot, "")
    done = runner.is_up_to_date(planned, shot)
    assert done is not None and done.result.engine == "imported"
    shot.cloud.unlink()
    assert runner.is_up_to_date(planned, shot) is None


def test_the_world_gets_a_new_revision(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    run_export(tmp_path, formats="chan")
    for revision in (1, 2):
        import_into_shot(tmp_path / "camera/camera.chan", tmp_path, ImportOptions(), replace=True)
        camera = read_camera(tmp_path)
        assert camera.world.revision == camera.extrinsics.world_revision == revision
        found = manifest.find(ShotFolder(tmp_path), "solve")
        assert found is not None and found.world_revision == revision


def test_refusals_leave_the_shot_alone(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    before = (tmp_path / "camera/extrinsics.json").read_text()
    bad = tmp_path / "bad.chan"
    bad.write_text("1 0 0 0 0 0 0 40\n")
    cases = [
        (bad, ImportOptions(), False, InvalidRequest, "has a camera already"),
        (bad, ImportOptions(), True, InvalidRequest, "--frame-offset 1000|has frames 1"),
        (tmp_path / "gone.chan", ImportOptions(), True, FootageNotFound, "does not exist"),
        (tmp_path / "shot.json", ImportOptions(), True, InvalidRequest, "not a camera file"),
        (bad, ImportOptions(scale=0.0), True, InvalidRequest, "not a scale"),
    ]
    for file, options, replace, error, words in cases:
        with pytest.raises(error, match=words):
            import_into_shot(file, tmp_path, options, replace=replace)
    for text, words in (
        ("1 2 x\n", "not a line of numbers"),
        ("1 0 0 0 0 0 0\n", "lacks the field"),
        ("", "no camera"),
    ):
        bad.write_text(text)
        with pytest.raises(FootageUnreadable, match=words):
            import_into_shot(bad, tmp_path, ImportOptions(), replace=True)
    assert (tmp_path / "camera/extrinsics.json").read_text() == before
    with pytest.raises(ArtifactMissing):
        import_into_shot(bad, tmp_path / "nothing", ImportOptions())


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_shot(tmp_path, PLAN)
    run_export(tmp_path, formats="chan")
    file = str(tmp_path / "camera/camera.chan")
    assert main(["import-camera", file, "--shot", str(tmp_path)]) == 2
    assert main(["import-camera", file, "--shot", str(tmp_path), "--replace", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["results"][0]["engine"] == "imported"
