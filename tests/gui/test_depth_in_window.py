"""Depth in a real window: the stage's job is watched, cancelled and run again, its results come in without holding up
the interface, follow the frames, and go with undo. The backend is the tests' own, and writes known depth."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from shared.artifacts import StageResult
from shared.messages import Progress
from tests.blender.synthetic_depth import DepthPlan, write_depth
from tests.blender.synthetic_shot import ShotPlan, Truth, write_shot
from tests.contract.fake_backend import FakeBackend, FakeJob
from tests.gui import chroot, window

pytestmark = [pytest.mark.gui, pytest.mark.skipif(bool(chroot.why_not()), reason=chroot.why_not() or "-")]

FRAMES = 6
WAIT_S = 180.0
FACES_PER_CELL_ROW = 150


def test_depth_from_the_sidebar(tmp_path: Path, package: Path) -> None:
    root = tmp_path / "clip_backlot"
    truth = write_shot(root, ShotPlan(count=FRAMES))
    home = tmp_path / "backlot home"
    with FakeBackend(home, lambda job: _depth_job(job, root, truth)) as backend:
        outcome = window.run_scenario(
            "depth",
            tmp_path,
            timeout_s=900,
            settings={"package": str(package), "shot": str(root)},
            variables={"BACKLOT_HOME": str(home)},
        )
        stages = [job.request.stages for job in backend.jobs.values()]
    facts = outcome.facts
    assert stages == [("depth",), ("depth",)]
    assert facts["after_cancel"] == []
    assert facts["things"] == ["clip Dense Points", "clip Depth", "clip Mesh"]
    assert facts["faces"] > 250_000 and facts["longest_step_s"] < 0.06
    assert min(facts["vertices"].values()) > 10_000 and len(set(facts["vertices"].values())) == 3
    assert facts["catches"]
    assert (facts["undone_to_3"], facts["undone_to_0"], facts["redone"]) == (3, 0, 3)
    assert facts["camera_stays"] and facts["finite"]
    plain, plate = (cv2.imread(str(outcome.pictures[name])).astype(float) for name in ("3_plain", "4_plate"))
    floor = (slice(480, 580), slice(560, 900))
    colour = [float(np.ptp(picture[floor], axis=2).mean()) for picture in (plain, plate)]
    assert colour[0] < 10.0 and colour[1] > 20.0  # the plate is on the surface


def _depth_job(job: FakeJob, root: Path, truth: Truth) -> None:
    """The first goes on until it is cancelled; the next one writes what the stage writes."""
    for step in range(10):
        job.progress(Progress("depth", step, 20, frame=1001 + step % FRAMES, fraction=step / 20))
        job.cancelled.wait(0.1)
    if job.status.id.endswith("-1"):
        job.cancelled.wait(WAIT_S)
        job.check_cancelled()
    write_depth(root, truth, DepthPlan(cells=FACES_PER_CELL_ROW))
    job.stage_done(StageResult("depth", "synthetic", 1, {"frames": FRAMES}))
