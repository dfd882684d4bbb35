"""`build.py bench depth_alignment`: how well depth networks' maps are aligned to solved points.

A "network" returns the true depth of a synthetic room with a scale and a shift of its own in every frame, noise, and
points of which some are wrong. Printed for each case: error of a frame's depth as a whole, in per cent (median and
worst over the frames), of single frames' fits and after smoothing over time, and time a frame without the network.

With --shot and --clip it does so on a shot that Backlot solved and the true depth of its clip, where the points are the
solve's own; the shot's one scale is taken out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.depth.poses import poses_of
from backend.depth.working import WorkingPixels
from backend.depth_learned.alignment import align
from backend.depth_learned.clip import frames, prepare
from backend.depth_learned.fits import applied
from backend.depth_learned.maps import METRIC, RELATIVE
from backend.depth_learned.measure import measure
from backend.depth_learned.predictions import PredictionStore
from backend.depth_learned.settings import LearnedSettings, Pictures, no_notice, no_step
from backend.depth_learned.sparse import read_sparse
from shared.camera_files import read_camera
from shared.shot import ShotFolder
from tests.benchmarks.truth import frame_paths, load_truth
from tests.quality.depth_room import Room, WrongTruth, pose

_FRAMES = 48
CASES = (
    ("another scale in every frame", 0.4, 0.015, 150, 0.1, 1),
    ("the same, noisier maps", 0.4, 0.05, 150, 0.1, 1),
    ("the same, 40 % of the points wrong", 0.4, 0.015, 150, 0.4, 1),
    ("steady, 25 points a frame", 0.0, 0.05, 25, 0.1, 1),
    ("steady, every 8th frame", 0.0, 0.015, 150, 0.1, 8),
)
"""Name, spread of the log scale, noise over regions, points a frame, share of wrong points, frames between fits."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench depth_alignment", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=_FRAMES)
    parser.add_argument("--shot", type=Path, help="a solved shot, of --clip")
    parser.add_argument("--clip", type=Path, help="folder with gt/: true depth")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.shot or options.clip:
        if not (options.shot and options.clip):
            parser.error("--shot and --clip go together")
        for kind in (METRIC, RELATIVE):
            print(on_shot(options.shot.resolve(), options.clip.resolve(), kind, options.frames, options.seed))
        return 0
    poses = [pose(1 + i, -0.6 + 1.2 * i / options.frames, 0.5 * i / options.frames) for i in range(options.frames)]
    rows = [_case(case, kind, poses, options.seed) for case in CASES for kind in (METRIC, RELATIVE)]
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        print(
            f"{row['case']:<36} {row['kind']:<9} smoothed {row['median_percent']:.2f} / {row['worst_percent']:.2f} %, "
            f"single frames {row['alone_median_percent']:.2f} / {row['alone_worst_percent']:.2f} %, "
            f"{row['ms_a_frame']:.0f} ms a frame"
        )
    return 0


def _case(case: tuple[Any, ...], kind: str, poses: list[Any], seed: int) -> dict[str, Any]:
    name, spread, regions, points, wrong, every = case
    room = Room(poses, points_per_frame=points, wrong=wrong, seed=seed)
    rng = np.random.default_rng(seed + 1)
    jump = np.exp(rng.uniform(-spread, spread, len(poses)))
    shift = np.full(len(poses), 0.02) if not spread else rng.uniform(-0.04, 0.04, len(poses))
    model = WrongTruth(room, kind, jump, shift, regions=regions)
    numbers = room.pictures.numbers
    with tempfile.TemporaryDirectory() as folder:
        store, settings = PredictionStore(Path(folder)), LearnedSettings(every)
        measure(poses, room.points(), room.pictures, model, settings, store, no_step, no_notice)
        started = time.perf_counter()  # the maps are there now
        facts = measure(poses, room.points(), room.pictures, model, settings, store, no_step, no_notice)
        found = align(kind, model.name, numbers, facts)
        seconds = time.perf_counter() - started
    alone = [_off(model, index, one.fit.value) for index, one in enumerate(facts) if one.fit is not None]
    smoothed = [_off(model, index, value) for index, value in enumerate(found.smoothed.value)]
    return {
        "case": name, "kind": kind, "frames": len(poses),
        "median_percent": 100.0 * float(np.median(smoothed)), "worst_percent": 100.0 * max(smoothed),
        "alone_median_percent": 100.0 * float(np.median(alone)), "alone_worst_percent": 100.0 * max(alone),
        "ms_a_frame": 1000.0 * seconds / len(poses),
    }  # fmt: skip


def _off(model: WrongTruth, index: int, value: NDArray[np.float64]) -> float:
    """How far the depth of a frame is off as a whole, had the map no noise."""
    inverse = applied(model.kind, value, model.clean(index))
    return float(abs(np.median(np.log(np.maximum(inverse, 1e-9) * model.room.depths[index]))))


@dataclass
class TrueClip:
    """The depth of a clip's frames, 0 where there is none, as `WrongTruth` takes it."""

    depths: list[NDArray[np.float64]]


def on_shot(shot: Path, clip: Path, kind: str, most: int, seed: int) -> str:
    """A line for a shot's first frames."""
    camera = read_camera(shot)
    numbers = [frame.frame for frame in camera.intrinsics.frames][:most]
    working = WorkingPixels(camera.intrinsics)
    true = [load_truth(clip).depth(number - 1) for number in numbers]
    scene = TrueClip([np.where(np.isfinite(one), one, 1e4) for one in true if one is not None])
    paths = frame_paths(clip)

    def picture(index: int) -> NDArray[np.uint8]:
        shown = cv2.cvtColor(np.asarray(cv2.imread(str(paths[numbers[index] - 1]))), cv2.COLOR_BGR2RGB)
        shown[0, 0] = (index // 256, index % 256, 7)  # by which the "network" knows the frame
        return np.asarray(shown, np.uint8)

    rng = np.random.default_rng(seed)
    jump = np.exp(rng.uniform(-0.4, 0.4, len(numbers)))
    model = WrongTruth(scene, kind, jump, rng.uniform(-0.04, 0.04, len(numbers)), white=0.0, regions=0.03)
    pictures, poses = Pictures(numbers, working.size, picture), poses_of(camera, numbers, working)
    with tempfile.TemporaryDirectory() as folder:
        store, points = PredictionStore(Path(folder)), read_sparse(ShotFolder(shot), camera)
        found = prepare(poses, points, pictures, model, LearnedSettings(edges=False), store)
        logs = []
        for index, one in enumerate(frames(found)):
            there = one.known & (scene.depths[index] < 1e4)
            logs.append(float(np.median(np.log(one.depth[there] / scene.depths[index][there]))))
    off = 100.0 * np.abs(np.array(logs) - np.median(logs))
    return f"{clip.name}: {kind:<9} {np.median(off):.2f} / {off.max():.2f} % over {len(off)} frames"


if __name__ == "__main__":
    sys.exit(main())
