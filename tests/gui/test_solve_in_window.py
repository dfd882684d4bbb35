"""The main job in a real window: install the extension, pick the sample clip, solve, see it land in the scene, scale
it by two clicks, take that back, look at the tracks, export."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from build_steps import layout, packaging
from tests.gui import chroot, window

pytestmark = [pytest.mark.gui, pytest.mark.skipif(bool(chroot.why_not()), reason=chroot.why_not() or "-")]


DOT_GREEN = (31, 204, 71)
"""What the solve overlay draws good points in, RGB."""


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    """How many pixels of a picture, BGR, have about a colour."""
    return int((np.abs(picture[:, :, ::-1].astype(int) - colour).max(axis=2) < 24).sum())


def test_solve_camera_from_the_sidebar(tmp_path: Path, home: Path) -> None:
    clip = tmp_path / "clip.mp4"
    shutil.copy(layout.SAMPLE / "clip.mp4", clip)
    package = packaging.package(tmp_path / "package")
    outcome = window.run_scenario(
        "solve",
        tmp_path,
        timeout_s=900,
        settings={"package": str(package), "clip": str(clip)},
        variables={"BACKLOT_HOME": str(home)},
    )
    assert outcome.facts["resolution"] == [640, 360]
    assert outcome.facts["range"] == [1, 56]
    assert outcome.facts["backgrounds"] == 1
    assert outcome.facts["points"] > 100
    before, after = (cv2.imread(str(outcome.pictures[name])) for name in ("1_before", "3_solved"))
    # The plate fills the viewport after the solve: colourful where there was grey.
    colour = [float((picture.max(2).astype(int) - picture.min(2)).mean()) for picture in (before, after)]
    assert colour[1] > colour[0] + 3
    dots = near(cv2.imread(str(outcome.pictures["3a_overlay"])), DOT_GREEN)
    assert dots > 20 * near(after, DOT_GREEN) + 300  # over the plate
    assert near(cv2.imread(str(outcome.pictures["3c_path"])), DOT_GREEN) > 500
    wipe = cv2.imread(str(outcome.pictures["3b_wipe"]))[250:580]
    left, right = (
        float((half.max(2).astype(int) - half.min(2)).mean()) for half in (wipe[:, 340:640], wipe[:, 680:980])
    )
    assert left > right + 15  # the plate on one side, the bare scene on the other
    facts = outcome.facts
    assert abs(facts["metres"] - 5.0) < 1e-3 and facts["scale_source"] == "two-points"
    assert facts["after_undo"] == facts["shot_after_undo"] == "none"
    assert 50 <= facts["tracks"] <= 200
    assert facts["new_tracks"] == facts["all_tracks"] == facts["tracks"]
    assert facts["status_bar"].startswith("Backlot: ") and facts["memory_bytes"] > 2**30
    assert facts["told"].startswith("Backlot: clip: Export Camera done in ")
    assert facts["exported"] == ["camera.chan", "camera.jsx", "camera.usda"]
