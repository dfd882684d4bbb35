"""The stage as a whole: what it picks, what it removes, what it refuses, what it says."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from backend.export.blender_scene import _job
from backend.export.camera_track import PointCloud, make_track
from backend.export.formats import FORMATS
from backend.export.undistorted_picture import undistorted_picture
from backend.pipeline import manifest
from backend.pipeline.manifest import MANIFEST_VERSION, Manifest
from backend.stages import export
from shared import axes
from shared.artifacts import StageResult
from shared.camera_files import read_camera
from shared.errors import ArtifactMissing, InvalidParameter, ShotCorrupt
from shared.export_formats import EXPORT_FORMATS
from shared.shot import ShotFolder, document_text
from shared.stages import ExportParams, in_order, stage_info
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.unit.export_shot import Recorder, run_export

PLAN = ShotPlan(plate=False)


def test_its_alias_is_camera() -> None:
    assert stage_info("camera").name == "export"
    assert [info.name for info in in_order(("camera",))] == ["ingest", "solve", "export"]


def test_auto_leaves_lens_files_out_when_there_is_no_lens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "find_blender", lambda wanted: None)
    write_shot(tmp_path, PLAN)
    result, _ = run_export(tmp_path)
    assert result.facts["formats"] == "usda, chan, csv, jsx, clip, nk, colmap, analysis"
    assert all((tmp_path / artifact.path).exists() and artifact.bytes for artifact in result.artifacts)
    bent = replace(PLAN, plate=True, distortion=(-0.1, 0.0, 0.0, 0.0), count=4)
    write_shot(tmp_path / "bent", bent)
    result, _ = run_export(tmp_path / "bent")
    assert {"stmap", "undistorted"} <= set(result.facts["formats"].split(", "))


@pytest.mark.parametrize("text", ["chan,xml", "maya"])
def test_unknown_formats_are_named(tmp_path: Path, text: str) -> None:
    write_shot(tmp_path, PLAN)
    with pytest.raises(InvalidParameter, match="is not a format"):
        run_export(tmp_path, formats=text)


def test_formats_are_read_as_people_write_them(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    result, _ = run_export(tmp_path, formats=" .CHAN; csv ,")
    assert result.facts["formats"] == "chan, csv"


def test_files_of_an_earlier_export_do_not_stay_behind(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    first, _ = run_export(tmp_path, formats="chan,csv,colmap")
    record(tmp_path, first)
    run_export(tmp_path, formats="csv")
    assert (tmp_path / "camera/camera.csv").is_file()
    assert not (tmp_path / "camera/camera.chan").exists() and not (tmp_path / "camera/colmap").exists()
    assert (tmp_path / "camera/extrinsics.json").is_file()


def record(root: Path, result: StageResult) -> None:
    manifest.write(ShotFolder(root), "export", Manifest(MANIFEST_VERSION, "key", {}, {}, result))


def test_a_refused_export_loses_nothing(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    first, _ = run_export(tmp_path, formats="chan")
    record(tmp_path, first)
    with pytest.raises(InvalidParameter):
        run_export(tmp_path, formats="nonsense")
    assert manifest.find(ShotFolder(tmp_path), "export") is not None


def test_a_change_of_the_camera_or_the_points_is_seen(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    shot = ShotFolder(tmp_path)
    before = export.inputs(ExportParams(), shot, "")
    assert export.inputs(ExportParams(), shot, "") == before
    shot.cloud.write_bytes(shot.cloud.read_bytes() + b" ")
    assert export.inputs(ExportParams(), shot, "")["camera"] != before["camera"]


def test_the_film_back_is_the_solves_sensor(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    result = StageResult("solve", "sfm", 1)
    for params, width in (({"sensor_mm": 22.2, "sensor": "custom"}, 22.2), ({"sensor": "super35"}, 24.89), ({}, 36.0)):
        manifest.write(ShotFolder(tmp_path), "solve", Manifest(MANIFEST_VERSION, "k", params, {}, result))
        assert run_export(tmp_path, formats="csv")[0].facts["film_width_mm"] == width
    assert run_export(tmp_path, formats="csv", film_back_mm=20.0)[0].facts["film_width_mm"] == 20.0


def test_a_shot_without_any_pose_is_refused(tmp_path: Path) -> None:
    write_shot(tmp_path, replace(PLAN, failed=tuple(range(1001, 1013))))
    with pytest.raises(ArtifactMissing, match="No frame"):
        run_export(tmp_path, formats="chan")


def test_a_mixture_of_world_revisions_is_refused(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    world = read_camera(tmp_path).world
    ShotFolder(tmp_path).world.write_text(document_text(replace(world, revision=4)))
    with pytest.raises(ShotCorrupt, match="revision"):
        run_export(tmp_path, formats="chan")


def test_a_wrong_rate_is_refused(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    with pytest.raises(InvalidParameter, match="not a frame rate"):
        run_export(tmp_path, formats="chan", fps="fast")


def test_progress_reaches_its_end(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    observer = Recorder()
    run_export(tmp_path, observer, formats="chan,csv,nk,analysis")
    assert [(p.done, p.total) for p in observer.seen] == [(i, 4) for i in range(5)]


def test_a_camera_without_points_is_exported(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    ShotFolder(tmp_path).cloud.unlink()
    result, _ = run_export(tmp_path, formats="usda,jsx,csv,analysis")
    assert result.facts["points"] == 0


def test_numbers_that_the_plate_lacks_are_gaps(tmp_path: Path) -> None:
    """A sequence with a hole: no program may glide over it."""
    write_shot(tmp_path, PLAN)
    shot, camera = ShotFolder(tmp_path), read_camera(tmp_path)
    for path, document in ((shot.intrinsics, camera.intrinsics), (shot.extrinsics, camera.extrinsics)):
        kept = tuple(frame for frame in document.frames if frame.frame not in (1004, 1005))
        path.write_text(document_text(replace(document, frames=kept)))
    track = make_track(
        read_camera(tmp_path), undistorted_picture(camera.intrinsics, overscan=True),
        name="camera", fps=Fraction(24), film_back_mm=36.0,
    )  # fmt: skip
    assert track.gaps == (1004, 1005) and track.failed == ()
    job = _job(track, axes.BLENDER, PointCloud(np.zeros((0, 3)), np.zeros((0, 3), np.uint8), np.zeros(0, np.int32)))
    assert [row["frame"] for row in job["frames"] if row["matrix"] is None] == [1004, 1005]
    assert [row["frame"] for row in job["frames"]] == list(range(1001, 1013)) and job["failed"] == "1004-1005"
    run_export(tmp_path, formats="chan,clip,usda,jsx")
    assert 'string framesNotSolved = "1004-1005"' in (tmp_path / "camera/camera.usda").read_text()
    assert "var holds = [3];" in (tmp_path / "camera/camera.jsx").read_text()
    assert "tracklength = 12" in (tmp_path / "camera/camera.clip").read_text()
    assert len((tmp_path / "camera/camera.chan").read_text().splitlines()) == 10


def test_clients_are_offered_every_format() -> None:
    assert {choice.value for choice in EXPORT_FORMATS} == {known.name for known in FORMATS}
