"""The mocap stage as a whole, with keypoints whose truth is exact: files, the world, scale, gaps, refusals."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.body_mesh import BodyResult
from backend.mocap.clip import ClipMotion
from backend.mocap.evidence import Evidence
from backend.mocap.kept import KeptBody
from backend.mocap_stage.cameras import cameras_of
from backend.mocap_stage.evidence import TrackEvidence
from backend.mocap_stage.job import fingerprint
from backend.mocap_stage.progress import Progress
from backend.mocap_stage.report import problems_of
from backend.pipeline.context import StageContext
from backend.pose import PoseJob, PoseResult
from backend.world.change import WorldStep, change_world
from shared.artifacts import StageResult, frame_name
from shared.camera_files import Similarity, read_camera
from shared.errors import ArtifactMissing, FootageEmpty, InvalidParameter, InvalidRequest, JobCancelled
from shared.mocap_params import MocapParams
from shared.mocap_report import StateRange, read_mocap_report
from shared.motion_arrays import ABSENT, TRACKED, joints_of, read_motion
from shared.shot import ShotFolder, document_text
from shared.stages import stage_params
from tests.unit.export_shot import Recorder
from tests.unit.mocap_shot import FIRST, Scene, record, run_mocap, sees, small_scene, track, write_shot

QUARTER = Similarity(2.0, ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)), (1.0, 2.0, 3.0))

TURNED = Similarity(1.0, QUARTER.rotation, (5.0, -1.0, 0.0))


@pytest.fixture(autouse=True)
def _no_blender(monkeypatch: pytest.MonkeyPatch) -> None:
    """FBX has tests of its own."""
    monkeypatch.setattr("backend.mocap_stage.outputs.find_blender", lambda _: None)


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ShotFolder, Scene, StageResult]]:
    """A metric shot with a bent lens; the plate's frame 104 has no camera."""
    scene = small_scene(9, k1=-0.08, unposed={FIRST + 3})
    shot = write_shot(tmp_path_factory.mktemp("captured") / "shot", scene)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backend.mocap_stage.outputs.find_blender", lambda _: None)
        result, _ = run_mocap(shot, sees(track(scene)), patch)
    yield shot, scene, result


def test_the_person_stands_where_the_truth_is(captured: tuple[ShotFolder, Scene, StageResult]) -> None:
    shot, scene, _ = captured
    motion = read_motion(shot.root / "mocap/person_00/motion.npz")
    assert motion.frames.tolist() == list(scene.numbers) and motion.world_revision == 0 and motion.fps == "24"
    off = np.linalg.norm(motion.joints - scene.shown.joints, axis=-1)
    assert off.mean() < 0.06, off.mean()
    assert np.abs(joints_of(motion) - motion.joints).max() < 1e-6
    assert set(motion.state) <= {"tracked", "bridged"} and motion.state[3] == "bridged"


def test_the_report_says_who_where_and_how_well(captured: tuple[ShotFolder, Scene, StageResult]) -> None:
    shot, scene, _ = captured
    report = read_mocap_report(shot)
    (person,) = report.people.values()
    assert (report.engine, report.floor, report.scale, report.metres_per_unit) == ("mediapipe", "world", "solve", 1.0)
    assert person.states == (
        StateRange("tracked", FIRST, FIRST + 2), StateRange("bridged", FIRST + 3, FIRST + 3),
        StateRange("tracked", FIRST + 4, scene.numbers[-1]),
    )  # fmt: skip
    assert person.reprojection_px < 3.0 and abs(person.stature_m - 0.9 * 1.72) < 0.08
    assert person.slide_mm is not None and person.slide_mm < 1.0 and person.standing > 0.8
    assert [(one.kind, one.first) for one in report.problems] == [("no-camera", FIRST + 3)]


def test_files_for_other_programs_lie_beside_it(captured: tuple[ShotFolder, Scene, StageResult]) -> None:
    shot, scene, _ = captured
    there = {path.name for path in (shot.root / "mocap/person_00").iterdir()}
    assert there >= {"motion.npz", "motion.bvh", "motion.usda", "analysis.json", "analysis.svg"}
    for folder, kind in (("pose", "png"), ("pose_json", "json")):
        found = {path.name for path in (shot.root / folder / "person_00").iterdir()}
        assert {f"frame_{number:04d}.{kind}" for number in scene.numbers} <= found
    metadata = json.loads((shot.root / "pose_json/person_00/tracking_metadata.json").read_text())
    assert metadata["label"] == "person_00"


