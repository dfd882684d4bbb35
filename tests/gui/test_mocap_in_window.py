"""Mocap in a real window: the stage's job ends with people in the scene, who come in without holding up the interface,
stand over the plate, get their feet locked, move another rig, and go with undo. The backend is the tests' own, and
writes known motion."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from shared.artifacts import StageResult
from shared.messages import Progress
from shared.mocap_report import MOCAP_REPORT, MocapProblem, MocapReport, PersonReport, StateRange
from shared.shot import document_text
from tests.blender.synthetic_mocap import Walk, write_person
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.contract.fake_backend import FakeBackend, FakeJob
from tests.gui import chroot, window

pytestmark = [pytest.mark.gui, pytest.mark.skipif(bool(chroot.why_not()), reason=chroot.why_not() or "-")]

FRAMES = 48
RIG = Path(__file__).resolve().parents[1] / "blender" / "synthetic_rigs.py"


def test_people_from_the_sidebar(tmp_path: Path, package: Path) -> None:
    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=FRAMES))
    home = tmp_path / "backlot home"
    rig = tmp_path / "rig.py"
    rig.write_text(RIG.read_text(encoding="utf-8"), encoding="utf-8")
    with FakeBackend(home, lambda job: _mocap_job(job, root)) as backend:
        outcome = window.run_scenario(
            "mocap",
            tmp_path,
            timeout_s=900,
            settings={"package": str(package), "shot": str(root), "rig": str(rig)},
            variables={"BACKLOT_HOME": str(home)},
        )
        stages = [job.request.stages for job in backend.jobs.values()]
    facts = outcome.facts
    assert stages == [("mocap",)]
    assert facts["people"] == ["clip person_00", "clip person_01"] and facts["markers"] == 1
    assert facts["longest_step_s"] < 0.06
    assert facts["cleaned"] and facts["retargeted"] == "Mixamo from clip person_00"
    assert facts["undone"] == 0 and facts["camera_stays"] and facts["redone"] == 2
    drawn, plain = (cv2.imread(str(outcome.pictures[name])).astype(int) for name in ("4_plate", "5_plate_alone"))
    changed = np.abs(drawn - plain).max(2) > 40
    assert 1000 < changed.sum() < 0.1 * changed.size  # skeletons, and nothing else


def _mocap_job(job: FakeJob, root: Path) -> None:
    for step in range(5):
        job.progress(Progress("mocap", step, 5, frame=1001 + step, fraction=step / 5))
        job.cancelled.wait(0.1)
    write_person(root, "person_00", Walk(count=FRAMES, absent=(1040, 1041), slip=0.2))
    write_person(root, "person_01", Walk(count=FRAMES, start=(-1.2, 0.8), heading=-0.8, size=0.95))
    said = PersonReport(
        1001, 1048, 46, 0, 2, (StateRange("absent", 1040, 1041),), 1.72, False, 1.4, 0.86, 0.3, 2.1, 0.9
    )
    gap = MocapProblem("person_00", "gap", 1040, 1041, "person_00 is not seen in frames 1040 to 1041")
    report = MocapReport(1, "synthetic", {"person_00": said, "person_01": said}, (gap,))
    (root / MOCAP_REPORT).write_text(document_text(report), encoding="utf-8")
    job.stage_done(StageResult("mocap", "synthetic", 1, {"people": 2}))
