"""What the depth stage's later steps make of raw maps, with true cameras: how calm the depth is, and where movers are.

    python -m tests.benchmarks.depth_temporal --clip FOLDER [--clip FOLDER]... [--frames 5-20] [--maps FOLDER]
        [--iterations 4] [--full] [--json]

FOLDER holds frames/ and gt/ (rendered clips with exact depth). The engine `mvs` makes the raw maps; --maps keeps them
(FOLDER/CLIP/0001.npz with depth and confidence), and takes those that are there instead of making them. Printed are

- temporal error and AbsRel, percent, on static pixels that the raw maps measured in both frames: of the raw maps and
  after the consistency step. Temporal error: change of depth over truth between a surface point in a frame and the same
  in the next, mean and median. What is left of it at 0.03 is the truth's own rounding (16 bits);
- for every moving instance, the relative error of its median depth (mean and largest over the frames), and its change
  from frame to frame.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from backend.depth.consistency.settings import ConsistencySettings
from backend.depth.consistency.stream import consistent
from backend.depth.frame import MEASURED, FrameDepth
from backend.depth.movers import WatchedFrame, watched, with_movers
from backend.depth.poses import Pose
from backend.mvs.views import View
from tests.benchmarks.depth_maps import static_truth, true_maps
from tests.benchmarks.depth_scores import changes
from tests.benchmarks.scoring import Array
from tests.benchmarks.truth import Mask, TruthClip, frame_paths, load_truth, picture_size

_GROWN = 2
"""By how many px what moves is grown: the truth masks are cut at pixel centres."""

_LEAST_PIXELS = 200
_MOST = 2.0
"""Depth counts as at most so many times too far or too near: a few pixels of sky would be all of a mean."""


@dataclass(frozen=True)
class Calm:
    """Percent, means over the frames: of the pixels that the raw maps measured."""

    abs_rel: float
    temporal: float
    temporal_median: float


@dataclass(frozen=True)
class MoverScore:
    """Percent. error, worst: of the median depth, over the frames. change: of its ratio to the truth's from frame to
    frame."""

    error: float
    worst: float
    change: float


@dataclass(frozen=True)
class Result:
    """seconds: processor time of the consistency step per frame."""

    raw: Calm
    made: Calm
    movers: dict[str, MoverScore]
    seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    settings = ConsistencySettings(iterations=options.iterations, half_resolution=not options.full)
    results: dict[str, Result] = {}
    for folder in options.clip:
        clip = load_truth(folder.resolve())
        first, _, last = (options.frames or f"1-{len(clip.poses)}").partition("-")
        wanted = range(int(first) - 1, int(last or first))
        raw = dict(_raw_maps(clip, wanted, options.maps))
        results[folder.name] = bench_clip(clip, raw, settings)
        if not options.json:
            print(table(folder.name, results[folder.name]), flush=True)
    if options.json:
        print(json.dumps({name: asdict(one) for name, one in results.items()}, indent=1))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench depth_temporal", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clip", type=Path, action="append", required=True, help="folder with frames/, gt/; repeatable"
    )
    parser.add_argument("--frames", default="", help="first-last of the frames to work on, from 1; all by default")
    parser.add_argument("--maps", type=Path, metavar="FOLDER", help="keep the raw maps here, and take what is here")
    parser.add_argument("--iterations", type=int, default=ConsistencySettings().iterations)
    parser.add_argument("--full", action="store_true", help="consistency at full resolution, not half")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _raw_maps(clip: TruthClip, wanted: range, kept: Path | None) -> Iterator[tuple[int, FrameDepth]]:
    """Index and map of every frame, the numbers in it from 1."""
    paths = {} if kept is None else {i: kept / clip.folder.name / f"{i + 1:04d}.npz" for i in wanted}
    there = {i for i, path in paths.items() if path.is_file()}
    for index in sorted(there):
        with np.load(paths[index]) as file:
            yield index, FrameDepth(index + 1, file["depth"], file["confidence"])
    missing = [i for i in wanted if i not in there]
    for found in true_maps(clip, missing) if missing else ():
        depth, confidence = found.depth.astype(np.float32), found.confidence.astype(np.float32)
        if kept is not None:
            paths[found.index].parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(paths[found.index], depth=depth, confidence=confidence)
        yield found.index, FrameDepth(found.index + 1, depth, confidence)


def bench_clip(clip: TruthClip, raw: dict[int, FrameDepth], settings: ConsistencySettings) -> Result:
    """raw: by index."""
    width, height = picture_size(frame_paths(clip.folder)[0])
    poses = [
        Pose(i + 1, clip.lens.K[i], clip.poses[i], (height, width)) if i in raw else None
        for i in range(len(clip.poses))
    ]
    started = time.process_time()
    stream = consistent(
        poses, raw.__getitem__, lambda i: _view(clip, i), lambda i: _grown(clip.moving(i)), settings
    )  # fmt: skip
    made = {one.number - 1: one for one in stream}
    seconds = (time.process_time() - started) / max(len(made), 1)
    movers = _movers(clip, made, [pose for pose in poses if pose is not None]) if clip.instances else {}
    return Result(_calm(clip, raw, raw), _calm(clip, made, raw), movers, seconds)


def _calm(clip: TruthClip, frames: dict[int, FrameDepth], raw: dict[int, FrameDepth]) -> Calm:
    errors: list[float] = []
    means: list[float] = []
    medians: list[float] = []
    before: tuple[int, Array, Array] | None = None
    for index in sorted(frames):
        truth, counted = static_truth(clip, index)
        use = counted & (raw[index].confidence >= MEASURED) & (frames[index].depth > 0)
        ratio = np.where(use, np.clip(frames[index].depth / truth, 1.0 / _MOST, _MOST), np.nan)
        errors.append(float(np.nanmean(np.abs(ratio - 1.0))))
        if before is not None and before[0] == index - 1:
            k = (index - 1, index)
            change = changes((before[1], ratio), (before[2], truth), clip.lens.K[[*k]], clip.poses[[*k]])
            means.append(float(change.mean()))
            medians.append(float(np.median(change)))
        before = (index, ratio, truth)
    return Calm(*(100.0 * float(np.mean(part)) for part in (errors, means, medians)))


def _movers(clip: TruthClip, made: dict[int, FrameDepth], poses: Sequence[Pose]) -> dict[str, MoverScore]:
    seen = [
        WatchedFrame(made[pose.number - 1], np.logical_or.reduce(masks), pose, masks)
        for pose, masks in ((pose, _instances(clip, pose.number - 1)) for pose in poses)
    ]
    movers = watched(seen)
    ratios: dict[str, list[float]] = {name: [] for name in clip.instances}
    for one in seen:
        found, truth = with_movers(one, movers).depth, clip.depth(one.frame.number - 1)
        for name, mask in zip(clip.instances, one.things, strict=True):
            if truth is not None and mask.sum() >= _LEAST_PIXELS:
                ratios[name].append(float(np.median(found[mask]) / np.median(truth[mask])))
    return {name: _mover_score(np.array(ratio)) for name, ratio in ratios.items() if ratio}


def _mover_score(ratio: Array) -> MoverScore:
    error = 100.0 * np.abs(ratio - 1.0)
    change = 100.0 * np.abs(np.diff(np.log(np.maximum(ratio, 1e-6)))) if len(ratio) > 1 else np.zeros(1)
    return MoverScore(float(error.mean()), float(error.max()), float(change.mean()))


def _instances(clip: TruthClip, index: int) -> list[Mask]:
    """What moves, an instance each, in the order of their names."""
    paths = [clip.truth_folder / "masks" / name / f"{index + 1:04d}.png" for name in clip.instances]
    return [np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 127) for path in paths]


def _view(clip: TruthClip, index: int) -> View:
    path = frame_paths(clip.folder)[index]
    gray = torch.from_numpy(np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.float32) / 255.0)
    return View(index + 1, gray, torch.ones_like(gray), clip.lens.K[index], clip.poses[index])


def _grown(moving: Mask | None) -> Mask | None:
    if moving is None:
        return None
    side = 2 * _GROWN + 1
    return np.asarray(cv2.dilate(moving.astype(np.uint8), np.ones((side, side), np.uint8)) > 0)


def table(name: str, one: Result) -> str:
    lines = [f"{name}: {one.seconds:.2f} CPU s a frame; temporal error % mean (median), AbsRel %, same pixels"]
    for label, calm in (("raw", one.raw), ("consistent", one.made)):
        lines.append(f"  {label:<11} {calm.temporal:.3f} ({calm.temporal_median:.3f})  {calm.abs_rel:.3f}")
    lines += [
        f"  {label}: depth off by {mover.error:.1f} % (at most {mover.worst:.1f}), changing by {mover.change:.2f} %"
        for label, mover in one.movers.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
