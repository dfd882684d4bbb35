"""A backend that dies, dies again, hangs or is of another version: what the panels say, and what the button does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared import PROTOCOL, VERSION
from tests.blender.installed import CHECKOUT

WAIT_S = 120.0


class ScriptedSession:
    """What the watch needs of a session, as a test sets it; work on a thread is done at once."""

    def __init__(self, home: Path) -> None:
        self.home, self.now = home, 1000.0
        self.online = self.starting = self.stopping = self.changed = False
        self.lost: Any = None
        self.error: Any = None
        self.unfinished: list[Any] = []
        self.greeted = 0
        self.pings: list[Callable[[Any], None]] = []
        self.restarts = self.reconnects = 0

    def ping(self, then: Callable[[Any], None]) -> None:
        self.pings.append(then)

    def reconnect(self) -> None:
        self.reconnects += 1

    def restart(self) -> None:
        self.restarts += 1

    def background(self, work: Callable[[], Any], then: Callable[[Any], None], _failed: Any) -> None:
        then(work())


@pytest.fixture
def session(empty: None, tmp_path: Path) -> ScriptedSession:
    (tmp_path / "home" / "logs").mkdir(parents=True)
    return ScriptedSession(tmp_path / "home")


@pytest.fixture
def troubles(session: ScriptedSession) -> Any:
    from bl_ext.user_default.backlot.trouble.live import Troubles

    return Troubles(session, session.restart, lambda: session.now)


def turn(troubles: Any, *, after_s: float = 0.1, **facts: Any) -> Any:
    """One turn of the pump, later, with what the session says then; the trouble that panels show after it."""
    troubles.session.now += after_s
    for name, value in facts.items():
        setattr(troubles.session, name, value)
    troubles.step()
    return troubles.of_scene(None)


def publish(home: Path, pid: int, protocol: int = PROTOCOL, version: str = VERSION) -> None:
    facts = {"host": "127.0.0.1", "port": 9, "token": "t", "pid": pid, "protocol": protocol, "version": version}
    (home / "connection.json").write_text(json.dumps(facts), encoding="utf-8")


@pytest.fixture
def dead_pid() -> Iterator[int]:
    """A process that has ended without being asked for its end: what a killed server is to the Blender that started
    it."""
    process = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()
    if sys.platform != "win32":
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid
    process.stdout.close()
    process.wait()


def buttons(trouble: Any) -> list[str]:
    return [action.text for action in trouble.actions]


def test_a_dead_backend_is_started_again_once_and_then_its_log_speaks(
    troubles: Any, session: ScriptedSession, dead_pid: int
) -> None:
    publish(session.home, os.getpid())
    assert turn(troubles, online=True) is None
    publish(session.home, dead_pid)
    said = turn(troubles, online=False, unfinished=["job"])
    assert said.is_over and said.what == "The backend stopped and was started again; 1 job goes on."
    assert session.restarts == 1
    turn(troubles, online=True)
    log = (
        "MemoryError: the fault before\n10:00 INFO listening on 127.0.0.1:1\n10:01 INFO stopped\nMemoryError: no room\n"
    )
    (session.home / "logs" / "server.log").write_text(log, encoding="utf-8")
    said = turn(troubles, online=False, after_s=30.0)
    assert said.what == "The backend stopped again." and said.todo == "The last that it said: MemoryError: no room"
    assert buttons(said) == ["Restart Backend", "Save Diagnostics"] and session.restarts == 1
    assert turn(troubles, after_s=900.0) == said
    troubles.backend.forgive()
    assert troubles.of_scene(None) is None


def test_a_death_much_later_is_a_first_one_again(troubles: Any, session: ScriptedSession, dead_pid: int) -> None:
    publish(session.home, dead_pid)
    for time_of_death in (1, 2):
        turn(troubles, online=True, after_s=900.0)
        assert turn(troubles, online=False).is_over and session.restarts == time_of_death
    turn(troubles, online=True)
    assert turn(troubles, after_s=61.0) is None


def test_a_death_between_two_looks_is_seen(troubles: Any, session: ScriptedSession, dead_pid: int) -> None:
    publish(session.home, dead_pid)
    assert (
        turn(troubles, after_s=3.0, lost=SimpleNamespace(code="connection-lost")) is None and session.restarts == 0
    ), "of an earlier day"
    assert turn(troubles, greeted=1).is_over and session.restarts == 1


def test_one_that_is_being_killed_may_live_a_moment_longer(
    troubles: Any, session: ScriptedSession, dead_pid: int
) -> None:
    publish(session.home, os.getpid())
    turn(troubles, online=True)
    assert turn(troubles, online=False, lost=SimpleNamespace(code="connection-lost")) is None
    publish(session.home, dead_pid)
    assert turn(troubles, after_s=0.3).is_over and session.restarts == 1


def test_a_backend_that_somebody_stopped_is_not_started_again(troubles: Any, session: ScriptedSession) -> None:
    turn(troubles, online=True)
    assert turn(troubles, online=False) is None
    turn(troubles, online=True)
    said = turn(troubles, online=False, unfinished=["job"])
    assert buttons(said) == ["Start Backend"] and session.restarts == 0
    turn(troubles, online=True)
    assert turn(troubles, online=False, stopping=True) is None
    assert buttons(troubles.of_scene(None, waits=True)) == ["Start Backend"]
    assert turn(troubles, stopping=False, starting=True).what == "The backend is starting."


def test_silence_is_told_once_it_is_long_and_over_with_the_first_answer(
    troubles: Any, session: ScriptedSession
) -> None:
    from bl_ext.user_default.backlot.trouble.backend_watch import PATIENCE_S

    publish(session.home, os.getpid())
    turn(troubles, online=True)
    turn(troubles, after_s=6.0)
    assert len(session.pings) == 1
    assert turn(troubles, after_s=3600.0) is None, "Blender was busy, or the computer slept: nothing could be heard"
    turns = 0
    while (said := turn(troubles, after_s=1.0)) is None:
        turns += 1
        assert turns < PATIENCE_S
    assert turns > PATIENCE_S - 5 and buttons(said) == ["Restart Backend"] and "has not answered" in said.what
    session.pings.pop()({})
    assert troubles.of_scene(None) is None
    assert turn(troubles, after_s=1.0) is None and len(session.pings) == 0


def test_a_backend_that_does_not_even_greet_hangs_too(troubles: Any, session: ScriptedSession) -> None:
    from bl_ext.user_default.backlot.shared.errors import ConnectionLost

    publish(session.home, os.getpid())
    said = None
    for _ in range(30):
        said = turn(troubles, after_s=1.0, lost=ConnectionLost("timed out"))
    assert said is not None and "has not answered" in said.what
    assert turn(troubles, online=True, lost=None) is None


@pytest.mark.parametrize(
    ("protocol", "version", "button"),
    [
        (PROTOCOL - 1, "0.0.1", "Update Backend"),
        (PROTOCOL, "0.0.1", "Update Backend"),
        (PROTOCOL + 1, "99.0", "Update Extension"),
        (PROTOCOL, "99.0", "Update Extension"),
    ],
)
def test_another_version_says_which_side_to_update(
    troubles: Any, session: ScriptedSession, protocol: int, version: str, button: str
) -> None:
    from bl_ext.user_default.backlot.shared.errors import ProtocolMismatch

    publish(session.home, os.getpid(), protocol, version)
    if protocol == PROTOCOL:
        said = turn(troubles, online=True)
    else:
        said = turn(troubles, after_s=3.0, lost=ProtocolMismatch("another one"), error=ProtocolMismatch("another one"))
    assert buttons(said) == [button] and version in said.what and VERSION in said.what


def test_what_else_failed_is_shown_until_it_is_dismissed(empty: None) -> None:
    import bpy
    from bl_ext.user_default.backlot import runtime
    from bl_ext.user_default.backlot.shared.errors import InvalidRequest

    runtime.session().show(InvalidRequest("It was too much.", "Ask for less."))
    said = runtime.pump().troubles.of_scene(None)
    assert (said.what, said.todo, said.actions) == ("It was too much.", "Ask for less.", ())
    assert bpy.ops.backlot.dismiss_trouble() == {"FINISHED"}
    assert runtime.pump().troubles.of_scene(None) is None


def test_one_that_does_not_start_can_be_set_up_anew(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot.shared.backend_process import start_backend
    from bl_ext.user_default.backlot.shared.errors import BackendStartFailed
    from bl_ext.user_default.backlot.trouble.kinds import of_error

    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "__main__.py").write_text("import nothing_of_this_name", encoding="utf-8")
    with pytest.raises(BackendStartFailed) as failed:
        start_backend(tmp_path / "home", python=Path(sys.executable), source=tmp_path)
    said = of_error(failed.value)
    assert said.what.endswith("(exit code 1): ModuleNotFoundError: No module named 'nothing_of_this_name'")
    assert buttons(said) == ["Set Up Backend", "Save Diagnostics"] and said.todo == ""
    assert "Traceback" in failed.value.details["log"]


def test_a_real_backend_is_killed_and_comes_back_and_one_that_is_stopped_is_restarted(
    empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bl_ext.user_default.backlot.session import Session
    from bl_ext.user_default.backlot.shared import connection
    from bl_ext.user_default.backlot.shared.errors import BacklotError
    from bl_ext.user_default.backlot.trouble.live import Troubles

    python = os.environ.get("BACKLOT_BACKEND_PYTHON")
    if not python or sys.platform == "win32":
        pytest.skip("no Python for the backend is named, or this system has no signals")
    home = tmp_path / "Heim für Backlot"
    session = Session(home)
    program = (Path(python), CHECKOUT)
    troubles = Troubles(session, lambda: session.start(*program))

    def pid() -> int:
        try:
            return connection.read(home).pid
        except BacklotError:
            return 0

    def until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline, session.error
            session.poll(time.perf_counter() + 0.01)
            troubles.step()
            time.sleep(0.01)  # the event loop's own pause between two turns

    try:
        session.start(*program)
        until(lambda: session.online and not session.starting)
        first = pid()
        os.kill(first, signal.SIGKILL)
        until(lambda: session.online and not session.starting and pid() not in (0, first))
        assert troubles.backend.trouble is not None and "was started again" in troubles.backend.trouble.what
        second = pid()
        os.kill(second, signal.SIGSTOP)
        session.restart(*program)
        until(lambda: session.online and not session.starting and pid() not in (0, second))
        assert not Path(f"/proc/{second}/exe").exists()
        session.stop()
        until(lambda: not session.online and not pid())
    finally:
        session.close()


_OTHER = """
import runpy, sys, shared
shared.PROTOCOL, shared.VERSION = 0, "0.0.1"
sys.argv[:2] = ["backend"]
runpy.run_module("backend", run_name="__main__", alter_sys=True)
"""
"""A server of another version: its command line has the words of one."""


def test_an_old_backend_that_runs_is_replaced_by_the_update(
    empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bl_ext.user_default.backlot.first_run.live import FirstRun
    from bl_ext.user_default.backlot.first_run.process import Wanted
    from bl_ext.user_default.backlot.session import Session
    from bl_ext.user_default.backlot.shared import connection
    from bl_ext.user_default.backlot.trouble.live import Troubles

    python = os.environ.get("BACKLOT_BACKEND_PYTHON")
    if not python:
        pytest.skip("no Python for the backend is named")
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "build.py").write_text('print(\'{"event": "done", "record": ""}\')', encoding="utf-8")
    session = Session(home)
    troubles = Troubles(session, lambda: None)
    first_run = FirstRun(session, lambda: session.restart(Path(python), CHECKOUT))

    def until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline, (session.error, session.lost)
            session.connect_if_running()
            session.poll(time.perf_counter() + 0.01)
            troubles.step()
            first_run.step()
            time.sleep(0.01)  # the event loop's own pause between two turns

    words = [python, "-c", _OTHER, "backend", "serve"]
    with subprocess.Popen(words, cwd=CHECKOUT, env={**os.environ, "BACKLOT_HOME": str(home)}) as old:
        try:
            until(lambda: troubles.backend.trouble is not None)
            said = troubles.of_scene(None)
            assert buttons(said) == ["Update Backend"] and "version 0.0.1" in said.what
            first_run.start(tmp_path, Wanted())
            until(lambda: session.online and not session.starting and troubles.of_scene(None) is None)
            assert old.poll() is not None and connection.read(home).version == VERSION
            session.stop()
            until(lambda: not session.online and not connection.connection_path(home).exists())
        finally:
            old.kill()
            session.close()
            first_run.close()


def test_a_number_that_went_to_another_program_is_left_alone(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot.shared.backend_process import stop_backend

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        publish(tmp_path, other.pid)
        stop_backend(tmp_path, timeout_s=1.0)
        assert other.poll() is None and not (tmp_path / "connection.json").exists()
        other.kill()


def test_the_operators_say_what_they_do(empty: None, session: ScriptedSession, monkeypatch: pytest.MonkeyPatch) -> None:
    import bpy
    from bl_ext.user_default.backlot import runtime

    monkeypatch.setattr(runtime.pump(), "restart_backend", session.restart)
    monkeypatch.setattr(runtime, "session", lambda: session)
    assert bpy.ops.backlot.restart_backend() == {"FINISHED"} and session.restarts == 1
    session.starting = True
    assert not bpy.ops.backlot.restart_backend.poll()
    assert not bpy.ops.backlot.update_extension.poll()
