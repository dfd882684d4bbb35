"""The engine `mvs` with true cameras against true depth.

    python -m tests.benchmarks.depth --clip FOLDER [--clip FOLDER]... [--frames 6,12,13] [--sheet FOLDER] [--json]

FOLDER holds frames/ and gt/ (rendered clips with exact depth). Counted are static pixels with a finite truth depth.
Of the truth the engine is given the cameras, the masks of what moves, and, in place of a solve's sparse points, 200
points in every fourth frame (they only choose sources and the nearest depth). Printed for every frame: measured pixels,
the most confident 80 %, and all with the filled ones; flicker where the next frame was asked for too; and OpenCV's SGBM
on the rectified pair with the source of middle parallax, with ours on as many of our most confident pixels.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from backend.depth.frame import FrameDepth
from backend.depth.poses import Pose
from backend.mvs.settings import MvsSettings
from backend.mvs.stream import clip_depth
from backend.mvs.views import View
from tests.benchmarks.depth_scores import DepthScore, flicker, most_confident, score_depth
from tests.benchmarks.scoring import Array
from tests.benchmarks.sgbm_peer import sgbm_depth
from tests.benchmarks.truth import Mask, TruthClip, frame_paths, load_truth, picture_size

SHARE = 0.8
POINTS, EVERY = 200, 4
_GROWN = 2
"""By how many px what moves is grown: the truth masks are cut at pixel centres."""


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
    parser = argparse.ArgumentParser(
        prog="bench depth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clip", type=Path, action="append", required=True, help="folder with frames/, gt/; repeatable"
    )
    parser.add_argument("--frames", default="", help="numbers of the frames to score, from 1; all by default")
    parser.add_argument(
        "--sheet", type=Path, metavar="FOLDER", help="write CLIP_FRAME.png: truth, ours, measured, error"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    results = {}
    for folder in options.clip:
        clip = load_truth(folder.resolve())
        wanted = [int(number) - 1 for number in options.frames.split(",") if number] or list(range(len(clip.poses)))
        results[folder.name] = bench_clip(clip, wanted, options.sheet)
        if not options.json:
            print(table(folder.name, results[folder.name]), flush=True)
    if options.json:
        print(json.dumps({name: [asdict(one) for one in scores] for name, scores in results.items()}, indent=1))
    return 0


def bench_clip(clip: TruthClip, wanted: Sequence[int], sheet: Path | None) -> list[FrameScore]:
    paths = frame_paths(clip.folder)
    width, height = picture_size(paths[0])
    poses = [Pose(i, clip.lens.K[i], clip.poses[i], (height, width)) for i in range(len(paths))]
    points = np.concatenate([_points(clip, i) for i in range(0, len(poses), EVERY)])
    scores: list[FrameScore] = []
    before: tuple[int, Array, Array] | None = None
    started = time.perf_counter()
    for found in clip_depth(poses, points, lambda i: _view(clip, paths, i), MvsSettings(), sorted(wanted)):
        seconds = time.perf_counter() - started
        truth, counted = _counted(clip, found.number)
        ratio = np.where(counted & (found.confidence >= 0.5), found.depth / truth, np.nan)
        moved = float("nan")
        if before is not None and before[0] == found.number - 1:
            i, j = before[0], found.number
            moved = flicker(
                (before[1], ratio), (before[2], truth), (clip.lens.K[i], clip.lens.K[j]), (clip.poses[i], clip.poses[j])
            )
        scores.append(_scored(clip, paths, found, truth, counted, moved, seconds))
        if sheet is not None:
            _draw(sheet / f"{clip.folder.name}_{found.number + 1:04d}.png", found, truth, counted)
        before = (found.number, ratio, truth)
        started = time.perf_counter()
    return scores


def _scored(
    clip: TruthClip, paths: Sequence[Path], found: FrameDepth, truth: Array, counted: Mask, moved: float, seconds: float
) -> FrameScore:
    depth, confidence = found.depth.astype(np.float64), found.confidence
    i, j = found.number, found.sources[_middle(clip, found)]
    peer = sgbm_depth(
        np.asarray(cv2.imread(str(paths[i]), cv2.IMREAD_GRAYSCALE)),
        np.asarray(cv2.imread(str(paths[j]), cv2.IMREAD_GRAYSCALE)),
        (clip.lens.K[i], clip.lens.K[j]),
        (clip.poses[i], clip.poses[j]),
        float(np.percentile(truth[counted], 0.5)) / 1.3,
    )
    peer_score = score_depth(peer, truth, counted, peer > 0)
    return FrameScore(
        found.number + 1,
        tuple(number + 1 for number in found.sources),
        score_depth(depth, truth, counted, confidence >= 0.5),
        score_depth(depth, truth, counted, most_confident(confidence, counted, SHARE)),
        score_depth(depth, truth, counted, counted),
        moved,
        peer_score,
        score_depth(depth, truth, counted, most_confident(confidence, counted, peer_score.coverage / 100.0)),
        seconds,
    )


def _middle(clip: TruthClip, found: FrameDepth) -> int:
    """Place among the sources of the one with the middle distance."""
    away = [float(np.linalg.norm(clip.poses[i, :3, 3] - clip.poses[found.number, :3, 3])) for i in found.sources]
    return int(np.argsort(away)[len(away) // 2])


def _view(clip: TruthClip, paths: Sequence[Path], index: int) -> View:
    gray = np.asarray(cv2.imread(str(paths[index]), cv2.IMREAD_GRAYSCALE), np.float32) / 255.0
    moving = clip.moving(index)
    usable = np.ones(gray.shape, np.float32)
    if moving is not None:
        side = 2 * _GROWN + 1
        usable[cv2.dilate(moving.astype(np.uint8), np.ones((side, side), np.uint8)) > 0] = 0.0
    return View(index, torch.from_numpy(gray), torch.from_numpy(usable), clip.lens.K[index], clip.poses[index])


def _counted(clip: TruthClip, index: int) -> tuple[Array, Mask]:
    """Truth depth [H, W], and which pixels count: static and finite."""
    truth = clip.depth(index)
    if truth is None:
        raise FileNotFoundError(f"{clip.truth_folder} has no depth of frame {index + 1}")
    counted = np.isfinite(truth) & (truth > 0)
    moving = clip.moving(index)
    return np.where(counted, truth, 1.0), counted if moving is None else counted & ~moving


def _points(clip: TruthClip, index: int) -> Array:
    """World points [N, 3] under random pixels."""
    truth, counted = _counted(clip, index)
    rows, columns = np.nonzero(counted)
    picked = np.random.default_rng(index).permutation(len(rows))[:POINTS]
    y, x = rows[picked], columns[picked]
    rays = np.stack([x + 0.5, y + 0.5, np.ones(len(x))], 1) @ np.linalg.inv(clip.lens.K[index]).T
    world: Array = (rays * truth[y, x][:, None]) @ clip.poses[index, :3, :3].T + clip.poses[index, :3, 3]
    return world


def _draw(path: Path, found: FrameDepth, truth: Array, counted: Mask) -> None:
    """Truth, ours with filled holes, ours measured (inverse depth in colours), and the relative error up to 5 %."""
    path.parent.mkdir(parents=True, exist_ok=True)
    measured = found.confidence >= 0.5
    inverse = [np.where(counted, 1.0 / truth, 0.0), 1.0 / found.depth]
    inverse.append(np.where(measured, inverse[1], 0.0))
    low, high = np.percentile(inverse[0][counted], [0.5, 99.5])
    rows = [
        cv2.applyColorMap((np.clip((one - low) / (high - low), 0, 1) * 255).astype(np.uint8), 20) for one in inverse
    ]
    error = np.where(counted & measured, np.abs(found.depth / truth - 1.0) / 0.05, 0.0)
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
