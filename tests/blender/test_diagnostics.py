"""A job's log and the report for developers."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import pytest


@pytest.fixture
def home(empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder below the user's, with what a backend leaves there."""
    from bl_ext.user_default.backlot import runtime

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    found = tmp_path / "state"
    monkeypatch.setattr(runtime.session(), "home", found)
    (found / "logs").mkdir(parents=True)
    line = {"time": 1_000_000_001.5, "level": "error", "stage": "solve", "message": f"{tmp_path}/clip.mp4 is too dark"}
    (found / "logs" / "job7.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    (found / "logs" / "job7.output").write_text(
        "libav: cannot open /mnt/" + getpass.getuser() + "/a\n", encoding="utf-8"
    )
    (found / "logs" / "server.log").write_text("listening\n", encoding="utf-8")
    return found


def test_a_log_is_a_text_in_the_file(home: Path) -> None:
    import bpy

    assert bpy.ops.backlot.show_job_log(job="job7") == {"FINISHED"}
    text = bpy.data.texts["Backlot Log"].as_string()
    assert ":41  error    solve   " in text and "too dark" in text and "libav" in text
    with pytest.raises(RuntimeError, match="no log"):
        bpy.ops.backlot.show_job_log(job="none")


def test_the_report_has_everything_but_who_one_is(home: Path, tmp_path: Path) -> None:
    import bpy

    path = tmp_path / "report.txt"
    assert bpy.ops.backlot.save_diagnostics(filepath=str(path)) == {"FINISHED"}
    text = path.read_text(encoding="utf-8")
    assert bpy.app.version_string in text and "listening" in text and "~/clip.mp4 is too dark" in text
    assert str(tmp_path) not in text and f"/mnt/{getpass.getuser()}/" not in text and "/mnt/USER/a" in text
    assert [one.name for one in tmp_path.iterdir() if "partial" in one.name] == []


def test_a_place_that_cannot_be_written_is_refused(home: Path, tmp_path: Path) -> None:
    import bpy

    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.backlot.save_diagnostics(filepath=str(tmp_path / "no such folder" / "report.txt"))
