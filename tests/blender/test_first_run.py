"""The first run: the environment is made from inside Blender, outside of it; stopped, failed, gone on with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.blender.installed import CHECKOUT
from tests.blender.waiting import until
from tests.unit import wheelhouse

_SLOW = """
import json, sys, time
print("- a line for people", flush=True)
print(json.dumps({"event": "progress", "fraction": 0.25, "text": "The backend: Fetching numpy"}), flush=True)
time.sleep(600)
"""
_NO_PYTHON = """
import json, sys
print(json.dumps({"event": "failed", "message": "None fits.", "log": "", "code": "no-python"}))
print(*sys.argv[1:], sep="|")
sys.exit(1)
"""
_BROKEN = """
import json, sys
print(json.dumps({"event": "failed", "message": "install-.venv failed.", "log": "no route to host"}))
sys.exit(1)
"""


@pytest.fixture
def first_run(empty: None, tmp_path: Path) -> Iterator[Any]:
    """One beside the extension's own, with a home whose name is not plain."""
    from bl_ext.user_default.backlot.first_run.live import FirstRun
    from bl_ext.user_default.backlot.session import Session

    session = Session(tmp_path / "Heim für Backlot 影")
    made = FirstRun(session)
    yield made
    made.close()
    session.close()


def script(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "build.py").write_text(text, encoding="utf-8")
    return folder


def test_what_is_missing_is_known_without_waiting(first_run: Any) -> None:
    from bl_ext.user_default.backlot.first_run.live import MISSING, UNKNOWN

    assert first_run.record == UNKNOWN
    until(first_run, lambda: first_run.record != UNKNOWN)
    assert first_run.record == MISSING


@pytest.mark.parametrize(("version", "state"), [("0.0.9", "older"), ("99.0", "newer"), ("", "older")])
def test_versions_that_do_not_match_say_which_side_is_behind(
    first_run: Any, tmp_path: Path, version: str, state: str
) -> None:
    import json
    import sys

    from bl_ext.user_default.backlot.first_run.live import UNKNOWN

    home = tmp_path / "Heim für Backlot 影"
    home.mkdir()
    record = {"python": sys.executable, "source": str(tmp_path), "version": version}
    (home / "environment.json").write_text(json.dumps(record), encoding="utf-8")
    until(first_run, lambda: first_run.record != UNKNOWN)
    assert first_run.record == state


def test_progress_arrives_and_a_stop_ends_the_process(first_run: Any, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot.first_run.process import CANCELLED, Wanted
    from bl_ext.user_default.backlot.shared.errors import InvalidRequest

    run = first_run.start(script(tmp_path / "source", _SLOW), Wanted())
    until(first_run, lambda: run.fraction == 0.25)
    assert (
        first_run.running
        and run.text == "The backend: Fetching numpy"
        and list(run.process.lines) == ["- a line for people"]
    )
    with pytest.raises(InvalidRequest, match="already"):
        first_run.start(tmp_path / "source", Wanted())
    run.cancel()
    assert run.state == CANCELLED and run.process._process.wait(120.0) != 0 and not first_run.running


def test_a_failure_keeps_its_log_and_can_be_tried_again(first_run: Any, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot.first_run.process import FAILED, Wanted

    run = first_run.start(script(tmp_path / "source", _BROKEN), Wanted())
    until(first_run, lambda: run.is_over)
    assert (
        run.state == FAILED and run.error.message == "install-.venv failed." and "no route to host" in run.process.lines
    )
    assert "go on" in run.error.remedy
    again = first_run.start(script(tmp_path / "source", "raise SystemExit('it broke')"), Wanted())
    until(first_run, lambda: again.is_over)
    assert again.error.message == "The set-up ended with code 1: it broke"


def test_without_a_python_one_can_be_chosen(
    empty: None, first_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The choice goes to the set-up, and what else was wanted stays."""
    import sys

    import bpy
    from bl_ext.user_default.backlot import runtime
    from bl_ext.user_default.backlot.first_run.process import Wanted
    from bl_ext.user_default.backlot.operators import set_up

    source = script(tmp_path / "Quelle mit Ümlaut 影", _NO_PYTHON)
    monkeypatch.setattr(set_up, "_source", lambda: source)
    monkeypatch.setattr(runtime.pump(), "first_run", first_run)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "one-1.0-py3-none-any.whl").touch()
    run = first_run.start(source, Wanted(offline=tmp_path / "wheels"))
    until(first_run, lambda: run.is_over)
    assert run.needs_python and run.error.message == "None fits."
    with pytest.raises(RuntimeError, match="no program"):
        bpy.ops.backlot.choose_python(filepath=str(tmp_path / "python"))
    with pytest.raises(RuntimeError, match="None fits"):
        bpy.ops.backlot.choose_python(filepath=sys.executable)
    words = first_run.run.process.lines[-1].split("|")
    assert words[words.index("--python") + 1] == sys.executable and "--fetch-python" not in words
    assert words[words.index("--offline") + 1] == str(tmp_path / "wheels") and "mocap" not in words


def test_the_operator_refuses_what_cannot_work(empty: None, tmp_path: Path) -> None:
    import bpy

    with pytest.raises(RuntimeError, match="There are no wheels"):
        bpy.ops.backlot.set_up_backend(wheels=str(tmp_path))
    if not bpy.app.online_access:
        with pytest.raises(RuntimeError, match="Allow Online Access"):
            bpy.ops.backlot.set_up_backend()


def test_the_extension_makes_its_backend_from_a_folder_of_wheels(
    empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bpy

    if bpy.app.version[:2] != (4, 5):
        pytest.skip("nothing in it is Blender's: one version is enough")
    from bl_ext.user_default import backlot
    from bl_ext.user_default.backlot import runtime
    from bl_ext.user_default.backlot.first_run.live import READY, state_of

    home = tmp_path / "Heim für Backlot 影"
    monkeypatch.setattr(runtime.session(), "home", home)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)  # a computer may have real wheels of its own to offer
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    locks = [CHECKOUT / "requirements" / name for name in ("base.lock", "torch.lock")]
    wheels = wheelhouse.fill(tmp_path / "wheels", locks)
    own = Path(backlot.__file__).parent
    before = sorted(path for path in own.rglob("*") if "__pycache__" not in path.parts)
    assert bpy.ops.backlot.set_up_backend(wheels=str(wheels), people=False) == {"FINISHED"}
    assert state_of(home) == READY and (home / "environments" / ".venv").is_dir()
    assert sorted(path for path in own.rglob("*") if "__pycache__" not in path.parts) == before
    assert bpy.ops.backlot.show_set_up_log() == {"FINISHED"}
    assert "The backend" in bpy.data.texts["Backlot Set-up"].as_string()