def test_keypoints_are_freed_of_the_lens(tmp_path: Path) -> None:
    scene = small_scene(4, k1=-0.1)
    straight, curved = (_evidence(one, tmp_path / str(one.k1)) for one in (replace(scene, k1=0.0), scene))
    seen = straight.seen
    assert np.array_equal(seen, curved.seen) and np.abs(straight.xy[seen] - curved.xy[seen]).max() < 2e-3


def test_joints_in_the_picture_alone_give_a_motion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As from networks without MediaPipe beside them."""
    scene = small_scene(5)
    shot, whole = write_shot(tmp_path / "shot", scene), track(scene)
    flat = replace(whole, keypoints=tuple(replace(one, relative=None, sd_m=None) for one in whole.keypoints))
    run_mocap(shot, sees(flat), monkeypatch)
    motion = read_motion(shot.root / "mocap/person_00/motion.npz")
    off = np.linalg.norm(motion.joints - scene.shown.joints, axis=-1)
    assert set(motion.state) == {"tracked"} and off.mean() < 0.15, off.mean()


def _evidence(scene: Scene, root: Path) -> Evidence:
    camera = read_camera(write_shot(root, scene).root)
    return TrackEvidence(track(scene), cameras_of(camera, scene.numbers)).part(0, len(scene.numbers))


def test_a_shot_without_a_scale_gets_it_from_the_persons_height(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = small_scene(8, unit=4.0, scale_source="none")
    shot = write_shot(tmp_path / "shot", scene)
    before = fingerprint(MocapParams(height_m=1.548), shot)
    _, notices = run_mocap(shot, sees(track(scene)), monkeypatch, height_m=1.548)
    camera, motion = read_camera(shot.root), read_motion(shot.root / "mocap/person_00/motion.npz")
    assert (camera.extrinsics.units, camera.extrinsics.scale_source) == ("metres", "person-height")
    assert motion.world_revision == camera.world.revision == 1
    assert abs(camera.world.world_from_solve.scale / 4.0 - 1.0) < 0.06
    assert abs(read_mocap_report(shot).people["person_00"].stature_m - 1.548) < 0.02
    assert np.linalg.norm(motion.joints - scene.shown.joints, axis=-1).mean() < 0.2  # mostly the scale's error
    assert any("scale was set" in notice for notice in notices)
    assert fingerprint(MocapParams(height_m=1.548), shot) == before


def test_a_height_given_later_corrects_the_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of people only: what somebody measured in the scene holds."""
    scene = small_scene(5, unit=1.3, scale_source="person-height")
    shot = write_shot(tmp_path / "shot", scene)
    run_mocap(shot, sees(track(scene)), monkeypatch)
    assert read_camera(shot.root).world.revision == 0
    run_mocap(shot, sees(track(scene)), monkeypatch, height_m=1.548)
    camera = read_camera(shot.root)
    assert camera.world.revision == 1 and abs(camera.world.world_from_solve.scale / 1.3 - 1.0) < 0.06
    assert abs(read_mocap_report(shot).people["person_00"].stature_m - 1.548) < 0.02
    run_mocap(shot, sees(track(scene)), monkeypatch, height_m=1.548)
    assert read_camera(shot.root).world.revision == 1


def test_a_plate_that_lacks_frames_gives_motion_without_holes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = small_scene(6)
    shot = write_shot(tmp_path / "shot", scene)
    lacks = FIRST + 2
    (shot.frames_dir / frame_name(lacks)).unlink()
    facts = replace(shot.read().facts, frame_count=5, missing_frames=(lacks,))
    shot.shot_json.write_text(document_text(replace(shot.read(), facts=facts)), encoding="utf-8")
    run_mocap(shot, sees(track(scene, hidden={lacks})), monkeypatch)
    motion = read_motion(shot.root / "mocap/person_00/motion.npz")
    assert motion.frames.tolist() == list(scene.numbers) and motion.state[2] == "bridged"
    assert np.linalg.norm(motion.joints - scene.shown.joints, axis=-1).mean() < 0.1


def test_the_world_stays_when_the_user_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = small_scene(5, unit=4.0, scale_source="none")
    shot = write_shot(tmp_path / "shot", scene)
    _, notices = run_mocap(shot, sees(track(scene)), monkeypatch, set_scale="off", height_m=1.548)
    motion = read_motion(shot.root / "mocap/person_00/motion.npz")
    assert read_camera(shot.root).extrinsics.units == "arbitrary" and motion.world_revision == 0
    assert np.linalg.norm(4.0 * motion.joints - scene.shown.joints, axis=-1).mean() < 0.2
    assert any("unit of the world is" in notice for notice in notices)


