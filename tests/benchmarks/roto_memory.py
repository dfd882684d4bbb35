"""That the roto stage's memory does not grow with the clip: resident memory against frames, at 100 and 1000 frames.

    python -m tests.benchmarks.roto_memory [--lengths 100,1000] [--size 192x108] [--engine flow] [--json]

The clip is a textured disc that moves to and fro before a textured wall. Reported for each length: peak of the
process's resident memory, and its slope by least squares in every pass of the stage that took a second or more, MB per
1000 frames; then the growth of the peak between the lengths. The files that the stage writes are not in it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

from tests.benchmarks.backlot_run import run_command
from tests.benchmarks.scoring import Array

_PERIOD = 50
_MB = 1e6
_POLL_S = 0.02
_FEW = 50


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench roto_memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", default="100,1000", help="frames, comma-separated")
    parser.add_argument("--size", default="192x108", help="of the pictures, px")
    parser.add_argument("--engine", default="flow", help="Backlot's engine (default: flow)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    width, height = map(int, options.size.split("x"))
    runs = []
    for count in sorted(map(int, options.lengths.split(","))):
        runs.append(bench_length(count, width, height, options.engine))
        if not options.json:
            print(json.dumps(runs[-1]), flush=True)
    grown = (runs[-1]["peak_mb"] - runs[0]["peak_mb"]) / max(runs[-1]["frames"] - runs[0]["frames"], 1) * 1000
    found = {"size": [width, height], "runs": runs, "between_mb_per_1000": round(grown, 3)}
    print(json.dumps(found) if options.json else f"between the lengths: {grown:.2f} MB per 1000 frames")
    return 0


def bench_length(count: int, width: int, height: int, engine: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-roto-memory-") as work:
        box = write_clip(Path(work) / "frames", count, width, height)
        shot = ["--shot", str(Path(work) / "shot")]
        run_command(["run", str(Path(work) / "frames"), "-s", "ingest", *shot])  # its memory is not the roto stage's
        flags = ["--label", "disc", f"--bbox={','.join(map(str, box))}", "--roto-engine", engine]
        with Memory(count) as memory:
            run_command(["run", "-s", "roto", *shot, *flags], memory.watch)
    used = memory.used()
    return {
        "frames": count, "samples": len(used), "peak_mb": round(float(used.max()), 1),
        "end_mb": round(float(np.median(used[-5:])), 2), "slopes_mb_per_1000": memory.slopes(),
    }  # fmt: skip


class Memory:
    """Resident memory of a process that reports a stage's progress, sampled while this is entered."""

    def __init__(self, count: int, stage: str = "roto") -> None:
        self._count, self._stage = count, stage
        self._passes: dict[str, list[float]] = {}
        self._samples: list[tuple[float, float]] = []
        self._process: psutil.Process | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def watch(self, line: str, process: int) -> None:
        progress = (json.loads(line) if line.startswith("{") else {}).get("progress") or {}
        if progress.get("stage") == self._stage:
            self._process = self._process or psutil.Process(process)
            self._passes.setdefault(progress["note"], []).append(time.perf_counter())

    def used(self) -> Array:
        """MB of every sample."""
        return np.array([memory for _, memory in self._samples])

    def slopes(self) -> dict[str, float]:
        """MB per 1000 frames over the last three quarters of every pass that took long enough, as if it went evenly."""
        found = {}
        for note, reported in self._passes.items():
            begun, ended = reported[0], reported[-1]
            late = [(at, memory) for at, memory in self._samples if begun + 0.25 * (ended - begun) <= at <= ended]
            if len(late) >= _FEW:
                when, memory = np.array(late).T
                frames = (when - begun) / (ended - begun) * self._count
                found[note] = round(float(np.polyfit(frames, memory, 1)[0]) * 1000, 3)
        return found

    def peaks(self) -> dict[str, float]:
        """MB, the most in each pass."""
        found = {}
        for note, reported in self._passes.items():
            during = [memory for at, memory in self._samples if reported[0] <= at <= reported[-1]]
            found[note] = round(max(during, default=float("nan")), 1)
        return found

    def _poll(self) -> None:
        while not self._over.wait(_POLL_S):
            if self._process is not None:
                try:
                    used = self._process.memory_info().rss / _MB
                except psutil.NoSuchProcess:
                    return
                if used:  # a process that has ended has none until it is waited for
                    self._samples.append((time.perf_counter(), used))


def write_clip(folder: Path, count: int, width: int, height: int) -> tuple[int, int, int, int]:
    """PNG files; the box of the disc in the first."""
    folder.mkdir()
    random = np.random.default_rng(0)
    wall, skin = (
        cv2.resize(random.uniform(low, low + 110, (12, 16, 3)).astype(np.float32), (2 * width, height)).astype(np.uint8)
        for low in (10, 130)
    )
    radius = height / 4
    for index in range(count):
        phase = math.tau * index / _PERIOD
        x, y = width * (0.5 + 0.2 * math.sin(phase)), height * (0.5 + 0.1 * math.cos(phase))
        rows, columns = np.mgrid[:height, :width]
        inside = (columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2 < radius**2
        shift = round(0.2 * width * (1 + math.sin(phase)))
        picture = np.where(inside[..., None], np.roll(skin, shift, axis=1)[:, :width], wall[:, :width])
        cv2.imwrite(str(folder / f"frame_{index + 1:04d}.png"), picture)
        if index == 0:
            box = (int(x - radius), int(y - radius), int(x + radius) + 1, int(y + radius) + 1)
    return box


if __name__ == "__main__":
    sys.exit(main())
