"""`build.py doctor`: what is missing, with the command that makes it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from build_steps import doctor, environments, layout, system


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which nothing is set up, on a computer that has all it needs."""
    monkeypatch.setattr(layout, "environments_root", lambda: tmp_path)
    monkeypatch.setattr(system, "missing_libraries", dict)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**12))
    return tmp_path


def test_a_fresh_checkout_names_every_command(fresh: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.run() == 1
    said = capsys.readouterr().out
    assert ".venv: not set up: python3 build.py setup\n" in said
    for version in layout.TESTED_BPY:
        assert f": not set up: python3 build.py setup --bpy {version}\n" in said
    assert ".venv-mocap: not set up: python3 build.py setup --extra mocap\n" in said


def test_only_the_backend_must_be_there(
    fresh: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = environments.base_plan()
    monkeypatch.setattr(environments, "is_ready", lambda plan: plan == ready)
    monkeypatch.setattr(environments, "read_stamp", lambda folder: {"locks": {"base.lock": "x"}})
    own_report = SimpleNamespace(run=lambda *_, **__: SimpleNamespace(returncode=0))
    monkeypatch.setattr(doctor, "subprocess", own_report)
    assert doctor.run() == 0
    said = capsys.readouterr().out
    assert ".venv: ready" in said and "torch: not installed: python3 build.py setup\n" in said


def test_a_half_made_environment_is_not_ready(fresh: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = environments.base_plan().folder
    folder.mkdir()
    (folder / environments.STAMP).write_text(json.dumps({"python": "3.11", "locks": {}}), encoding="utf-8")
    assert doctor.run() == 1
    assert ".venv: incomplete or out of date: python3 build.py setup\n" in capsys.readouterr().out


def test_missing_libraries_are_named_with_their_packages(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "missing_libraries", lambda: {"libX.so": "libx1"})
    doctor.run()
    assert "MISSING libX.so: apt-get install libx1" in capsys.readouterr().out


def test_programs_that_help_are_named_with_what_is_left_out_without(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("nodejs", *(set(system.HELPFUL_PROGRAMS) - {"node", "nsenter"})):
        (tools / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setattr(system, "_ADMINISTRATORS", ())
    monkeypatch.setattr(system.sys, "platform", "linux")
    doctor._programs()
    said = capsys.readouterr().out
    assert "  nsenter: apt-get install util-linux; without it is left out: a test of a disk" in said
    assert said.count("apt-get install") == 1, "node may be called nodejs"
    (tools / "nsenter").touch(0o755)
    doctor._programs()
    assert capsys.readouterr().out == "system programs: all there\n"
