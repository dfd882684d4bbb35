"""The camera solve against its peers: time, frames, and distance from the truth.

    python -m tests.benchmarks.solve [--clip FOLDER]... [--clips ROOT] [--quality medium] [--peer-cache FOLDER]
        [--peers colmap,masks,pycolmap,libmv] [--composite PEOPLE OVER SEED]... [--flags "..."] [--json] [--markdown]

FOLDER holds frames/ or clip.mp4, and the truth as gt/ or truth/ (see truth.py); without one the sample clip is
used. `--clips` takes every folder in ROOT that has a truth. `--composite` makes a clip in which 40 % of the pixels
move (composite.py) and solves that. Backlot's time is that of the whole `python -m backend run`, from the footage to
the written files; the peers' is that of feature extraction, matching and mapping. A solver that gives no camera
counts as failed. `colmap+masks` is COLMAP given the truth masks of what moves; Backlot gets none. Peers' runs are
kept in `--peer-cache` and used again; they are marked with the time and the load under which they were recorded.

Scores: see `CameraScore` (scoring.py) and motion_scores.py. state: whether every frame has a pose and the kind of
motion (full, nodal, locked) that the truth has.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shared.camera_files import read_camera
from tests.benchmarks.backlot_run import ROOT, run_backlot
from tests.benchmarks.colmap_peer import run_colmap, run_pycolmap
from tests.benchmarks.composite import compose
from tests.benchmarks.libmv_peer import run_libmv
from tests.benchmarks.motion_scores import RULE, score_motion
from tests.benchmarks.runs import Run
from tests.benchmarks.scoring import ROTATION_GAUGE, CameraScore, motion_of, score_camera
from tests.benchmarks.solve_table import as_markdown, as_text
from tests.benchmarks.truth import TruthClip, frame_paths, load_truth

SAMPLE = ROOT / "assets" / "sample"
PEERS = ("colmap", "masks", "pycolmap", "libmv")


@dataclass(frozen=True)
class Plan:
    """What to run on every clip. flags: of `backend run`. timeout_s: for Blender's libmv."""

    peers: tuple[str, ...]
    flags: tuple[str, ...]
    cache: Path | None
    timeout_s: float


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    plan = Plan(
        options.peers, ("--quality", options.quality, *options.flags.split()), options.peer_cache, options.libmv_timeout
    )
    with tempfile.TemporaryDirectory(prefix="bench-composite-") as made:
        clips = [clip.resolve() for clip in options.clip or []]
        clips += [path.parent for path in _with_truth(options.clips)] if options.clips else []
        clips += [_composite(Path(made), *given) for given in options.composite or []]
        results = []
        for clip in clips or [SAMPLE]:
            results.append(bench_clip(clip, plan))
            if not options.json:
                print(as_text(results[-1]), flush=True)
    if options.json:
        print(json.dumps({"rotation_gauge": ROTATION_GAUGE, "motion_rule": RULE, "clips": results}, indent=1))
    elif options.markdown:
        print("\n" + as_markdown(results))
    return 0 if all(result["runs"][0]["state"] for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench solve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, action="append", help="folder with a clip and its truth; may be repeated")
    parser.add_argument("--clips", type=Path, metavar="ROOT", help="all clips with a truth in this folder")
    parser.add_argument(
        "--composite", nargs=3, action="append", metavar=("PEOPLE", "OVER", "SEED"), help="may be repeated"
    )
    parser.add_argument("--quality", default="medium", help="Backlot's preset")
    parser.add_argument("--flags", default="", help="further flags of `backend run`, in one argument")
    parser.add_argument(
        "--peers", type=_peer_names, default=PEERS, help=f"comma-separated: {', '.join(PEERS)}; empty for none"
    )
    parser.add_argument("--peer-cache", type=Path, metavar="FOLDER", help="use and keep peers' runs here")
    parser.add_argument("--libmv-timeout", type=float, default=300.0, metavar="SECONDS")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print one table of all clips at the end")
    return parser


def _peer_names(text: str) -> tuple[str, ...]:
    names = tuple(name for name in text.split(",") if name)
    if unknown := set(names) - set(PEERS):
        raise argparse.ArgumentTypeError(f"no peer {', '.join(sorted(unknown))}")
    return names


def _with_truth(root: Path) -> list[Path]:
    return sorted(
        folder for name in ("gt", "truth") for folder in root.glob(f"*/{name}")
        if (folder / "camera.npz").is_file() or (folder / "poses.json").is_file()
    )  # fmt: skip


def _composite(folder: Path, people: str, over: str, seed: str) -> Path:
    out = folder / f"{Path(people).name}_{Path(over).name}_{seed}"
    compose(Path(people), Path(over), out, seed=int(seed), share=0.4)
    return out


def bench_clip(clip: Path, plan: Plan) -> dict[str, Any]:
    """Every solver's cost and errors on one clip."""
    truth = load_truth(clip)
    count, kind = len(truth.poses), motion_of(truth.poses)
    with tempfile.TemporaryDirectory(prefix="bench-solve-") as work:
        shot = Path(work) / "shot"
        footage = clip / "frames" if frame_paths(clip) else clip / "clip.mp4"
        ours = run_backlot(footage, shot, plan.flags)
        motion = _motion(truth, ours)
        frames = footage if footage.is_dir() else shot / "source" / "frames"
        runs = [ours, *_peer_runs(truth, frames, count, plan)]
    rows = [_row(run, truth, kind) for run in runs]
    rows[0] |= {"motion_mask": motion, "steps": {name: round(s, 2) for name, s in ours.steps.items()}}
    return {"clip": clip.name, "frames": count, "motion": kind, "runs": rows}


def _peer_runs(truth: TruthClip, frames: Path, count: int, plan: Plan) -> list[Run]:
    name, runs = truth.folder.name, []
    if "colmap" in plan.peers:
        runs.append(run_colmap(frames, count, plan.cache, name))
    if "masks" in plan.peers and truth.instances:
        runs.append(run_colmap(frames, count, plan.cache, name, truth.moving))
    if "pycolmap" in plan.peers:
        runs.append(run_pycolmap(frames, count, plan.cache, name))
    if "libmv" in plan.peers:
        runs.append(run_libmv(frames, count, plan.cache, name, timeout_s=plan.timeout_s))
    return runs


def _motion(truth: TruthClip, run: Run) -> dict[str, float] | None:
    if run.shot is None or not (run.shot / "motion").is_dir():
        return None
    first = read_camera(run.shot).extrinsics.frames[0].frame
    score = score_motion(truth, run.shot / "motion", first)
    return None if score is None else {key: round(value, 4) for key, value in asdict(score).items()}


def _row(run: Run, truth: TruthClip, kind: str) -> dict[str, Any]:
    """state: all frames solved and, where the solver names it, the motion that the truth has."""
    score = CameraScore(0, len(truth.poses), *[float("nan")] * 4)
    if run.lens is not None and len(run.poses) >= 3:
        score = score_camera(run.poses, run.lens, truth.poses, truth.lens, truth.depth, truth.moving)
    said = sorted(set(run.motion))
    row = {
        "solver": run.solver, "seconds": run.seconds, "cpu_seconds": run.cpu_seconds, "failure": run.failure,
        "recorded": run.recorded, "motion": ",".join(said),
        "state": score.solved == score.frames and said in ([], [kind]), **asdict(score),
    }  # fmt: skip
    return {key: None if value != value else value for key, value in row.items()}


if __name__ == "__main__":
    sys.exit(main())
