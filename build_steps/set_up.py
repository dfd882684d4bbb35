"""`build.py setup --json`: the set-up as another program follows it, such as the extension's first run.

Lines on standard output that begin with `{` are messages; everything else is for people.

| event | with |
|---|---|
| progress | fraction (0..1 of everything), text |
| failed | message, log (the end of what pip said), code (no-python or ""); the last message |
| done | record: the file by which clients find the backend; the last message |
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import environments, fetched_python, layout, pythons
from .console import say
from .environments import Plan, Watch
from .layout import BuildError

LEAST_FREE_BYTES = 2_500_000_000
"""What the backend's environment takes with torch for the processor; with GPU libraries it takes more."""

_HOW_TO_GO_ON = "Nothing is lost"


def run(
    extras: Sequence[str],
    *,
    lean: bool,
    offline: Path | None,
    python: Path | None = None,
    fetch_python: bool = False,
) -> int:
    """Makes the backend's environment, and MediaPipe's if asked for; returns the exit code. python: to make them of.
    fetch_python: where none that fits is on this computer."""
    try:
        if python is not None:
            pythons.require(python, layout.PYTHONS, "The backend")
        plans = [dataclasses.replace(plan, python=python) for plan in _plans(extras, lean)]
        with _alone():
            record = _make(plans, offline, fetch_python)
    except OSError as failed:
        place = f": {failed.filename}" if failed.filename else ""
        _tell(
            "failed",
            message=f"{failed.strerror or failed}{place}. Check that disk, then set up again.",
            log="",
            code="",
        )
        return 1
    except BuildError as failed:
        message, _, log = _in_words(str(failed)).partition("\n")
        code = "no-python" if isinstance(failed, pythons.NoPython) else ""
        _tell("failed", message=message, log=log.partition(_HOW_TO_GO_ON)[0].strip(), code=code)
        return 1
    _tell("done", record=str(record))
    return 0


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two Blenders may have the same thought. Raises `BuildError`."""
    home = layout.home()
    home.mkdir(parents=True, exist_ok=True)
    with (home / "set_up.lock").open("a+") as file:
        if not layout.shared_module("file_lock").try_lock(file):
            raise BuildError("The backend is being set up already, by another Blender or a terminal. Wait for its end.")
        yield


_STEPS = {
    "venv": "The environment could not be made",
    "install": "The packages could not be installed",
    "check": "What was installed does not run here",
}


def _in_words(message: str) -> str:
    """What failed as an artist reads it: `run_quietly` names it by its log."""
    return re.sub(
        r"^(venv|install|check)-\S+ failed \((.*?)\).*", lambda step: f"{_STEPS[step[1]]} ({step[2]}).", message
    )


def _plans(extras: Sequence[str], lean: bool) -> list[Plan]:
    chosen = [extra for extra in extras if extra != "mocap"] + ([] if lean else ["torch"])
    return [environments.base_plan(chosen), *([environments.mocap_plan()] if "mocap" in extras else [])]


def _make(plans: Sequence[Plan], offline: Path | None, fetch_python: bool) -> Path:
    """Raises `BuildError`. The backend is there for clients as soon as its own environment, the first, is whole."""
    _require_room(plans)
    record = Path()
    for number, plan in enumerate(plans):
        watch = _watching(plan, number, len(plans))
        _discard_broken(plan)
        if fetch_python and not environments.is_ready(plan):
            _have_python(plan, watch)
        environments.replace_safely(plan, offline=offline, watch=watch)
        if number == 0:
            record = environments.record_for_clients(layout.environment_python(plan.folder))
    return record


def _discard_broken(plan: Plan) -> None:
    """An environment that should be whole and does not run, such as after a tidy-up of disks, is made anew."""
    if environments.is_ready(plan) and not environments.runs(plan):
        say(f"{plan.folder.name} does not run: making it again.")
        shutil.rmtree(plan.folder)


def _have_python(plan: Plan, watch: Watch) -> None:
    try:
        pythons.find(plan.pythons, plan.purpose, plan.python)
    except pythons.NoPython:
        try:
            fetched_python.fetch(lambda text: watch(0.0, text))
        except BuildError as failed:
            raise pythons.NoPython(str(failed)) from failed


def _require_room(plans: Sequence[Plan]) -> None:
    if all(environments.is_ready(plan) for plan in plans):
        return
    folder = plans[0].folder.parent
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise BuildError(
            f"The disk of {folder} has {free / 1e9:.1f} GB left, and the backend needs {LEAST_FREE_BYTES / 1e9:.1f}. "
            "Make room, or set BACKLOT_HOME to a folder on another disk."
        )


def _watching(plan: Plan, number: int, count: int) -> Watch:
    def watch(fraction: float, text: str) -> None:
        _tell("progress", fraction=round((number + fraction) / count, 4), text=f"{plan.purpose}: {text}")

    return watch


def _tell(event: str, **facts: object) -> None:
    say(json.dumps({"event": event, **facts}))
