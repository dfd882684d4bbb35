"""Finding a Blender outside this process, and running a script in it.

Alembic and FBX are written and read by Blender itself: by a Python that has bpy (`.venv-bpy` beside the
backend's own environment, made by `build.py setup`), or by a Blender application.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.worker.lifeline import tethered
from shared import environment
from shared.build_command import build_command
from shared.connection import home_dir
from shared.errors import BacklotError, EngineUnavailable, InternalError

VARIABLE = "BACKLOT_BLENDER"
"""Environment variable that names the Blender to use, for farms without a home folder."""

_POLL_S = 0.1
_REMEDY = (
    f"Run `{build_command('setup --bpy')}`, or give the path of Blender (--blender, or the variable BACKLOT_BLENDER)."
)
_LAST_LINES = 12


@dataclass(frozen=True)
class Blender:
    """program: a Blender application, or a Python that has bpy."""

    program: Path
    is_python: bool

    def command(self, script: Path, job: Path) -> list[str]:
        if self.is_python:
            return [str(self.program), str(script), "--", str(job)]
        start = ["--background", "--factory-startup", "--python-exit-code", "1"]
        return [str(self.program), *start, "--python", str(script), "--", str(job)]


def find_blender(wanted: str | None = None) -> Blender | None:
    """The Blender to run, or None: `wanted`, the variable's, `.venv-bpy`, then an installed application.
    Raises `EngineUnavailable` when `wanted` or the variable names something that is not there."""
    named = wanted or os.environ.get(VARIABLE)
    if named:
        program = Path(named).expanduser()
        if not program.is_file():
            raise EngineUnavailable(f"{program} is not a program: there is no Blender to export with.", _REMEDY)
        return _as_blender(program)
    for program in _usual_places():
        if program.is_file():
            return _as_blender(program)
    return None


def require_blender(wanted: str | None = None) -> Blender:
    """`find_blender`, or `EngineUnavailable` with its remedy."""
    found = find_blender(wanted)
    if found is None:
        raise EngineUnavailable("Alembic and FBX need Blender, and none was found on this computer.", _REMEDY)
    return found


def _as_blender(program: Path) -> Blender:
    return Blender(program, program.name.lower().startswith("python"))


def _usual_places() -> Iterator[Path]:
    inner = Path("Scripts/python.exe") if sys.platform == "win32" else Path("bin/python")
    with contextlib.suppress(BacklotError):
        record = environment.find(home_dir())
        if record is not None:
            yield Path(record.source) / ".venv-bpy" / inner
            yield Path(record.python).parent.parent.parent / ".venv-bpy" / inner
    yield _source_root() / ".venv-bpy" / inner
    on_path = shutil.which("blender")
    if on_path:
        yield Path(on_path)
    if sys.platform == "darwin":
        yield Path("/Applications/Blender.app/Contents/MacOS/Blender")
    if sys.platform == "win32":
        makers = Path(os.environ.get("PROGRAMFILES", r"C:\Program Files")) / "Blender Foundation"
        yield from sorted(makers.glob("Blender */blender.exe"), reverse=True)


def _source_root() -> Path:
    return Path(__file__).resolve().parents[2]


def script_path(name: str) -> Path:
    """A script of `blender_addon/headless/`, which the extension's zip carries as `headless/`."""
    for folder in (_source_root() / "blender_addon" / "headless", _source_root() / "headless"):
        if (folder / name).is_file():
            return folder / name
    raise InternalError(f"Backlot's own script {name} is missing.", "Install Backlot again.")


def run_script(
    blender: Blender, script: str, job: dict[str, Any], check_cancelled: Callable[[], None], timeout_s: float = 1800.0
) -> dict[str, Any]:
    """Runs a headless script and returns its result. `check_cancelled` is called while it runs and stops it
    by raising. Raises `EngineUnavailable` for a Blender that cannot do it, `InternalError` when it fails."""
    with tempfile.TemporaryDirectory(prefix="backlot-blender-") as folder:
        result, request, log = (Path(folder) / name for name in ("result.json", "job.json", "log.txt"))
        request.write_text(json.dumps({**job, "result": str(result)}), encoding="utf-8")
        with log.open("wb") as output:
            code = _wait(
                blender.command(script_path(script), request), Path(folder), output, check_cancelled, timeout_s
            )
        said = log.read_text(encoding="utf-8", errors="replace")
        if not result.is_file():
            raise _gave_no_result(blender, code, said)
        answer: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    if "lacks" in answer:
        raise EngineUnavailable(f"{blender.program} was built without {answer['lacks']}.", _REMEDY)
    if "failed" in answer:
        raise InternalError(f"Blender failed: {answer['failed']}.", "Please send the job's log.", log=said)
    return answer


def _wait(
    command: list[str], folder: Path, output: Any, check_cancelled: Callable[[], None], timeout_s: float
) -> int | None:
    """The exit code; None when the time was up."""
    if shutil.which(command[0]) is None:  # a tethered one that is missing would only end with a code
        raise EngineUnavailable(f"{command[0]} cannot be started.", _REMEDY)
    try:
        process = subprocess.Popen(
            tethered(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_clean_environment(folder),
        )
    except OSError as error:
        raise EngineUnavailable(f"{command[0]} cannot be started: {error.strerror or error}.", _REMEDY) from error
    end = time.monotonic() + timeout_s
    try:
        while time.monotonic() < end:
            check_cancelled()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(_POLL_S)
        return None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _clean_environment(folder: Path) -> dict[str, str]:
    """Without the backend's own Python settings, and with a profile of its own: the user's start-up file and
    add-ons must not change what is exported."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    profile = folder / "profile"
    profile.mkdir()
    return {**kept, "BLENDER_USER_RESOURCES": str(profile)}


def _gave_no_result(blender: Blender, code: int | None, said: str) -> BacklotError:
    tail = "\n".join(said.strip().splitlines()[-_LAST_LINES:])
    if "No module named 'bpy'" in said:
        return EngineUnavailable(f"{blender.program} has no bpy.", _REMEDY, log=tail)
    if code is None:
        return InternalError("Blender did not finish in time.", "Run the job again, or export fewer points.", log=tail)
    last = tail.splitlines()[-1] if tail else "it said nothing"
    return EngineUnavailable(f"{blender.program} ended with code {code}: {last}", _REMEDY, log=tail)
