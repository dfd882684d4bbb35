"""The camera solve against its peers: time, frames, and distance from the truth.

    python -m tests.benchmarks.solve [--clip FOLDER]... [--quality medium] [--peers colmap,pycolmap] [--json]

FOLDER holds frames/ or clip.mp4, and the truth as gt/ or truth/ (see truth.py); without one the sample clip is
used. Backlot's time is that of the whole `python -m backend run`, from the footage to the written files; the
peers' is that of feature extraction, matching and mapping. A solver that gives no camera counts as failed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmarks.scoring import CameraScore, score_camera
from tests.benchmarks.solve_runs import ROOT, Run, run_backlot, run_colmap, run_pycolmap
from tests.benchmarks.truth import TruthClip, frame_paths, load_truth

SAMPLE = ROOT / "assets" / "sample"
PEERS = ("colmap", "pycolmap")
_COLUMNS = (
    ("solver", "{:10}"), ("seconds", "{:8.1f}"), ("cpu_seconds", "{:8.1f}"), ("frames", "{:>9}"),
    ("ate_percent", "{:8.3f}"), ("rotation_deg", "{:8.3f}"), ("focal_percent", "{:8.2f}"), ("points_px", "{:8.3f}"),
)  # fmt: skip
_HEAD = f"{'solver':10}{'wall s':>8}{'cpu s':>8}{'frames':>9}{'ATE %':>8}{'rot deg':>8}{'focal %':>8}{'px':>8}"


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    results = []
    for clip in options.clip or [SAMPLE]:
        result = bench_clip(clip.resolve(), options.peers, options.quality)
        results.append(result)
        if not options.json:
            _show(result)
    if options.json:
        print(json.dumps(results, indent=1))
    return 0 if all(_ours(result)["solved"] for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench solve", description=__doc__)
    parser.add_argument("--clip", type=Path, action="append", help="folder with a clip and its truth; may be repeated")
    parser.add_argument("--quality", default="medium", help="Backlot's preset")
    parser.add_argument(
        "--peers", type=_peer_names, default=PEERS, help="comma-separated: colmap, pycolmap; empty for none"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _peer_names(text: str) -> tuple[str, ...]:
    names = tuple(name for name in text.split(",") if name)
    if unknown := set(names) - set(PEERS):
        raise argparse.ArgumentTypeError(f"no peer {', '.join(sorted(unknown))}")
    return names


def bench_clip(clip: Path, peers: Sequence[str], quality: str) -> dict[str, Any]:
    """Every solver's cost and errors on one clip."""
    truth = load_truth(clip)
    count = len(truth.poses)
    with tempfile.TemporaryDirectory(prefix="bench-solve-") as work:
        shot = Path(work) / "shot"
        footage = clip / "frames" if frame_paths(clip) else clip / "clip.mp4"
        runs = [run_backlot(footage, shot, count, quality)]
        frames = footage if footage.is_dir() else shot / "source" / "frames"
        if "colmap" in peers:
            found = run_colmap(frames, Path(work) / "colmap", count)
            runs.append(found or Run("colmap", math.nan, math.nan, {}, None, "not installed"))
        if "pycolmap" in peers:
            runs.append(run_pycolmap(frames, Path(work) / "pycolmap", count))
    return {"clip": clip.name, "frames": count, "runs": [_row(run, truth) for run in runs]}


def _row(run: Run, truth: TruthClip) -> dict[str, Any]:
    nothing = CameraScore(0, len(truth.poses), math.nan, math.nan, math.nan, math.nan)
    score = nothing
    if run.lens is not None and len(run.poses) >= 3:
        score = score_camera(run.poses, run.lens, truth.poses, truth.lens, truth.depth)
    cost = {"solver": run.solver, "seconds": run.seconds, "cpu_seconds": run.cpu_seconds, "failure": run.failure}
    return {key: None if value != value else value for key, value in {**cost, **asdict(score)}.items()}


def _ours(result: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = result["runs"][0]
    return row


def _show(result: dict[str, Any]) -> None:
    print(f"\n{result['clip']} ({result['frames']} frames)\n{_HEAD}")
    ours = _ours(result)["seconds"]
    for row in result["runs"]:
        shown = {**row, "frames": f"{row['solved']}/{row['frames']}"}
        cells = "".join(
            form.format(shown[name]) if shown[name] is not None else f"{'-':>8}" for name, form in _COLUMNS
        )  # fmt: skip
        slower = f"  {row['seconds'] / ours:.1f}x" if row["seconds"] and row is not _ours(result) else ""
        print(cells + slower + (f"  FAILED: {row['failure']}" if row["failure"] else ""), flush=True)


if __name__ == "__main__":
    sys.exit(main())
