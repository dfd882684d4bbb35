"""How the time of a solve grows with the clip, and that its memory does not: 100, 300 and 1000 frames of 1280x720.

    python -m tests.benchmarks.scaling [--lengths 100,300,1000] [--keep FOLDER] [--quality medium] [--json]

The clip is a walk down a rendered street (walkthrough.py); `--keep` keeps the videos for later runs. Reported for
each length: wall and processor seconds by step, and the peak of the resident memory of the whole process tree
of `python -m backend run`. For every step the exponent n of seconds ~ frames^n between two lengths: 1 is linear, 2
quadratic. Steps shorter than `SHORT_S` say nothing and get none. Also the camera against the truth.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.backlot_run import run_backlot
from tests.benchmarks.runs import Run
from tests.benchmarks.scoring import score_camera
from tests.benchmarks.truth import load_truth
from tests.benchmarks.walkthrough import HEIGHT, WIDTH, write_walk

LENGTHS = (100, 300, 1000)
SHORT_S = 1.0
_POLL_S = 0.2


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench scaling", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", type=_lengths, default=LENGTHS, help="frames, comma-separated")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the clips here and use those that are there")
    parser.add_argument("--quality", default="medium", help="Backlot's preset")
    parser.add_argument("--flags", default="", help="further flags of `backend run`, in one argument")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-scaling-") as work:
        clips = options.keep or Path(work) / "clips"
        runs = []
        for count in options.lengths:
            runs.append(bench_length(clips, count, ["--quality", options.quality, *options.flags.split()]))
            if not options.json:
                print(_line(runs[-1]), flush=True)
    found = {"size": [WIDTH, HEIGHT], "runs": runs, "exponents": exponents(runs)}
    print(json.dumps(found, indent=1) if options.json else _as_text(found["exponents"]))
    return 0 if all(not run["failure"] for run in runs) else 1


def _lengths(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(part) for part in text.split(",")))


def bench_length(clips: Path, count: int, flags: Sequence[str]) -> dict[str, Any]:
    """One length's cost and errors."""
    clip = clips / f"walk_{count}"
    if not (clip / "clip.mp4").is_file():
        write_walk(clip, count)
    effort = Effort()
    with tempfile.TemporaryDirectory(prefix="bench-scaling-") as work, PeakMemory() as memory:
        run = run_backlot(clip / "clip.mp4", Path(work) / "shot", flags, watch=effort.watch)
    result = {
        "frames": count, "solved": len(run.poses), "seconds": round(run.seconds, 1),
        "cpu_seconds": round(run.cpu_seconds, 1), "peak_mb": round(memory.peak_mb), "failure": run.failure,
        "steps": {name: round(seconds, 2) for name, seconds in run.steps.items()},
        "cpu_steps": {name: round(seconds, 2) for name, seconds in effort.seconds.items()},
    }  # fmt: skip
    return result | _errors(clip, run)


def _errors(clip: Path, run: Run) -> dict[str, float]:
    if run.lens is None or len(run.poses) < 3:
        return {}
    truth = load_truth(clip)
    score = score_camera(run.poses, run.lens, truth.poses, truth.lens)
    return {"ate_percent": round(score.ate_percent, 4), "focal_percent": round(score.focal_percent, 3)}


class Effort:
    """Processor seconds by what the progress events say is being done: a measure that a busy machine does not
    stretch. seconds: by the note of the events, or their stage where they have none."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._before = 0.0

    def watch(self, line: str, process: int) -> None:
        event = json.loads(line) if line.startswith("{") else {}
        try:
            used = psutil.Process(process).cpu_times()
        except psutil.NoSuchProcess:
            return
        now = used.user + used.system
        said = event.get("progress") or event.get("result") or {}
        name = said.get("note") or said.get("stage") or "rest"
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._before
        self._before = now


class PeakMemory:
    """Peak of the summed resident memory of this process's children, MB, while it is entered. Pages that processes
    share count for each."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._over.wait(_POLL_S):
            total = 0
            for child in me.children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.NoSuchProcess:  # ended since it was listed
                    continue
            self.peak_mb = max(self.peak_mb, total / 1e6)


def exponents(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Between neighbouring lengths, for each step that takes long enough in both: n of seconds ~ frames^n; and that
    of the whole run and of its processor time."""
    found = []
    for short, long in itertools.pairwise(runs):
        spans = [
            {
                **run["steps"], **{f"cpu of {name}": n for name, n in run["cpu_steps"].items()},
                "wall": run["seconds"], "cpu": run["cpu_seconds"],
            }
            for run in (short, long)
        ]  # fmt: skip
        growth = math.log(long["frames"] / short["frames"])
        found.append(
            {
                "from": short["frames"], "to": long["frames"],
                **{
                    name: round(math.log(spans[1][name] / before) / growth, 2)
                    for name, before in spans[0].items()
                    if before >= SHORT_S and spans[1].get(name, 0.0) >= SHORT_S
                },
            }
        )  # fmt: skip
    return found


def _line(run: dict[str, Any]) -> str:
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in run["steps"].items())
    return (
        f"{run['frames']} frames: {run['solved']} solved, {run['seconds']:.1f} s (cpu {run['cpu_seconds']:.1f}), "
        f"peak {run['peak_mb']} MB, ATE {run.get('ate_percent')} %, focal {run.get('focal_percent')} %; wall: {steps}"
        f"; cpu: {', '.join(f'{name} {seconds:.1f}' for name, seconds in run['cpu_steps'].items())}"
        + (f"; FAILED: {run['failure']}" if run["failure"] else "")
    )


def _as_text(growth: Sequence[dict[str, Any]]) -> str:
    lines = ["exponents (1 linear, 2 quadratic):"]
    for one in growth:
        steps = ", ".join(f"{name} {n}" for name, n in one.items() if name not in ("from", "to"))
        lines.append(f"  {one['from']} to {one['to']} frames: {steps}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
