"""Blender's libmv as a peer: libmv_autotrack.py in a Blender of its own."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from backend.export.blender_process import Blender, find_blender
from tests.benchmarks.peer_cache import cache_key, cached
from tests.benchmarks.runs import Clock, CommandFailed, Run, call
from tests.benchmarks.scoring import Lens
from tests.benchmarks.truth import picture_size, pictures_in

SCRIPT = Path(__file__).with_name("libmv_autotrack.py")


def run_libmv(frames: Path, count: int, cache: Path | None, name: str, *, timeout_s: float) -> Run:
    """Blender's automatic tracking and solve. A clip that it cannot solve, or not within `timeout_s`, has failed."""
    blender = find_blender()
    if blender is None:
        return Run("libmv", float("nan"), float("nan"), {}, None, "no Blender: build.py setup --bpy")
    version = subprocess.run(
        [*_start(blender, "import bpy; print(bpy.app.version_string)")], capture_output=True, text=True, check=False
    ).stdout.strip()
    options = [SCRIPT.read_text(encoding="utf-8"), f"timeout {timeout_s}"]
    key = cache_key("libmv", version, options, pictures_in(frames))
    return cached(cache, f"{name}.libmv", key, lambda: _autotrack(blender, frames, count, timeout_s))


def _start(blender: Blender, expression: str) -> list[str]:
    if blender.is_python:
        return [str(blender.program), "-c", expression]
    return [str(blender.program), "-b", "--factory-startup", "--python-expr", expression]


def _autotrack(blender: Blender, frames: Path, count: int, timeout_s: float) -> Run:
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="bench-libmv-") as work:
        out = Path(work) / "found.json"
        start = [str(blender.program)]
        start += [str(SCRIPT)] if blender.is_python else ["-b", "--factory-startup", "--python", str(SCRIPT), "--"]
        try:
            call([*start, str(frames), str(out)], timeout=timeout_s)
        except CommandFailed as failed:
            return Run("libmv", *clock.read(), {}, None, str(failed))
        found = json.loads(out.read_text(encoding="utf-8"))
    poses = {int(t): np.array(pose) for t, pose in found["poses"].items()}
    if not poses:
        return Run("libmv", *clock.read(), {}, None, f"not solved from {found['tracks']} tracks")
    width, height = picture_size(pictures_in(frames)[0])
    focal = found["focal_px"]
    k = np.array([[focal, 0.0, width / 2.0], [0.0, focal, height / 2.0], [0.0, 0.0, 1.0]])
    lens = Lens(np.broadcast_to(k, (count, 3, 3)), (found["k1"], found["k2"], 0.0, 0.0))
    return Run("libmv", *clock.read(), poses, lens)
