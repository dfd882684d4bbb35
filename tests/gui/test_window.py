"""The harness itself: a real Blender window comes up, draws, reports and goes away."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import pytest

from tests.contract.backend_process import wait_until
from tests.gui import chroot, window

pytestmark = [pytest.mark.gui, pytest.mark.skipif(bool(chroot.why_not()), reason=chroot.why_not() or "-")]


def test_a_window_opens_and_draws(tmp_path: Path) -> None:
    outcome = window.run_scenario("plain", tmp_path, timeout_s=900)
    assert outcome.facts["version"].startswith("4.3")
    assert outcome.facts["background"] is False
    picture = cv2.imread(str(outcome.pictures["plain"]))
    assert picture.shape[:2] == window.SCREEN[::-1]
    # Blender's theme is grey in many shades; a window that did not draw is one colour.
    assert picture.std() > 10


def test_nothing_stays_behind(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="did not finish"):
        window.run_scenario("plain", tmp_path, timeout_s=1.0)

    def running() -> str:
        return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout

    assert wait_until(lambda: str(tmp_path) not in running())  # what was killed takes a moment to go
    mounted = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    assert str(chroot.folder()) not in mounted
