"""Several calibrated shots of the same moments, fitted together by the mocap stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.mocap.evidence import Cameras, Evidence
from backend.mocap.skeleton import human
from backend.mocap_stage.cameras import ShotCameras, cameras_of
from backend.mocap_stage.views import ShotView, matched_view, open_views
from backend.pose import PoseJob, PoseResult
from shared.artifacts import frame_name
from shared.camera_files import read_camera
from shared.errors import ArtifactMissing, BacklotError, InvalidParameter, InvalidRequest
from shared.mocap_params import MocapParams
from shared.mocap_report import read_mocap_report
from shared.motion_arrays import read_motion
from shared.shot import ShotFolder, document_text
from tests.unit.mocap_scene import Performance, detected
from tests.unit.mocap_shot import Scene, run_mocap, small_scene, track, write_shot

FRAMES = 6
SIDE = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
"""Camera-from-world of a camera that looks along -x."""


@pytest.fixture(autouse=True)
def _no_blender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.mocap_stage.outputs.find_blender", lambda _: None)


def scenes(**beside: float) -> tuple[Scene, Scene]:
    """The same moments from before the person and from the left."""
    scene = small_scene(FRAMES)
    matrix = scene.shown.cameras.matrix
    centre = np.array([4.5, 4.0, 1.5])
    side = Cameras(matrix, np.tile(SIDE, (FRAMES, 1, 1)), np.tile(-SIDE @ centre, (FRAMES, 1)))
    return scene, replace(scene, shown=replace(scene.shown, cameras=side), **beside)


def sees_both(scene: Scene, beside: Scene) -> Callable[[PoseJob], PoseResult]:
    def seer(job: PoseJob) -> PoseResult:
        shown, label = (beside, "person_07") if "view-" in job.store.name else (scene, "person_00")
        return PoseResult({label: track(shown, label)}, "mediapipe", "1")

    return seer


def test_two_views_are_fitted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, beside = scenes()
    shot = write_shot(tmp_path / "front", scene)
    write_shot(tmp_path / "left", beside)
    run_mocap(shot, sees_both(scene, beside), monkeypatch, views="left")
    motion = read_motion(shot.root / "mocap/person_00/motion.npz")
    off = np.linalg.norm(motion.joints - scene.shown.joints, axis=-1)
    assert off.mean() < 0.03
    (person,) = read_mocap_report(shot).people.values()
    assert person.facts["views"]["left"] < 2.5 and person.reprojection_px < 2.5
    assert not (tmp_path / "left/mocap").exists()


def _without(shot: ShotFolder) -> None:
    shot.intrinsics.unlink()


def _shorter(shot: ShotFolder) -> None:
    (shot.frames_dir / frame_name(max(shot.frame_numbers()))).unlink()


def _elsewhen(shot: ShotFolder) -> None:
    for number in shot.frame_numbers():
        (shot.frames_dir / frame_name(number)).rename(shot.frames_dir / frame_name(number + 400))


def _faster(shot: ShotFolder) -> None:
    read = shot.read()
    shot.shot_json.write_text(document_text(replace(read, facts=replace(read.facts, fps="25"))), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (_without, "no shot with a solved camera"),
        (_shorter, "differ in length"),
        (_elsewhen, "shares no frame"),
        (_faster, "25 frames a second"),
    ],
)
def test_views_that_cannot_be_used_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: Callable[[ShotFolder], None], said: str
) -> None:
    scene, beside = scenes()
    shot = write_shot(tmp_path / "front", scene)
    spoilt(write_shot(tmp_path / "left", beside))
    with pytest.raises(BacklotError, match=said) as found:
        run_mocap(shot, sees_both(scene, beside), monkeypatch, views=str(tmp_path / "left"))
    assert isinstance(found.value, ArtifactMissing | InvalidRequest) and found.value.remedy


def test_worlds_must_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, beside = scenes(raised=1.2)
    shot = write_shot(tmp_path / "front", scene)
    write_shot(tmp_path / "left", beside)
    with pytest.raises(InvalidRequest, match="another world"):
        run_mocap(shot, sees_both(scene, beside), monkeypatch, views="left")
    with pytest.raises(InvalidRequest, match="is the shot itself"):
        run_mocap(shot, sees_both(scene, beside), monkeypatch, views="front")
    with pytest.raises(InvalidRequest, match="gvhmr looks at one camera only"):
        open_views(MocapParams(views="left", engine="gvhmr"), shot, read_camera(shot.root), "24", scene.numbers)
    with pytest.raises(InvalidParameter, match="name no shot"):
        MocapParams(views=" , ")


def test_people_are_told_apart_by_where_they_are(tmp_path: Path) -> None:
    scene, beside = scenes()
    cameras, there = (
        cameras_of(read_camera(write_shot(tmp_path / name, one).root), one.numbers)
        for name, one in (("front", scene), ("left", beside))
    )
    near, far = (_moved(scene.shown, np.array(way)) for way in ((0.0, 0.0, 0.0), (0.9, -1.0, 0.0)))
    ours = {"anna": _seen(near, cameras), "bert": _seen(far, cameras)}
    theirs = {"one": _seen(far, there), "two": _seen(near, there)}
    found = matched_view(ours, cameras, ShotView("left", ShotFolder(tmp_path / "left"), there), theirs)
    assert found["anna"].seen is theirs["two"] and found["bert"].seen is theirs["one"]
    alone = matched_view(ours, cameras, ShotView("left", ShotFolder(tmp_path / "left"), there), {"one": theirs["one"]})
    assert list(alone) == ["bert"]


def _moved(shown: Performance, way: np.ndarray) -> Performance:
    return replace(shown, truth=replace(shown.truth, root=shown.truth.root + way))


def _seen(shown: Performance, cameras: ShotCameras) -> Evidence:
    assert len(human()) == len(shown.truth.skeleton)
    return detected(replace(shown, cameras=cameras.cameras), dropped=0.0)
