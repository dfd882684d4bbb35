"""Depth maps of a clip with truth, in its plate's pixels: with true cameras, or all of Backlot's own work."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from backend.depth.outputs import confidence_of, read_depth
from backend.depth.poses import Pose
from backend.mvs.settings import MvsSettings
from backend.mvs.stream import clip_depth
from backend.mvs.views import View
from tests.benchmarks.backlot_run import run_command
from tests.benchmarks.scoring import Array
from tests.benchmarks.truth import Mask, TruthClip, frame_paths, picture_size

POINTS, EVERY = 200, 4
_GROWN = 2
"""By how many px what moves is grown: the truth masks are cut at pixel centres."""


@dataclass(frozen=True)
class BenchMap:
    """index: into the clip. depth, confidence [H, W] as the files have them. sources: indices. seconds: of the frame,
    nan where only the clip's are known."""

    index: int
    depth: Array
    confidence: Array
    sources: tuple[int, ...]
    seconds: float


def true_maps(clip: TruthClip, wanted: Sequence[int]) -> Iterator[BenchMap]:
    """The engine with true cameras and masks. In place of a solve's points it gets 200 points of truth in every fourth
    frame (they only choose sources and the nearest depth)."""
    if clip.is_distorted:
        raise SystemExit(f"{clip.folder.name} has a distorted lens: score it with --cameras own")
    paths = frame_paths(clip.folder)
    width, height = picture_size(paths[0])
    poses = [Pose(i, clip.lens.K[i], clip.poses[i], (height, width)) for i in range(len(paths))]
    points = np.concatenate([_points(clip, i) for i in range(0, len(poses), EVERY)])
    started = time.perf_counter()
    for found in clip_depth(poses, points, lambda i: _view(clip, paths, i), MvsSettings(), sorted(wanted)):
        yield BenchMap(
            found.number,
            found.depth.astype(np.float64),
            found.confidence,
            found.sources,
            time.perf_counter() - started,
        )
        started = time.perf_counter()


def own_maps(clip: TruthClip, wanted: Sequence[int], shot: Path, flags: Sequence[str]) -> Iterator[BenchMap]:
    """`python -m backend run` from the footage to the depth files. flags: further ones. A shot that is there already is
    gone on with."""
    footage = clip.folder / "frames"
    command = ["run", str(footage if footage.is_dir() else clip.folder / "clip.mp4"), "-s", "ingest,solve,depth"]
    span = ["--depth-start", str(min(wanted) + 1), "--depth-end", str(max(wanted) + 1)]
    started = time.perf_counter()
    run_command([*command, "--shot", str(shot), "--depth-engine", "mvs", *span, *flags])
    print(f"{clip.folder.name}: {time.perf_counter() - started:.0f} s from footage to depth", file=sys.stderr)
    yield from (found for found in (_read(shot, index) for index in sorted(wanted)) if found is not None)


def _read(shot: Path, index: int) -> BenchMap | None:
    """None for a frame without depth."""
    name = f"frame_{index + 1:04d}"
    depth = shot / "depth" / f"{name}.exr"
    if not depth.is_file():
        return None
    levels = cv2.imread(str(shot / "depth" / "confidence" / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    return BenchMap(index, read_depth(depth).astype(np.float64), confidence_of(np.asarray(levels)), (), float("nan"))


def static_truth(clip: TruthClip, index: int) -> tuple[Array, Mask]:
    """Truth depth [H, W], and which pixels count: static and finite."""
    truth = clip.depth(index)
    if truth is None:
        raise FileNotFoundError(f"{clip.truth_folder} has no depth of frame {index + 1}")
    counted = np.isfinite(truth) & (truth > 0)
    moving = clip.moving(index)
    return np.where(counted, truth, 1.0), counted if moving is None else counted & ~moving


def _view(clip: TruthClip, paths: Sequence[Path], index: int) -> View:
    gray = np.asarray(cv2.imread(str(paths[index]), cv2.IMREAD_GRAYSCALE), np.float32) / 255.0
    moving = clip.moving(index)
    usable = np.ones(gray.shape, np.float32)
    if moving is not None:
        side = 2 * _GROWN + 1
        usable[cv2.dilate(moving.astype(np.uint8), np.ones((side, side), np.uint8)) > 0] = 0.0
    return View(index, torch.from_numpy(gray), torch.from_numpy(usable), clip.lens.K[index], clip.poses[index])


def _points(clip: TruthClip, index: int) -> Array:
    """World points [N, 3] under random pixels."""
    truth, counted = static_truth(clip, index)
    rows, columns = np.nonzero(counted)
    picked = np.random.default_rng(index).permutation(len(rows))[:POINTS]
    y, x = rows[picked], columns[picked]
    rays = np.stack([x + 0.5, y + 0.5, np.ones(len(x))], 1) @ np.linalg.inv(clip.lens.K[index]).T
    world: Array = (rays * truth[y, x][:, None]) @ clip.poses[index, :3, :3].T + clip.poses[index, :3, 3]
    return world
