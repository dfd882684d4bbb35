"""Solves a clip through a backend of its own and scores it against the clip's truth (in .venv).

`python -m tools.demo.solve FOOTAGE TRUTH_FOLDER DEMO_FOLDER`; the backend's home is `BACKLOT_HOME`.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shared.backend_process import start_backend
from shared.camera_files import SolvedCamera, read_camera
from shared.client import Client
from shared.connection import home_dir
from shared.errors import BacklotError
from shared.messages import JobEvent
from tests.benchmarks.scoring import Lens, score_camera
from tests.benchmarks.truth import load_truth


def solve(footage: Path, shot: Path) -> float:
    """Runs ingest and solve in a backend that is started and ended here; returns the seconds it took."""
    start_backend(home_dir(), python=Path(sys.executable), source=Path(__file__).resolve().parents[2])
    with Client(name="demo", start=False) as client:
        started = time.monotonic()
        try:
            client.run(footage, shot=shot, on_event=_show)
            return time.monotonic() - started
        finally:
            client.call("shutdown")


def _show(event: JobEvent) -> None:
    progress = event.status.progress
    if event.kind == "stage":
        print(f"\r  {progress.stage}: done{' ' * 50}", flush=True)
    elif event.kind == "progress" and sys.stdout.isatty():
        eta = "" if progress.eta_s is None else f", {progress.eta_s:.0f} s left"
        print(f"\r  {progress.stage}: {progress.done}/{progress.total}{eta} {progress.note:<40.40}", end="", flush=True)


def lens_of(camera: SolvedCamera, frames: int, first: int) -> Lens:
    """The solved lens for the benchmark's scores: K of every frame, the nearest known one where none is."""
    k = np.zeros((frames, 3, 3))
    for frame in camera.intrinsics.frames:
        k[frame.frame - first] = [[frame.fx, 0, frame.cx], [0, frame.fy, frame.cy], [0, 0, 1]]
    known = np.flatnonzero(k[:, 0, 0])
    for index in range(frames):
        k[index] = k[known[np.abs(known - index).argmin()]]
    lens = camera.intrinsics
    return Lens(k, (lens.k1, lens.k2, lens.p1, lens.p2))


def score(shot: Path, truth_folder: Path) -> dict[str, Any]:
    """Solved frames and, when the clip has a truth, the errors against it (see tests/benchmarks/scoring.py)."""
    camera = read_camera(shot)
    poses = camera.extrinsics.frames
    first = min(pose.frame for pose in poses)
    solved = {p.frame - first: np.array(p.world_from_camera) for p in poses if p.world_from_camera is not None}
    facts: dict[str, Any] = {"frames": len(poses), "solved": len(solved)}
    try:
        truth = load_truth(truth_folder)
    except FileNotFoundError:
        return facts
    found = score_camera(solved, lens_of(camera, len(truth.poses), first), truth.poses, truth.lens, truth.depth)
    errors = {name: getattr(found, name) for name in ("ate_percent", "rotation_deg", "focal_percent", "points_px")}
    return facts | {name: value if math.isfinite(value) else None for name, value in errors.items()}


def main(argv: Sequence[str]) -> int:
    footage, truth, demo = (Path(argument) for argument in argv)
    try:
        seconds = solve(footage, demo / "shot")
        report = {"footage": str(footage), "seconds": seconds, **score(demo / "shot", truth)}
    except BacklotError as error:
        print(f"{error.message}\n{error.remedy}", file=sys.stderr)
        return 1
    (demo / "solve.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
