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


@pytest.mark.parametrize(
    ("home", "said", "shown"),
    [
        ("/home/Jörg Müller", "/home/Jörg Müller/clips/a b.mp4 is gone.", "~/clips/a b.mp4 is gone."),
        ("/home/Jörg Müller", "file:///home/J%C3%B6rg%20M%C3%BCller/a.mp4", "file://~/a.mp4"),
        ("/home/Jörg Müller", '{"clip": "/home/J\\u00f6rg M\\u00fcller/a.mp4"}', '{"clip": "~/a.mp4"}'),
        ("/home/anna", "/home/annabel/a.mp4", "/home/USER/a.mp4"),
        (
            "/home/anna",
            "/media/anna/RAID 7/a.mp4 and /run/media/bob/b",
            "/media/USER/RAID 7/a.mp4 and /run/media/USER/b",
        ),
        ("/Users/影 子", "cannot open '/Users/影 子/Desktop/影.mov'", "cannot open '~/Desktop/影.mov'"),
        ("/home/anna", r"C:\Users\Jörg Müller\AppData\a", r"C:\Users\USER\AppData\a"),
        ("/home/anna", r"'C:\\Users\\Jörg Müller\\a.exr'", r"'C:\\Users\\USER\\a.exr'"),
        ("/home/anna", r'"c:\\users\\J\u00f6rg\\a"', r'"c:\\users\\USER\\a"'),
        ("/home/anna", r"\\nas-01.studio\shows$\a.mp4", r"\\SERVER\shows$\a.mp4"),
        ("/home/anna", "smb mount //nas-01/shows/a.mp4", "smb mount //SERVER/shows/a.mp4"),
        ("/home/anna", "https://huggingface.co/a/b is away", "https://huggingface.co/a/b is away"),
        ("/home/anna", "pip: https://anna:geheim@pypi.studio/simple", "pip: https://LOGIN@pypi.studio/simple"),
        ("/home/anna", "HF_TOKEN=hf_abcdefgh next", "HF_TOKEN=SECRET next"),
        ("/home/anna", 'headers {"Authorization": "Bearer abc.def-123"}', 'headers {"Authorization": "Bearer SECRET"}'),
        ("/home/anna", "api_key: 'k-123456', rest", "api_key: 'SECRET', rest"),
        ("/home/anna", "said s3cr3t-value in a sentence", "said SECRET in a sentence"),
        ("/home/anna", "ask anna.b@studio.example", "ask EMAIL"),
        ("/home/anna", "solve: 56 frames in 12.5 s, error 0.43 px", "solve: 56 frames in 12.5 s, error 0.43 px"),
    ],
)
def test_odd_names_and_secrets_are_taken_out(
    empty: None, monkeypatch: pytest.MonkeyPatch, home: str, said: str, shown: str
) -> None:
    from bl_ext.user_default.backlot.diagnostics.redaction import redacted

    monkeypatch.setattr(Path, "home", lambda: Path(home))
    monkeypatch.setattr(getpass, "getuser", lambda: Path(home).name)
    secrets = {"STUDIO_API_KEY": "s3cr3t-value", "PATH": "/usr/bin", "KEYBOARD": "german"}
    assert redacted(said, secrets) == shown
    assert redacted(shown, secrets) == shown


def test_the_folder_of_a_windows_user_is_found_in_every_dress(empty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import PureWindowsPath

    from bl_ext.user_default.backlot.diagnostics import redaction

    class Windows:
        def __init__(self, path: str = "") -> None:
            self.pure = PureWindowsPath(path)

        @staticmethod
        def home() -> PureWindowsPath:
            return PureWindowsPath(r"D:\Profiles\Jörg Müller")

        def __getattr__(self, name: str) -> object:
            return getattr(self.pure, name)

    monkeypatch.setattr(redaction, "Path", Windows)
    for said in (
        r"D:\Profiles\Jörg Müller\a",
        r"d:\profiles\jörg müller\a",
        r"D:\\Profiles\\Jörg Müller\\a",
        "D:/Profiles/Jörg Müller/a",
        r"D:\\Profiles\\J\u00f6rg M\u00fcller\\a",
    ):
        shown = redaction.redacted(said, {})
        assert shown.startswith("~") and "rg M" not in shown, shown


def test_a_backend_that_hangs_is_not_waited_for(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import bpy
    from bl_ext.user_default.backlot import runtime
    from bl_ext.user_default.backlot.operators import diagnostics
    from bl_ext.user_default.backlot.trouble.kinds import Trouble

    path = tmp_path / "report.txt"
    monkeypatch.setattr(diagnostics, "_may_answer", lambda: False)
    monkeypatch.setattr(runtime.pump().troubles.backend, "trouble", Trouble("The backend has not answered."))
    assert bpy.ops.backlot.save_diagnostics(filepath=str(path)) == {"FINISHED"}
    assert "Trouble: The backend has not answered." in path.read_text(encoding="utf-8")
