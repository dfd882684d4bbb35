"""`build.py demo`: the whole way of a clip, from the file to a camera in a Blender scene, on what the checkout ships.

Each part runs in the environment it belongs to: solve and contact sheet in the backend's, the scene in
Blender's. The demo has a backend and a Blender profile of its own, in demo/, and leaves the user's alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from . import environments, fetched_python, packaging, pythons, system
from .console import say, step
from .layout import DEMO, ROOT, SAMPLE, BuildError


def run(*, clip: Path | None, samples: int, offline: Path | None, install_system: bool) -> int:
    """Runs the demo; returns 0 when every frame of the clip has a camera. Raises `BuildError`."""
    started = time.monotonic()
    system.require_libraries(install=install_system)
    python = environments.ensure(environments.base_plan(), offline=offline)
    blender = _blender(offline)
    environments.record_for_clients(python)
    ready = time.monotonic()
    _clear(DEMO)
    with step("packaging the extension"):
        package = packaging.package(DEMO / "package")
    footage, truth = _footage(clip)
    say(f"- solving {footage} ...")
    _run(
        [str(python), "-m", "tools.demo.solve", str(footage), str(truth), str(DEMO)],
        {"BACKLOT_HOME": str(DEMO / "home")},
    )
    with step("building demo/scene.blend and rendering six frames of it over the plate (one to three minutes)"):
        variables = {"BLENDER_USER_RESOURCES": str(DEMO / "blender"), "BACKLOT_HOME": str(DEMO / "home")}
        _run([str(blender), "-m", "tools.demo.scene", str(package), str(DEMO), str(samples)], variables, "demo-scene")
        _run([str(python), "-m", "tools.demo.sheet", str(DEMO)], {}, "demo-sheet")
    report = json.loads((DEMO / "solve.json").read_text(encoding="utf-8"))
    _print_report(report, set_up=ready - started, total=time.monotonic() - started)
    return 0 if report["solved"] == report["frames"] else 1


def _blender(offline: Path | None) -> Path:
    """The interpreter with Blender's module. The module exists for one version of Python, which is fetched where this
    computer does not have it. Raises `BuildError`."""
    plan = environments.bpy_plan()
    try:
        return environments.ensure(plan, offline=offline)
    except pythons.NoPython:
        if offline is not None:
            raise
    with step(f"fetching Python {fetched_python.VERSION}, which Blender's module needs (30 MB)"):
        fetched_python.fetch(lambda _said: None)
    return environments.ensure(plan)


def _clear(folder: Path) -> None:
    """Forgets an earlier demo, so that the solve is timed and not skipped."""
    if folder.exists():
        shutil.rmtree(folder)
    # Blender takes the user's own profile when this folder does not exist.
    (folder / "blender").mkdir(parents=True)


def _footage(clip: Path | None) -> tuple[Path, Path]:
    """(footage, folder with its truth or not) for the sample, a clip, or a folder with frames/ and gt/."""
    if clip is None:
        clip = SAMPLE
    if not clip.exists():
        raise BuildError(f"There is no clip {clip}.")
    for name in ("clip.mp4", "frames"):
        if (clip / name).exists():
            return (clip / name).resolve(), clip.resolve()
    return clip.resolve(), clip.resolve().parent


def _run(command: list[str], variables: Mapping[str, str], log: str = "") -> None:
    """Runs a part of the demo; with `log`, its output goes to a log file. Raises `BuildError`."""
    from .console import run_quietly

    environment = {**os.environ, **variables, "PYTHONUTF8": "1"}
    if log:
        run_quietly(command, log, environment=environment, folder=ROOT)
    elif subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        raise BuildError("The solve failed; what it said stands above.")


def _print_report(report: Mapping[str, object], *, set_up: float, total: float) -> None:
    say("")
    say(f"solved          {report['solved']} of {report['frames']} frames in {report['seconds']:.1f} s")
    if report.get("ate_percent") is not None:
        say(f"camera path     {report['ate_percent']:.3f} % of its length off the truth (ATE, Sim3)")
        say(f"rotation        {report['rotation_deg']:.3f} degrees off")
        say(f"focal length    {report['focal_percent']:.3f} % off")
    if report.get("points_px") is not None:
        say(f"truth points    {report['points_px']:.2f} px off, seen through the solved camera")
    say(f"time            {total:.0f} s in all, {set_up:.0f} s of it set-up")
    say(f"scene           {DEMO / 'scene.blend'}")
    say(f"picture         {DEMO / 'overlay.png'}")
