"""USD, Alembic and FBX as the export stage writes them, imported by a Blender in another process."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pxr import Usd, UsdGeom

from backend.export.blender_process import Blender, find_blender
from shared.errors import EngineUnavailable, JobCancelled
from tests.blender import scene_file_check
from tests.blender.one_blender import OneBlender
from tests.blender.scene_file_check import GL, WORLDS, assert_same, compare, read_back
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.unit.export_shot import Recorder, run_export

PLAN = ShotPlan(plate=False, failed=(1005, 1006))


@pytest.fixture(scope="module")
def blender() -> Blender:
    found = find_blender()
    if found is None:
        pytest.skip("no Blender: `python3 build.py setup --bpy`, or name one in BACKLOT_BLENDER")
    return found


@pytest.fixture(scope="module")
def other(blender: Blender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneBlender]:
    if not blender.is_python:
        pytest.skip("this Blender is an application: `python3 build.py setup --bpy` makes the one for tests")
    with OneBlender(blender.program, tmp_path_factory.mktemp("jobs")) as one:
        yield one


@pytest.fixture
def one_blender(other: OneBlender, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written is read by one Blender; writing, the stage starts its own."""
    monkeypatch.setattr(scene_file_check, "run_script", other.run_script)


@pytest.mark.blender
@pytest.mark.usefixtures("one_blender")
@pytest.mark.parametrize(
    ("kind", "wanted"), [*(("usda", wanted) for wanted in WORLDS), ("usdc", "usd"), ("abc", "auto"), ("fbx", "auto")]
)
def test_the_camera_comes_back(tmp_path: Path, blender: Blender, kind: str, wanted: str) -> None:
    """All axes of Alembic and FBX, in all Blender versions: tests/blender/test_export_scene_files.py."""
    truth = write_shot(tmp_path, PLAN)
    run_export(tmp_path, formats=kind, axes=wanted)
    path = tmp_path / f"camera/camera.{kind}"
    meant = "maya" if wanted == "auto" else wanted
    assert_same(compare(path, truth, meant, *read_back(path, blender)), truth)


@pytest.mark.blender
@pytest.mark.usefixtures("one_blender")
def test_an_anamorphic_zoom_comes_back(tmp_path: Path, blender: Blender) -> None:
    truth = write_shot(tmp_path, ShotPlan(plate=False, focal_px=(300.0, 420.0), pixel_aspect=2.0))
    run_export(tmp_path, formats="usda,fbx,abc")
    for kind, wanted in (("usda", "usd"), ("fbx", "maya"), ("abc", "maya")):
        path = tmp_path / f"camera/camera.{kind}"
        # Blender's Alembic importer reads a camera's lens at one time only; the file is checked below.
        assert_same(compare(path, truth, wanted, *read_back(path, blender)), truth, zoom_is_lost=kind == "abc")
    lenses, places = alembic_samples(tmp_path / "camera/camera.abc")
    assert [lens[0] for lens in lenses] == pytest.approx((truth.k[:, 0] / 320 * 36.0).tolist(), abs=1e-3)
    assert {round(lens[1] * 10.0, 6) for lens in lenses} == {36.0}
    for pose in truth.poses:  # the file itself is y up, whatever Blender makes of it
        wanted = np.eye(4)
        wanted[:3, :3], wanted[:3, 3] = WORLDS["maya"] @ pose[:3, :3] @ GL, WORLDS["maya"] @ pose[:3, 3]
        assert min(np.abs(place - wanted).max() for place in places) < 1e-5


def alembic_samples(path: Path) -> tuple[list[tuple[float, ...]], list[np.ndarray]]:
    """Of an Ogawa file, in order: the 16 numbers of every camera sample (focal length in mm, film back in cm,
    ...), and every transform as a 4x4 matrix for column vectors.

    Ogawa is a tree: a group is a count and that many 64-bit places, a place with the top bit set is data: its
    size, then its bytes. A sample's data is a 16-byte key and the values. Transforms have 16 doubles too: theirs
    end with 1."""
    data = path.read_bytes()
    assert data[:5] == b"Ogawa" and data[5] == 0xFF, "not a finished Ogawa file"

    def walk(place: int) -> Iterator[bytes]:
        (count,) = struct.unpack_from("<Q", data, place)
        for child in struct.unpack_from(f"<{count}Q", data, place + 8):
            at = child & ~(1 << 63)
            if not at:
                continue
            if child >> 63:
                (size,) = struct.unpack_from("<Q", data, at)
                yield data[at + 8 : at + 8 + size]
            else:
                yield from walk(at)

    samples = [
        struct.unpack("<16d", block[16:]) for block in walk(struct.unpack_from("<Q", data, 8)[0]) if len(block) == 144
    ]
    lenses = [values for values in samples if values[15] != 1.0]
    return lenses, [np.array(values).reshape(4, 4).T for values in samples if values[15] == 1.0]


