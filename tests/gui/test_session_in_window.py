"""One artist's session in a real window, end to end: install the zip, set the backend up from the panel (stopped,
failed, and then for real), solve with it (cancelled once), paint and propagate, people, set the scale, undo, tracks,
export, save; and the next day in another Blender."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from build_steps import layout
from shared.backend_process import start_backend
from tests.blender.synthetic_mocap import Walk, write_person
from tests.gui import chroot, local_wheels, window
from tests.gui.conftest import ended

pytestmark = [pytest.mark.gui, pytest.mark.skipif(bool(chroot.why_not()), reason=chroot.why_not() or "-")]

FRAMES, EVERY = 28, 2
STROKE = ((312.0, 180.0), (310.0, 192.0), (312.0, 202.0))
"""On the blue vase, in the first frame."""
FOCAL_MM = 30.0
"""Of the sample's camera, on a sensor of 36 mm."""
DOT_GREEN = (31, 204, 71)
"""What the solve overlay draws good points in, RGB."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_SLOW = """
import json, time
for step in range(600):
    fraction = min(0.45, step / 20)
    print(json.dumps({"event": "progress", "fraction": fraction, "text": "The backend: Fetching numpy"}), flush=True)
    time.sleep(0.1)
"""
_NO_PYTHON = """
import json, sys
said = "The backend needs Python 3.11 or 3.12 or 3.13 (64 bit), and none was found. Install Python 3.11."
print(json.dumps({"event": "failed", "message": said, "log": "", "code": "no-python"}))
sys.exit(1)
"""
_BROKEN = """
import json, sys
said = "The packages could not be installed (exit code 1)."
print(json.dumps({"event": "failed", "message": said, "log": "no route to host"}))
sys.exit(1)
"""


def test_a_session(tmp_path: Path, package: Path) -> None:
    home, blend = tmp_path / "backlot home", tmp_path / "session.blend"
    write_person(tmp_path, "person_00", Walk(first=1, count=FRAMES))
    settings: dict[str, Any] = {
        "package": str(package), "slow": _SLOW, "broken": _BROKEN, "no_python": _NO_PYTHON, "wheels": "",
        "clip": str(_clip(tmp_path / "clip.mp4")), "stroke": STROKE, "people": str(tmp_path / "mocap"),
        "focal_mm": FOCAL_MM, "blend": str(blend),
    }  # fmt: skip
    seen: tuple[Path, ...] = ()
    variables = {"BACKLOT_HOME": str(home)}
    if local_wheels.why_not():
        start_backend(home, python=Path(sys.executable), source=layout.ROOT)
    else:
        seen = local_wheels.seen()
        settings["wheels"] = str(local_wheels.write(tmp_path / "wheels"))
        variables["PATH"] = f"{Path(sys.base_prefix) / 'bin'}:{_PATH}"
    with ended(home):
        run = {"settings": settings, "variables": variables, "seen": seen}
        _check_session(window.run_scenario("session", tmp_path, timeout_s=1200, **run))
        _check_next_day(window.run_scenario("reopened", tmp_path, timeout_s=600, file=blend, **run))


def _clip(path: Path) -> Path:
    """Every second frame of the sample."""
    whole = cv2.VideoCapture(str(layout.SAMPLE / "clip.mp4"))
    made = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 24, (640, 360))
    for index in range(FRAMES * EVERY):
        good, frame = whole.read()
        assert good
        if index % EVERY == 0:
            made.write(frame)
    made.release()
    return path


def _check_session(outcome: window.Outcome) -> None:
    facts = outcome.facts
    assert facts["stopped"] == "cancelled" and facts["failed"] == "The packages could not be installed (exit code 1)."
    assert "no route to host" in facts["log"] and facts["needs_python"] and facts["forgotten"]
    assert facts["after_cancel"] is False
    assert (facts["resolution"], facts["range"], facts["backgrounds"]) == ([640, 360], [1, FRAMES], 1)
    assert facts["points"] > 100
    before, after = (cv2.imread(str(outcome.pictures[name])) for name in ("1_before", "3_solved"))
    # The plate fills the viewport after the solve: colourful where there was grey.
    colour = [float((picture.max(2).astype(int) - picture.min(2)).mean()) for picture in (before, after)]
    assert colour[1] > colour[0] + 3
    _check_inspecting(outcome, after)
    assert facts["masks"] == [1, 0, 1] and facts["people"] == [1, 0, 1]
    assert abs(facts["metres"] - 5.0) < 1e-3 and facts["scale_source"] == "two-points"
    assert facts["after_undo"] == facts["shot_after_undo"] == "none"
    assert 50 <= facts["tracks"] <= 200
    assert facts["new_tracks"] == facts["all_tracks"] == facts["tracks"]
    assert facts["status_bar"].startswith("Backlot: ") and facts["memory_bytes"] > 2**30
    assert facts["told"].startswith("Backlot: clip: Export Camera done in ")
    assert facts["exported"] == ["camera.chan", "camera.jsx", "camera.usda"]


def _check_inspecting(outcome: window.Outcome, after: np.ndarray) -> None:
    dots = _near(cv2.imread(str(outcome.pictures["3a_overlay"])), DOT_GREEN)
    assert dots > 20 * _near(after, DOT_GREEN) + 300  # over the plate
    assert _near(cv2.imread(str(outcome.pictures["3c_path"])), DOT_GREEN) > 500
    wipe = cv2.imread(str(outcome.pictures["3b_wipe"]))[250:580]
    left, right = (
        float((half.max(2).astype(int) - half.min(2)).mean()) for half in (wipe[:, 340:640], wipe[:, 680:980])
    )
    assert left > right + 15  # the plate on one side, the bare scene on the other


def _near(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    """How many pixels of a picture, BGR, have about a colour."""
    return int((np.abs(picture[:, :, ::-1].astype(int) - colour).max(axis=2) < 24).sum())


def _check_next_day(outcome: window.Outcome) -> None:
    facts = outcome.facts
    assert facts["camera"] == "Hero" and facts["tracks"] >= 50
    assert (facts["people"], facts["masks"], facts["people_after"]) == (1, 1, 1)
    assert {"cancelled", "done"} <= set(facts["jobs"])  # found again
    assert facts["after"] == ["Hero", FOCAL_MM, ["Mine"]]
    assert facts["validated"][0] == 0, facts["validated"][1]
