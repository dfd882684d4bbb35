"""The first run in a real window: what is missing, the set-up as it goes, stopped and failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from build_steps import packaging
from tests.gui import chroot, window

pytestmark = [pytest.mark.gui, pytest.mark.skipif(bool(chroot.why_not()), reason=chroot.why_not() or "-")]

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


def test_the_first_minute(tmp_path: Path) -> None:
    package = packaging.package(tmp_path / "package")
    outcome = window.run_scenario(
        "first_run",
        tmp_path,
        timeout_s=200,
        settings={"package": str(package), "slow": _SLOW, "broken": _BROKEN, "no_python": _NO_PYTHON},
        variables={"BACKLOT_HOME": str(tmp_path / "backlot home")},
    )
    facts = outcome.facts
    assert facts["stopped"] == "cancelled" and facts["failed"] == "The packages could not be installed (exit code 1)."
    assert "no route to host" in facts["log"]
    assert set(outcome.pictures) == {
        "1_missing",
        "2_dialog",
        "3_running",
        "4_failed",
        "5_models",
        "6_no_python",
        "7_shot_gone",
    }
    assert facts["needs_python"] and facts["forgotten"]
