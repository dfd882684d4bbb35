"""Runs a scenario in a real Blender window: starts display and Blender, waits, brings the pictures back, cleans up."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from build_steps import layout

from . import chroot

HERE = Path(__file__).resolve().parent
SCREEN = (1600, 900)
STOP_GRACE_S = 30.0

_START = """
mkdir -p /tmp/.X11-unix "$1/blender" "$1/home"
mkfifo /tmp/display
Xvfb -displayfd 3 -screen 0 "$2"x"$3"x24 -nolisten tcp 3>/tmp/display >"$1/xvfb.log" 2>&1 &
read number </tmp/display
export DISPLAY=":$number" HOME="$1/home" LIBGL_ALWAYS_SOFTWARE=1 BLENDER_USER_RESOURCES="$1/blender"
blender --window-geometry 0 0 "$2" "$3" --python-exit-code 3 ${4:+"$4"} --python "$1/driver.py" >"$1/blender.log" 2>&1
code=$?
kill %1
exit $code
"""
"""$1: the exchange folder, $2 and $3: the screen's size, $4: a file to open. Reading the pipe waits for the display."""


@dataclass(frozen=True)
class Outcome:
    """facts: what the scenario reported. pictures: PNG files by name."""

    facts: dict[str, Any]
    pictures: dict[str, Path]


def run_scenario(
    name: str,
    exchange: Path,
    *,
    timeout_s: float,
    settings: dict[str, Any] | None = None,
    variables: dict[str, str] | None = None,
    seen: Sequence[Path] = (),
    file: Path | None = None,
) -> Outcome:
    """Runs tests/gui/scenarios/NAME.py inside Blender.

    exchange: a folder that both sides see under the same path; a Blender that was there before has left its
    preferences in it. settings: plain values for the scenario. variables: environment variables of Blender, added to
    this process's own. seen: folders that Blender may read besides. file: a .blend to open.
    Raises AssertionError with the scenario's traceback and the end of Blender's log, also at a time-out.
    """
    exchange.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "driver.py", exchange / "driver.py")
    shutil.copy(HERE / "scenarios" / f"{name}.py", exchange / "scenario.py")
    shutil.copytree(HERE / "scenarios", exchange / "scenarios", dirs_exist_ok=True)  # they use parts of each other
    for left in (exchange / "result.json", *exchange.glob("*.png")):
        left.unlink(missing_ok=True)
    (exchange / "settings.json").write_text(json.dumps(settings or {}), encoding="utf-8")
    width, height = SCREEN
    command = [
        "bash",
        "-c",
        _START,
        "blender-window",
        str(exchange.resolve()),
        str(width),
        str(height),
        str(file or ""),
    ]
    # This Python's settings must not reach Blender's.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    with _process(chroot.inside_command(command, exchange, seen), environment | (variables or {})) as process:
        try:
            process.wait(timeout_s)
            ended = f"Blender ended with exit code {process.returncode}"
        except subprocess.TimeoutExpired:
            ended = f"Blender did not finish within {timeout_s:g} s"
    outcome = _outcome(exchange, ended)
    _keep(outcome, layout.screenshots() / name)
    return outcome


def _keep(outcome: Outcome, folder: Path) -> None:
    """Pictures and facts of a scenario that went well, for `build.py docs --screenshots` and for looking at."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in outcome.pictures.values():
        shutil.copy(path, folder)
    (folder / "facts.json").write_text(json.dumps(outcome.facts, indent=1), encoding="utf-8")


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose whole group is gone afterwards, however it went."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, env=environment)
    try:
        yield process
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_GRACE_S)


def _outcome(exchange: Path, ended: str) -> Outcome:
    result = exchange / "result.json"
    report = json.loads(result.read_text(encoding="utf-8")) if result.is_file() else {"error": "it reported nothing"}
    if report.get("error"):
        log = exchange / "blender.log"
        tail = log.read_text(encoding="utf-8", errors="replace")[-3000:] if log.is_file() else "(no log)"
        raise AssertionError(f"{ended}.\n{report['error']}\nBlender's log ends:\n{tail}")
    return Outcome(report["facts"], {path.stem: path for path in sorted(exchange.glob("*.png"))})
