"""That the roto stage's memory does not grow with the clip: resident memory against frames, at 100 and 1000 frames.

    python -m tests.benchmarks.roto_memory [--lengths 100,1000] [--size 192x108] [--engine flow] [--json]

The clip is a textured disc that moves to and fro before a textured wall. Reported for each length: peak of the
process's resident memory, and its slope over the stage's second half by least squares, MB per 1000 frames; then the
slope between the lengths.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

from tests.benchmarks.backlot_run import run_command

_PERIOD = 50
_MB = 1e6


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
    grown = (runs[-1]["end_mb"] - runs[0]["end_mb"]) / max(runs[-1]["frames"] - runs[0]["frames"], 1) * 1000
    found = {"size": [width, height], "runs": runs, "between_mb_per_1000": round(grown, 3)}
    print(json.dumps(found) if options.json else f"between the lengths: {grown:.2f} MB per 1000 frames")
    return 0


def bench_length(count: int, width: int, height: int, engine: str) -> dict[str, Any]:
    samples: list[tuple[int, float]] = []

    def watch(line: str, process: int) -> None:
        event = json.loads(line) if line.startswith("{") else {}
        progress = event.get("progress") or {}
        if progress.get("stage") != "roto":
            return
        try:
            memory = psutil.Process(process).memory_info().rss / _MB
        except psutil.NoSuchProcess:
            return
        samples.append((round(progress["done"] / max(progress["total"], 1) * count), memory))

    with tempfile.TemporaryDirectory(prefix="bench-roto-memory-") as work:
        box = write_clip(Path(work) / "frames", count, width, height)
        flags = ["--label", "disc", f"--bbox={','.join(map(str, box))}", "--roto-engine", engine]
        run_command(
            ["run", str(Path(work) / "frames"), "-s", "roto", "--shot", str(Path(work) / "shot"), *flags], watch
        )
    late = np.array([sample for sample in samples if sample[0] >= count / 2], np.float64).reshape(-1, 2)
    slope = np.polyfit(late[:, 0], late[:, 1], 1)[0] * 1000 if len(np.unique(late[:, 0])) > 2 else math.nan
    return {
        "frames": count, "samples": len(samples), "peak_mb": round(max(memory for _, memory in samples), 1),
        "end_mb": round(float(np.median(late[-5:, 1])), 2), "slope_mb_per_1000": round(float(slope), 3),
    }  # fmt: skip


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