def test_a_move_of_the_world_takes_the_motion_along(
    captured: tuple[ShotFolder, Scene, StageResult], tmp_path: Path
) -> None:
    shot = ShotFolder(shutil.copytree(captured[0].root, tmp_path / "shot"))
    before = read_motion(shot.root / "mocap/person_00/motion.npz")
    change_world(shot.root, lambda _: WorldStep(QUARTER, "picked", "two-points", "metres"))
    after = read_motion(shot.root / "mocap/person_00/motion.npz")
    turned = 2.0 * before.joints @ np.array(QUARTER.rotation).T + QUARTER.translation
    assert after.world_revision == 1 and np.abs(after.joints - turned).max() < 1e-9
    assert np.abs(joints_of(after) - after.joints).max() < 1e-6


def test_only_files_of_other_programs_are_written_anew_after_it(
    captured: tuple[ShotFolder, Scene, StageResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = ShotFolder(shutil.copytree(captured[0].root, tmp_path / "shot"))
    record(shot, captured[2], monkeypatch)
    change_world(shot.root, lambda _: WorldStep(TURNED, "picked", "two-points", "metres"))
    after = read_motion(shot.root / "mocap/person_00/motion.npz")
    bvh = (shot.root / "mocap/person_00/motion.bvh").read_text()
    result, _ = run_mocap(shot, _nobody_looks, monkeypatch)
    assert (shot.root / "mocap/person_00/motion.bvh").read_text() == bvh
    assert np.array_equal(read_motion(shot.root / "mocap/person_00/motion.npz").joints, after.joints)
    listed = {one.kind for one in captured[2].artifacts}
    assert {one.kind for one in result.artifacts} == listed and result.facts == captured[2].facts
    assert all((shot.root / one.path).exists() for one in result.artifacts)


def test_the_report_says_how_a_body_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a body that is made later, of motion that is there."""
    scene = small_scene(4)
    shot = write_shot(tmp_path / "shot", scene)
    for overlap, seer in ((0.6, sees(track(scene))), (0.9, _nobody_looks)):
        made = BodyResult(None, (), {"silhouette_after": overlap})  # type: ignore[arg-type]
        monkeypatch.setattr("backend.mocap_stage.outputs.body_of", lambda *_, made=made: made)
        asked = {"mesh": "none" if overlap == 0.6 else "proxy"}
        result, _ = run_mocap(shot, seer, monkeypatch, **asked)
        record(shot, result, monkeypatch, **asked)
        person = read_mocap_report(shot).people["person_00"]
        assert person.facts["body"] == {"silhouette_after": overlap} and person.tracked == 4


def _nobody_looks(job: PoseJob) -> PoseResult:
    raise AssertionError("the plate is looked at again")


def test_somebody_who_leaves_is_absent_and_nothing_is_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = small_scene(8)
    shot = write_shot(tmp_path / "shot", scene)
    hidden = range(FIRST + 5, FIRST + 8)
    run_mocap(shot, sees(track(scene, hidden=hidden)), monkeypatch)
    motion = read_motion(shot.root / "mocap/person_00/motion.npz")
    assert [state == ABSENT for state in motion.state] == [number in hidden for number in scene.numbers]
    assert np.isnan(motion.joints[5:]).all() and not motion.confidence[5:].any()
    report = read_mocap_report(shot)
    assert report.people["person_00"].states[-1] == StateRange("absent", hidden[0], hidden[-1])


def test_exchanged_sides_are_told(tmp_path: Path) -> None:
    scene = small_scene(6)
    cameras = cameras_of(read_camera(write_shot(tmp_path / "shot", scene).root), scene.numbers)
    sure = np.ones((6, len(scene.shown.truth.skeleton)), np.float32)
    motion = ClipMotion(KeptBody.of(scene.shown.truth), None, (TRACKED,) * 6, sure, None, exchanged=(2, 3, 5))
    found = [(one.kind, one.first, one.last) for one in problems_of("anna", motion, track(scene), cameras)]
    assert found == [("swap", FIRST + 2, FIRST + 3), ("swap", FIRST + 5, FIRST + 5)]


def test_progress_never_goes_back(tmp_path: Path) -> None:
    shot, heard = ShotFolder(tmp_path), Recorder()
    context = StageContext("mocap", shot, "", "cpu", tmp_path, heard, logging.getLogger("backlot.mocap"))
    progress = Progress(context, (1, 2, 3))
    for person, done in ((0, 3), (1, 3), (0, 1), (1, 2)):
        progress.fitting(person, 2)(done, 3)
    said = [one.done for one in heard.seen]
    assert said == sorted(said) and len(said) == 4


def test_a_floor_on_which_people_would_be_giants_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = small_scene(6, raised=1.5, up_source="imported")
    shot = write_shot(tmp_path / "shot", scene)
    _, notices = run_mocap(shot, sees(track(scene)), monkeypatch)
    report, motion = read_mocap_report(shot), read_motion(shot.root / "mocap/person_00/motion.npz")
    assert report.floor == "none" and any("does not stand on the floor" in one for one in notices)
    assert abs(report.people["person_00"].stature_m / 1.55 - 1.0) < 0.15
    assert np.linalg.norm(motion.joints - [0.0, 0.0, 1.5] - scene.shown.joints, axis=-1).mean() < 0.6


def test_nobody_in_the_clip_is_said_and_what_was_there_stays(
    captured: tuple[ShotFolder, Scene, StageResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    shot, _, _ = captured
    before = {path: path.read_bytes() for path in (shot.root / "mocap").rglob("*") if path.is_file()}
    with pytest.raises(InvalidRequest, match="No person was found in frames 101 to 109"):
        run_mocap(shot, sees(), monkeypatch)
    assert {path: path.read_bytes() for path in before} == before


def test_a_cancel_changes_nothing(
    captured: tuple[ShotFolder, Scene, StageResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    shot, scene, _ = captured
    before = {path: path.read_bytes() for path in (shot.root / "mocap").rglob("*") if path.is_file()}
    with pytest.raises(JobCancelled):
        run_mocap(shot, sees(track(scene)), monkeypatch, _Impatient())
    assert {path: path.read_bytes() for path in before} == before


class _Impatient(Recorder):
    """Cancels while the body is fitted."""

    def is_cancelled(self) -> bool:
        return any(one.note == "Fitting the body" for one in self.seen)


def test_labels_that_are_not_there_are_named(
    captured: tuple[ShotFolder, Scene, StageResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    shot, scene, _ = captured
    with pytest.raises(InvalidRequest, match="Nobody was found who is called 'anna'; there is person_00"):
        run_mocap(shot, sees(track(scene)), monkeypatch, labels="anna")


def test_a_label_without_masks_is_refused_where_others_have_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = small_scene(4)
    shot = write_shot(tmp_path / "shot", scene)
    (shot.roto_dir / "person_00").mkdir(parents=True)
    (shot.roto_dir / "person_00/frame_0101.png").touch()
    with pytest.raises(InvalidRequest, match="no label 'anna' under roto/; there is person_00"):
        run_mocap(shot, sees(track(scene)), monkeypatch, labels="anna")


def test_a_range_without_frames_and_a_shot_without_a_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = small_scene(4)
    shot = write_shot(tmp_path / "shot", scene)
    with pytest.raises(FootageEmpty, match="no frame from 500 to 104; it has 101 to 104"):
        run_mocap(shot, sees(track(scene)), monkeypatch, frame_start=500)
    shot.extrinsics.unlink()
    with pytest.raises(ArtifactMissing, match="no solved camera") as refused:
        run_mocap(shot, sees(track(scene)), monkeypatch)
    assert "solve" in refused.value.remedy


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"height_m": 0.0}, "Person's height should be a number from 0.4 to 2.8 m"),
        ({"frame_start": 9, "frame_end": 3}, "begin at frame 9 and end before, at 3"),
        ({"labels": " , "}, "name nobody"),
    ],
)
def test_parameters_that_make_no_sense(values: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidParameter, match=says):
        stage_params("mocap", values)


def test_what_makes_the_motion_out_of_date(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "shot", small_scene(3))
    before = fingerprint(MocapParams(), shot)
    change_world(shot.root, lambda _: WorldStep(TURNED, "picked", "two-points", "metres"))
    assert fingerprint(MocapParams(), shot)["floor"] == before["floor"]  # the same floor, seen from elsewhere
    assert fingerprint(MocapParams(), shot)["world"] != before["world"]  # but not the same in other programs
    raised = Similarity(1.0, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), (0.0, 0.0, 0.5))
    change_world(shot.root, lambda _: WorldStep(raised, "picked", "two-points", "metres"))
    assert fingerprint(MocapParams(), shot)["floor"] != before["floor"]
