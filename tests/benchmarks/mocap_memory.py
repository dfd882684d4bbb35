"""`build.py bench mocap_memory [--lengths 100,1000] [--json]`: that the mocap stage's memory does not grow.

Whoever looks at the pictures is replaced at the border of the people worker's process, so that only the stage is
measured: a person who stands and sways in the middle of every picture. The camera travels before flat grey: it is
imported, not solved. Reported for each length: peak of the process's resident memory, in all and in every pass, its
slope in every pass that took long enough, seconds and milliseconds a frame; then the growth of the peak between the
lengths.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.importers.imported_camera import ImportedCamera, ImportedFrame, ImportOptions, write_into_shot
from backend.pipeline.shot_lock import shot_lock
from backend.roto.people.environment import VARIABLE
from shared.shot import ShotFolder
from tests.benchmarks.backlot_run import run_command
from tests.benchmarks.roto_memory import Memory
from tests.benchmarks.runs import Clock
from tests.contract.fake_people import people_python

_WIDTH, _HEIGHT, _FOCAL = 192, 108, 160.0


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench mocap_memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", default="100,1000", help="frames, comma-separated")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    runs = []
    for count in sorted(map(int, given.lengths.split(","))):
        runs.append(bench_length(count))
        if not given.json:
            print(json.dumps(runs[-1]), flush=True)
    grown = (runs[-1]["peak_mb"] - runs[0]["peak_mb"]) / max(runs[-1]["frames"] - runs[0]["frames"], 1) * 1000
    found = {"runs": runs, "mb_per_1000": round(grown, 2)}
    print(json.dumps(found) if given.json else f"between the lengths: {grown:.2f} MB per 1000 frames")
    return 0


def bench_length(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-mocap-memory-") as work:
        os.environ[VARIABLE] = str(people_python(Path(work) / "people"))
        shot = ShotFolder(Path(work) / "shot")
        _write_clip(Path(work) / "frames", count)
        run_command(["run", str(Path(work) / "frames"), "-s", "ingest", "--shot", str(shot.root)])
        _import_camera(shot, count)
        clock = Clock()
        with Memory(count, "mocap") as memory:
            run_command(["run", "-s", "mocap", "--shot", str(shot.root)], memory.watch)
        seconds, cpu = clock.read()
    used = memory.used()
    return {
        "frames": count, "peak_mb": round(float(used.max()), 1), "peaks_mb": memory.peaks(),
        "slopes_mb_per_1000": memory.slopes(),
        "seconds": round(seconds, 1), "cpu_ms_per_frame": round(1e3 * cpu / count, 1),
    }  # fmt: skip


def _write_clip(folder: Path, count: int) -> None:
    folder.mkdir()
    for index in range(count):
        cv2.imwrite(str(folder / f"frame_{index + 1:04d}.png"), np.full((_HEIGHT, _WIDTH, 3), 90, np.uint8))


def _import_camera(shot: ShotFolder, count: int) -> None:
    """At eye height, looking along +y, swaying a little to both sides."""
    frames = {}
    for index in range(count):
        side = 0.3 * float(np.sin(0.05 * index))
        pose = ((1.0, 0.0, 0.0, side), (0.0, 0.0, 1.0, -4.0), (0.0, -1.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0))
        frames[index + 1] = ImportedFrame(pose, _FOCAL, _FOCAL, _WIDTH / 2, _HEIGHT / 2)
    with shot_lock(shot):
        write_into_shot(ImportedCamera(shot.root, frames, "metres"), shot, ImportOptions())


if __name__ == "__main__":
    sys.exit(main())
