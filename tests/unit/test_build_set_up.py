"""The set-up that another program follows: messages, upgrades that fail, and Blender's own Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from build_steps import environments, layout, pythons, set_up
from shared.file_lock import try_lock
from tests.unit import wheelhouse

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
_Usage = namedtuple("_Usage", "total used free")


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """requirements/ with a base.lock of three packages; the environment is the checkout's own, made of nothing."""
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "base.lock").write_text("one==1.0\ntwo==2.0\nthree==3.0\n", encoding="utf-8")
    monkeypatch.setattr(layout, "REQUIREMENTS", folder)
    monkeypatch.setattr(layout, "environments_root", lambda: tmp_path / "environments")
    monkeypatch.setattr(layout, "PYTHONS", (HERE,))
    monkeypatch.setattr("build_steps.console.cache_root", lambda: tmp_path / "cache")
    monkeypatch.setenv("BACKLOT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(10**12, 0, 10**12))  # as on a computer with room
    base_plan = environments.base_plan

    def smaller(extras: Any = ()) -> environments.Plan:
        plan = base_plan(extras)
        return environments.dataclasses.replace(plan, check="import one, two, three")

    monkeypatch.setattr(environments, "base_plan", smaller)
    return folder


def messages(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def start(bare: Path, tmp_path: Path) -> Path:
    """A bare environment in the place of the one to be made: making it takes seconds."""
    folder = tmp_path / "environments" / ".venv"
    shutil.copytree(bare, folder, symlinks=True)
    return folder


def test_it_says_how_far_it_is_and_where_the_record_lies(
    locks: Path, bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start(bare, tmp_path)
    wheels = wheelhouse.fill(tmp_path / "wheels", [locks / "base.lock"])
    assert set_up.run((), lean=True, offline=wheels) == 0
    *progress, last = messages(capsys)
    fractions = [one["fraction"] for one in progress]
    assert len(fractions) >= 4 and fractions == sorted(fractions) and 0.7 < fractions[-1] <= 1.0
    assert "Fetching one-1.0" in progress[0]["text"]
    assert last["event"] == "done" and Path(last["record"]) == tmp_path / "home" / "environment.json"


def test_a_failed_upgrade_leaves_the_old_one_in_use_and_the_next_goes_on(
    locks: Path, bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = start(bare, tmp_path)
    wheels = wheelhouse.fill(tmp_path / "wheels", [locks / "base.lock"])
    assert set_up.run((), lean=True, offline=wheels) == 0
    old = environments.read_stamp(folder)
    (locks / "base.lock").write_text("one==1.1\ntwo==2.0\nthree==3.0\n", encoding="utf-8")
    shutil.copytree(bare, folder.with_name(".venv.next"), symlinks=True)  # as an upgrade that was broken off left it
    messages(capsys)
    assert set_up.run((), lean=True, offline=wheels) == 1
    (*_, last) = messages(capsys)
    assert last["message"] == "The packages could not be installed (exit code 1)."
    assert last["event"] == "failed" and "one==1.1" in last["log"] and "Nothing is lost" not in last["log"]
    assert environments.read_stamp(folder) == old and _version(folder, "one") == "1.0"
    wheelhouse.write_wheel(wheels, "one", "1.1")
    assert set_up.run((), lean=True, offline=wheels) == 0
    assert _version(folder, "one") == "1.1" and [path.name for path in folder.parent.iterdir()] == [".venv"]


def test_a_full_disk_is_said_before_anything_is_fetched(
    locks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: _Usage(10**12, 10**12 - 10**9, 10**9))
    assert set_up.run((), lean=True, offline=tmp_path) == 1
    (only,) = messages(capsys)
    assert only["event"] == "failed" and "1.0 GB left" in only["message"]


def test_two_at_once_do_not_meet(locks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with (home / "set_up.lock").open("a+") as file:
        assert try_lock(file)
        assert set_up.run((), lean=True, offline=tmp_path) == 1
    (only,) = messages(capsys)
    assert only["event"] == "failed" and "already" in only["message"]


def test_an_environment_that_does_not_run_any_more_is_made_anew(
    locks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "environments" / ".venv"
    folder.mkdir(parents=True)
    monkeypatch.setattr(environments, "is_ready", lambda plan: True)
    met: list[bool] = []
    monkeypatch.setattr(environments, "replace_safely", lambda plan, **_: met.append(folder.exists()))
    for runs in (True, False):
        monkeypatch.setattr(environments, "runs", lambda plan, runs=runs: runs)
        assert set_up.run((), lean=True, offline=tmp_path) == 0
    assert met == [True, False]


@pytest.mark.parametrize(
    ("path", "blenders"),
    [
        ("/opt/blender-4.5/4.5/python/bin/python3.11", True),
        ("/home/a/Programs/Blender 5.0/5.0/python/bin/python.exe", True),
        ("/usr/bin/python3.13", False),
        ("/home/a/python/bin/python3", False),
    ],
)
def test_blenders_own_python_is_left_alone(path: str, blenders: bool) -> None:
    assert pythons.is_blenders(Path(path)) is blenders


def _version(folder: Path, module: str) -> str:
    command = [str(layout.environment_python(folder)), "-c", f"import {module}; print({module}.__version__)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
