"""Backlot solving a clip in a process of its own, as a user would start it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shared.camera_files import SolvedCamera, read_camera
from tests.benchmarks.runs import Clock, CommandFailed, Run, call, call_watched
from tests.benchmarks.scoring import Array, Lens

ROOT = Path(__file__).resolve().parents[2]


def run_backlot(
    footage: Path, shot: Path, options: Sequence[str], *, watch: Callable[[str, int], None] | None = None
) -> Run:
    """`python -m backend run`: ingest and solve, from the footage to the files. options: further flags. watch: gets
    every event and the process id as it comes."""
    command = ["run", str(footage), "-s", "ingest,solve", "--shot", str(shot), *options]
    clock = Clock()
    try:
        said = run_command(command, watch)
    except CommandFailed as failed:
        return Run("backlot", *clock.read(), {}, None, str(failed))
    seconds = clock.read()
    camera = read_camera(shot)
    steps = stage_seconds(said)
    steps["start and files"] = max(0.0, seconds[0] - sum(steps.values()))
    motion = [frame.motion for frame in camera.extrinsics.frames if frame.world_from_camera is not None]
    return Run("backlot", *seconds, poses_of(camera), lens_of(camera), motion=motion, steps=steps, shot=shot)


def run_solve(shot: Path, options: Sequence[str]) -> float:
    """Solves a shot that has its plate; wall seconds. Raises `CommandFailed`."""
    clock = Clock()
    run_command(["run", "-s", "solve", "--shot", str(shot), *options])
    return clock.read()[0]


def run_command(arguments: Sequence[str], watch: Callable[[str, int], None] | None = None) -> str:
    """The events that `python -m backend ARGUMENTS --json` prints. Raises `CommandFailed` with its error's sentence."""
    command = [sys.executable, "-m", "backend", *arguments, "--json"]
    try:
        return call(command, cwd=ROOT) if watch is None else call_watched(command, ROOT, watch)
    except CommandFailed as failed:
        raise CommandFailed(_plain(str(failed))) from None


def poses_of(camera: SolvedCamera) -> dict[int, Array]:
    """Solved world_from_camera [4, 4] by frame index."""
    first = camera.extrinsics.frames[0].frame
    return {
        frame.frame - first: np.array(frame.world_from_camera)
        for frame in camera.extrinsics.frames
        if frame.world_from_camera is not None
    }


def lens_of(camera: SolvedCamera) -> Lens:
    inner = camera.intrinsics
    k = np.array([[[f.fx, 0.0, f.cx], [0.0, f.fy, f.cy], [0.0, 0.0, 1.0]] for f in inner.frames])
    return Lens(k, (inner.k1, inner.k2, inner.p1, inner.p2))


def stage_seconds(said: str) -> dict[str, float]:
    """Seconds of ingest and of every step of the solve, from the events that `run --json` prints; what a stage took
    beside its steps is named after the stage."""
    seconds: dict[str, float] = {}
    for line in said.splitlines():
        event: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
        if event.get("event") != "stage":
            continue
        result = event["result"]
        steps = result["facts"].get("step_seconds", {})
        seconds |= steps
        seconds[result["stage"]] = max(0.0, result["seconds"] - sum(steps.values()))
    return seconds


def _plain(line: str) -> str:
    """The sentence of an error that was printed as a JSON event."""
    if not line.startswith("{"):
        return line
    said = json.loads(line)
    return str(said.get("error", {}).get("message", line))