def test_usd_holds_the_camera_as_pixars_library_reads_it(tmp_path: Path) -> None:
    """Places, film back and field of view through UsdGeom's own evaluation, y up."""
    truth = write_shot(tmp_path, PLAN)
    run_export(tmp_path, formats="usdc", axes="maya")
    stage = Usd.Stage.Open(str(tmp_path / "camera/camera.usdc"))
    assert UsdGeom.GetStageUpAxis(stage) == "Y" and UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (1001.0, 1012.0)
    assert stage.GetTimeCodesPerSecond() == pytest.approx(24000 / 1001)
    camera = UsdGeom.Camera(stage.GetDefaultPrim().GetChild("camera"))
    for index, number in enumerate(truth.frames.tolist()):
        lens = camera.GetCamera(number)
        if number in PLAN.failed:
            assert UsdGeom.Imageable(camera).ComputeVisibility(number) == "invisible"
            continue
        matrix = np.array(lens.transform).T
        pose = truth.poses[index]
        assert np.abs(matrix[:3, :3] - WORLDS["maya"] @ pose[:3, :3] @ GL).max() < 1e-9
        assert np.abs(matrix[:3, 3] - WORLDS["maya"] @ pose[:3, 3]).max() < 1e-9
        view = np.degrees(2 * np.arctan(320 / 2 / truth.k[index, 0]))
        assert lens.GetFieldOfView(lens.FOVHorizontal) == pytest.approx(view, abs=1e-4)
    samples = UsdGeom.Xformable(camera).GetTimeSamples()
    assert samples == [float(n) for n in truth.frames if n not in PLAN.failed]
    points = UsdGeom.Points(stage.GetDefaultPrim().GetChild("points"))
    assert np.abs(np.array(points.GetPointsAttr().Get()) - truth.xyz @ WORLDS["maya"].T).max() < 1e-6


def test_a_second_usd_export_replaces_the_first(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    for scale in (1.0, 2.0):
        run_export(tmp_path, formats="usda", scale=scale)
    stage = Usd.Stage.Open(str(tmp_path / "camera/camera.usda"))
    place = UsdGeom.Camera(stage.GetDefaultPrim().GetChild("camera")).GetCamera(1001).transform.ExtractTranslation()
    assert place[1] == pytest.approx(-10.0)


def test_without_blender_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.stages.export.find_blender", lambda wanted: None)
    monkeypatch.setattr("backend.export.writers.require_blender", _no_blender)
    write_shot(tmp_path, PLAN)
    with pytest.raises(EngineUnavailable, match="none was found"):
        run_export(tmp_path, formats="abc")
    result, notices = run_export(tmp_path)
    assert result.facts["formats"] == "usda, chan, csv, jsx, clip, nk, colmap, analysis"
    assert any("build.py setup --bpy" in notice for notice in notices)


def _no_blender(wanted: str | None) -> Blender:
    from backend.export import blender_process

    raise EngineUnavailable(
        "Alembic and FBX need Blender, and none was found on this computer.", blender_process._REMEDY
    )


def test_a_program_that_is_no_blender_is_said_so(tmp_path: Path) -> None:
    write_shot(tmp_path, PLAN)
    with pytest.raises(EngineUnavailable, match="is not a program"):
        run_export(tmp_path, formats="fbx", blender=str(tmp_path / "nothing"))
    false = tmp_path / "blender"
    false.write_text("#!/bin/sh\necho this is not Blender\nexit 3\n")
    false.chmod(0o755)
    with pytest.raises(EngineUnavailable, match="ended with code 3: this is not Blender"):
        run_export(tmp_path, formats="fbx", blender=str(false))
    assert not list((tmp_path / "camera").glob("*partial*"))


def test_a_blender_without_alembic_costs_only_that_file(tmp_path: Path) -> None:
    """As some Linux distributions build it. The stand-in answers as the headless script does."""
    bare = tmp_path / "blender"
    bare.write_text(
        f"#!{sys.executable}\nimport json, sys\njob = json.load(open(sys.argv[-1]))\n"
        'json.dump({"lacks": "Alembic"}, open(job["result"], "w"))\n'
    )
    bare.chmod(0o755)
    write_shot(tmp_path, PLAN)
    result, notices = run_export(tmp_path, blender=str(bare))
    assert result.facts["formats"] == "usda, chan, csv, jsx, clip, nk, colmap, analysis"
    assert any(".abc was left out" in notice and "without Alembic" in notice for notice in notices)
    with pytest.raises(EngineUnavailable, match="without Alembic"):
        run_export(tmp_path, formats="auto,abc", blender=str(bare))


def test_cancelling_stops_blender(tmp_path: Path) -> None:
    slow = tmp_path / "blender"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    write_shot(tmp_path, PLAN)

    class Impatient(Recorder):
        asked = 0

        def is_cancelled(self) -> bool:
            self.asked += 1
            return self.asked > 5

    with pytest.raises(JobCancelled):
        run_export(tmp_path, Impatient(), formats="abc", blender=str(slow))
