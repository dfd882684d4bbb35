"""Depth maps against true depth, beside OpenCV's SGBM.

    python -m tests.benchmarks.depth --clip FOLDER [--clip FOLDER]... [--cameras true|own] [--frames 6,12,13]
        [--shots FOLDER] [--flags "..."] [--sheet FOLDER] [--json]

FOLDER holds frames/ and gt/ (truth.py). `true` gives the engine `mvs` the true cameras and masks of what moves; `own`
runs Backlot from the footage to the files of the depth stage (consistency and all; `--flags "--depth-iterations 0"` for
the engine's own maps), and keeps the shots in `--shots`. Counted are static pixels with a finite truth depth. Maps get
one scale for the whole clip, the median over measured pixels, where the cameras' scale is not the truth's: with `own`,
and where the truth's depth is a sensor's.

Printed for every frame, AbsRel % / share within 3 % (coverage %): measured pixels, the most confident 80 %, and all
with the filled ones; flicker of measured pixels where the next frame was asked for too; SGBM, with true cameras in both
cases, on the rectified pair of neighbours that gives it the most pixels within 3 %; ours on as many of our most
confident pixels.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from tests.benchmarks.depth_maps import BenchMap, own_maps, static_truth, true_maps
from tests.benchmarks.depth_scores import DepthScore, flicker, most_confident, score_depth
from tests.benchmarks.scoring import Array
from tests.benchmarks.sgbm_peer import best_pair
from tests.benchmarks.truth import Mask, TruthClip, frame_paths, load_truth

SHARE = 0.8


@dataclass(frozen=True)
class FrameScore:
    """flicker: percent, nan without the next frame. peer: SGBM's; ours_as_many: ours at its coverage. seconds: since
    the frame before, with the neighbours' maps that were not there yet."""

    frame: int
    sources: tuple[int, ...]
    measured: DepthScore
    best: DepthScore
    filled: DepthScore
    flicker: float
    peer: DepthScore
    ours_as_many: DepthScore
    seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    results = {}
    with tempfile.TemporaryDirectory(prefix="bench-depth-") as made:
        shots = options.shots or Path(made)
        for folder in options.clip:
            clip = load_truth(folder.resolve())
            numbers = [int(number) - 1 for number in options.frames.split(",") if number]
            wanted = numbers or list(range(len(clip.poses)))
            if options.cameras == "own":
                found = list(own_maps(clip, wanted, shots / clip.folder.name, options.flags.split()))
            else:
                found = list(true_maps(clip, wanted))
            results[folder.name] = bench_clip(clip, found, options.cameras == "own", options.sheet)
            if not options.json:
                print(table(folder.name, results[folder.name]), flush=True)
    if options.json:
        print(json.dumps({name: [asdict(one) for one in scores] for name, scores in results.items()}, indent=1))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench depth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clip", type=Path, action="append", required=True, help="folder with frames/, gt/; repeatable"
    )
    parser.add_argument("--cameras", choices=("true", "own"), default="true")
    parser.add_argument("--frames", default="", help="numbers of the frames to score, from 1; all by default")
    parser.add_argument("--shots", type=Path, help="where --cameras own keeps its shots, to go on with them")
    parser.add_argument("--flags", default="", help="further flags of `backend run`, for --cameras own")
    parser.add_argument(
        "--sheet", type=Path, metavar="FOLDER", help="write CLIP_FRAME.png: truth, ours, measured, error"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def bench_clip(clip: TruthClip, maps: Sequence[BenchMap], own: bool, sheet: Path | None) -> list[FrameScore]:
    """Scores of a clip's maps, after one scale for all of them where the scale is free."""
    truths = {one.index: static_truth(clip, one.index) for one in maps}
    if own or (clip.truth_folder / "poses.json").is_file():
        scale = _one_scale(maps, truths)
        maps = [replace(one, depth=one.depth * scale) for one in maps]
    scores: list[FrameScore] = []
    before: tuple[BenchMap, Array] | None = None
    for one in maps:
        truth, counted = truths[one.index]
        ratio = np.where(counted & (one.confidence >= 0.5), one.depth / truth, np.nan)
        moved = float("nan")
        if before is not None and before[0].index == one.index - 1:
            i, j = before[0].index, one.index
            K, poses = (clip.lens.K[i], clip.lens.K[j]), (clip.poses[i], clip.poses[j])
            moved = flicker((before[1], ratio), (truths[i][0], truth), K, poses)
        scores.append(_scored(clip, one, truth, counted, moved))
        if sheet is not None:
            _draw(sheet / f"{clip.folder.name}_{one.index + 1:04d}.png", one, truth, counted)
        before = (one, ratio)
    return scores


def _one_scale(maps: Sequence[BenchMap], truths: dict[int, tuple[Array, Mask]]) -> float:
    ratios = []
    for one in maps:
        truth, counted = truths[one.index]
        use = counted & (one.confidence >= 0.5) & (one.depth > 0)
        ratios.append((truth[use] / one.depth[use])[::7])
    return float(np.median(np.concatenate(ratios)))


def _scored(clip: TruthClip, one: BenchMap, truth: Array, counted: Mask, moved: float) -> FrameScore:
    paths = frame_paths(clip.folder)
    peer = best_pair(clip, paths, one.index, one.sources, (truth, counted))
    peer_score = score_depth(peer, truth, counted, peer > 0)
    confidence = one.confidence
    return FrameScore(
        one.index + 1,
        tuple(number + 1 for number in one.sources),
        score_depth(one.depth, truth, counted, confidence >= 0.5),
        score_depth(one.depth, truth, counted, most_confident(confidence, counted, SHARE)),
        score_depth(one.depth, truth, counted, counted),
        moved,
        peer_score,
        score_depth(one.depth, truth, counted, most_confident(confidence, counted, peer_score.coverage / 100.0)),
        one.seconds,
    )


def _draw(path: Path, found: BenchMap, truth: Array, counted: Mask) -> None:
    """Truth, ours with filled holes, ours measured (inverse depth in colours), and the relative error up to 5 %."""
    path.parent.mkdir(parents=True, exist_ok=True)
    measured = found.confidence >= 0.5
    depth = np.where(found.depth > 0, found.depth, np.inf)
    inverse = [np.where(counted, 1.0 / truth, 0.0), 1.0 / depth]
    inverse.append(np.where(measured, inverse[1], 0.0))
    low, high = np.percentile(inverse[0][counted], [0.5, 99.5])
    rows = [
        cv2.applyColorMap((np.clip((one - low) / (high - low), 0, 1) * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
        for one in inverse
    ]
    error = np.where(counted & measured, np.abs(np.minimum(depth, 1e9) / truth - 1.0) / 0.05, 0.0)
    rows.append(cv2.cvtColor((np.clip(error, 0, 1) * 255).astype(np.uint8), cv2.COLOR_GRAY2BGR))
    cv2.imwrite(str(path), np.vstack([np.hstack(rows[:2]), np.hstack(rows[2:])]))


def table(name: str, scores: Sequence[FrameScore]) -> str:
    """A line a frame: AbsRel % / delta % (coverage %)."""
    lines = [f"{name}: frame, measured, best {SHARE:.0%}, filled, flicker, SGBM, ours as many, seconds"]
    for one in scores:
        cells = [one.measured, one.best, one.filled]
        peers = [one.peer, one.ours_as_many]
        text = [f"{s.abs_rel:.2f}/{s.delta:.1f} ({s.coverage:.0f})" for s in cells]
        text.append(f"{one.flicker:.3f}")
        text += [f"{s.abs_rel:.2f}/{s.delta:.1f} ({s.coverage:.0f})" for s in peers]
        lines.append(f"  {one.frame}  " + "  ".join(text) + f"  {one.seconds:.1f} s")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
