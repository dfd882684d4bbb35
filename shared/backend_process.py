"""Starting the backend: a detached process that outlives the program which asked for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from . import connection, environment
from .build_command import build_command
from .errors import BackendNotRunning, BackendStartFailed
from .process_facts import end_process, is_server

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
_POLL_S = 0.02
_LOG_TAIL_BYTES = 1500

EXIT_ALREADY_RUNNING = 17
"""Exit code of a server that found another one of this user."""


def start_backend(
    home: Path | None = None,
    *,
    python: Path | None = None,
    source: Path | None = None,
    extra: tuple[str, ...] = (),
    timeout_s: float = START_TIMEOUT_S,
) -> connection.Connection:
    """The running backend's connection; starts one when none runs.

    python and source default to what `build.py setup` recorded. extra: more arguments of
    `python -m backend serve`. Raises `BackendStartFailed` with the end of the server's log.
    """
    home = home or connection.home_dir()
    try:
        return connection.read(home)
    except BackendNotRunning:
        pass
    python, source = backend_program(home, python, source)
    connection.make_private(home)
    log = server_log(home)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = _launch([str(python), "-m", "backend", "serve", *extra], source, home, output)
    return _wait_for(process, home, log, timeout_s)


def stop_backend(home: Path, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Ends the server that the connection file names, also one that does not answer; its running jobs go on at the
    next start. A process that is no server (its number was given away) is left alone. Raises `BackendStartFailed`."""
    try:
        found = connection.read(home)
    except BackendNotRunning:
        return
    if is_server(found.pid) and not end_process(found.pid, timeout_s):
        raise BackendStartFailed(
            f"The backend (process {found.pid}) could not be ended.",
            "End it in the system's task manager, then start it.",
        )
    connection.remove(home, found.pid)


def server_log(home: Path) -> Path:
    return home / "logs" / "server.log"


def backend_program(home: Path, python: Path | None, source: Path | None) -> tuple[Path, Path]:
    """The Python and the source folder that run the backend: those given, else those that were set up. Raises
    `BackendStartFailed`."""
    if python is not None and source is not None:
        if not python.is_file():
            raise BackendStartFailed(
                f"There is no Python at {python}.", "Choose the backend's Python in the preferences."
            )
        return python, source
    recorded = environment.find(home)
    if recorded is None:
        raise BackendStartFailed(
            "The backend has not been set up on this computer.",
            f"Press Set Up Backend in the Backlot tab, or run `{build_command('setup')}` in Backlot's folder.",
        )
    return python or Path(recorded.python), source or Path(recorded.source)


def _launch(command: list[str], source: Path, home: Path, output: IO[bytes]) -> subprocess.Popen[bytes]:
    environment_variables = {
        name: value
        for name, value in os.environ.items()
        # Blender's own interpreter settings must not reach another Python.
        if name not in ("PYTHONHOME", "PYTHONPATH", "LD_PRELOAD")
    }
    environment_variables |= {connection.HOME_VARIABLE: str(home), "PYTHONUTF8": "1"}
    try:
        return subprocess.Popen(
            command,
            cwd=source,
            env=environment_variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            close_fds=True,
            start_new_session=sys.platform != "win32",
            creationflags=_detached_flags(),
        )
    except OSError as failed:
        raise BackendStartFailed(f"{command[0]} could not be started: {failed}.") from failed


def _detached_flags() -> int:
    if sys.platform != "win32":
        return 0
    return subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP  # type: ignore[attr-defined,unused-ignore]


def _wait_for(process: subprocess.Popen[bytes], home: Path, log: Path, timeout_s: float) -> connection.Connection:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return connection.read(home)
        except BackendNotRunning:
            pass
        code = process.poll()
        if code is not None and code != EXIT_ALREADY_RUNNING:
            raise _start_failed(f"The backend stopped while starting (exit code {code})", log)
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise _start_failed(f"The backend did not answer within {timeout_s:g} s", log)
        time.sleep(_POLL_S)


def _start_failed(what: str, log: Path) -> BackendStartFailed:
    """The last line says most of it: a traceback ends with the error."""
    said = _tail(log)
    return BackendStartFailed(f"{what}: {said.splitlines()[-1].strip()}", log=said)


def _tail(log: Path) -> str:
    try:
        data = log.read_bytes()[-_LOG_TAIL_BYTES:]
    except OSError:
        return f"its log {log} cannot be read."
    return data.decode("utf-8", "replace").strip() or f"its log {log} is empty."
