"""The roto stage from one box: J and F against true masks, beside GrabCut carried by DIS flow.

    python -m tests.benchmarks.roto --clip FOLDER [--clip FOLDER]... [--engine flow] [--click] [--frames N]
        [--size WxH] [--sheets FOLDER] [--shots FOLDER] [--json]

FOLDER holds frames/ and gt/masks/ (a folder for each object, or the masks of one object). Every object is prompted with
the box of its true mask in the first frame that shows it, and nothing else. --click then adds one click, in the middle
of the largest error of the object and frame with the lowest J, and runs again. J and F are means over all frames and
objects (mask_scores.py).

Frames a second are those of the engine for all objects of the clip together, with the masks of the prompted frames and
without reading pictures and writing masks, of the clip as it is; --size 854x480 scales it and its truth first. By cpu:
the same by processor seconds, which say what one core would do, and which a busy machine stretches less. Beside them,
what the engine takes for one frame of one object, and what it takes for one prompted frame.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.roto.outputs import read_mask
from backend.roto.timing import PEOPLE, PROMPTED_FRAMES
from shared.artifacts import frame_name
from tests.benchmarks.backlot_run import run_command
from tests.benchmarks.grabcut_peer import Box, Picture, box_of, grabcut_dis
from tests.benchmarks.mask_scores import Mask, boundary_accuracy, corrective_click, region_similarity
from tests.benchmarks.roto_sheet import write_sheet
from tests.benchmarks.truth import frame_paths

Masks = Mapping[str, Mapping[int, Mask]]
"""Object -> frame index -> mask."""


@dataclass(frozen=True)
class Score:
    """Means, 0..1."""

    j: float
    f: float
    worst_j: float


@dataclass(frozen=True)
class Result:
    """size: width and height, px. clicked: after one corrective click. remade: frames of the clip that it made anew.
    fps, cpu_fps: of the engine, all objects and prompted frames. object_ms: for a frame of one object, without prompted
    frames; prompted_s: for a prompted frame."""

    clip: str
    engine: str
    frames: int
    size: tuple[int, int]
    objects: list[str]
    ours: Score
    by_object: dict[str, Score]
    peer: Score | None
    fps: float
    cpu_fps: float
    object_ms: float
    prompted_s: float
    seconds: dict[str, float]
    peer_seconds: float
    clicked: Score | None = None
    click: str = ""
    remade: int = 0


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    results = []
    for folder in options.clip:
        results.append(bench_clip(folder.resolve(), options))
        if not options.json:
            print(line_of(results[-1]), flush=True)
    print(json.dumps([asdict(one) for one in results], indent=1) if options.json else table(results))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench roto", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clip", type=Path, action="append", required=True, help="folder with frames/, gt/masks/; repeatable"
    )
    parser.add_argument("--engine", default="flow", help="Backlot's engine (default: flow)")
    parser.add_argument("--click", action="store_true", help="also with one corrective click")
    parser.add_argument("--no-peer", action="store_true", help="leave the peer out")
    parser.add_argument("--frames", type=int, help="only so many frames from the first on")
    parser.add_argument("--size", metavar="WxH", help="scale clip and truth to so many px first")
    parser.add_argument("--sheets", type=Path, metavar="FOLDER", help="write pictures of the masks here")
    parser.add_argument("--shots", type=Path, metavar="FOLDER", help="keep the shots here, and what they have already")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def bench_clip(clip: Path, options: argparse.Namespace) -> Result:
    with tempfile.TemporaryDirectory(prefix="bench-roto-") as work:
        shot = (options.shots or Path(work)) / clip.name
        clip = scaled_clip(clip, Path(work) / "scaled", options.size, options.frames) if options.size else clip
        pictures = frame_paths(clip)[: options.frames]
        true = true_masks(clip, len(pictures))
        boxes = first_boxes(true)
        facts = _run(clip, shot, options, ["--new-prompts", *_box_flags(boxes)])
        found = found_masks(shot, true)
        by_object = {name: score(found[name], true[name]) for name in true}
        peer, peer_seconds = (None, 0.0) if options.no_peer else _peer(pictures, true, boxes)
        clicked, click, remade = _clicked(clip, shot, options, found, true, boxes) if options.click else (None, "", 0)
        if options.sheets:
            options.sheets.mkdir(parents=True, exist_ok=True)
            write_sheet(options.sheets / f"{clip.name}.png", pictures, found, true)
        seconds, cpu = facts["seconds"], len(pictures) / max(float(facts["engine_cpu_seconds"]), 1e-6)
        prompted = seconds.get(PROMPTED_FRAMES, 0.0) + seconds.get(PEOPLE, 0.0)
        height, width = cv2.imread(str(pictures[0])).shape[:2]
        return Result(
            shot.name, options.engine, len(pictures), (width, height), list(true),
            mean_score(list(by_object.values())), by_object, peer, float(facts["engine_fps"]), round(cpu, 2),
            round(1000 * seconds["engine"] / (len(pictures) * len(true)), 1), round(prompted / len(true), 2),
            seconds, round(peer_seconds, 2), clicked, click, remade,
        )  # fmt: skip


def scaled_clip(clip: Path, folder: Path, size: str, count: int | None) -> Path:
    """The clip's first frames and true masks at `size` ("854x480"), in the layout of a clip."""
    width, height = map(int, size.split("x"))
    (folder / "frames").mkdir(parents=True)
    pictures = frame_paths(clip)[:count]
    for index, path in enumerate(pictures):
        picture = cv2.resize(cv2.imread(str(path)), (width, height), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / "frames" / frame_name(index + 1)), picture)
    for name, masks in true_masks(clip, len(pictures)).items():
        (folder / "gt" / "masks" / name).mkdir(parents=True)
        for index, mask in masks.items():
            share = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
            cv2.imwrite(str(folder / "gt" / "masks" / name / frame_name(index + 1)), (share > 0.5) * np.uint8(255))
    return folder


def true_masks(clip: Path, count: int) -> dict[str, dict[int, Mask]]:
    folder = clip / "gt" / "masks"
    objects = sorted(path for path in folder.iterdir() if path.is_dir()) or [folder]
    return {("object" if path == folder else path.name): dict(_masks_in(path, count)) for path in objects}


def _masks_in(folder: Path, count: int) -> list[tuple[int, Mask]]:
    found = []
    for index in range(count):
        (path,) = (folder / name for name in _names(index) if (folder / name).is_file())
        found.append((index, read_mask(path)))
    return found


def _names(index: int) -> tuple[str, ...]:
    return f"{index + 1:04d}.png", frame_name(index + 1)


def first_boxes(true: Masks) -> dict[str, tuple[int, Box]]:
    """Object -> first frame index that shows it, and its box there."""
    first = {name: next(index for index, mask in masks.items() if mask.any()) for name, masks in true.items()}
    return {name: (index, box_of(true[name][index])) for name, index in first.items()}


def _box_flags(boxes: Mapping[str, tuple[int, Box]]) -> list[str]:
    flags = []
    for name, (index, box) in boxes.items():
        flags += ["--label", name, f"--bbox={','.join(map(str, box))}", "--frame", str(index + 1)]
    return flags


def _run(clip: Path, shot: Path, options: argparse.Namespace, flags: Sequence[str]) -> dict[str, Any]:
    """The stage's facts."""
    footage = clip / "frames"
    whole = [] if options.frames is None else ["--frame-end", str(options.frames)]
    said = run_command(
        ["run", str(footage), "-s", "roto", "--shot", str(shot), "--roto-engine", options.engine, *whole, *flags]
    )
    events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    (result,) = (
        event["result"] for event in events if event["event"] == "stage" and event["result"]["stage"] == "roto"
    )
    facts: dict[str, Any] = result["facts"]
    return facts


def found_masks(shot: Path, true: Masks) -> dict[str, dict[int, Mask]]:
    folder = shot / "roto"
    return {
        name: {index: read_mask(folder / name / frame_name(index + 1)) for index in masks}
        for name, masks in true.items()
    }


def score(found: Mapping[int, Mask], true: Mapping[int, Mask]) -> Score:
    """Over the frames of the truth."""
    j = [region_similarity(found[index], mask) for index, mask in true.items()]
    f = [boundary_accuracy(found[index], mask) for index, mask in true.items()]
    return Score(round(float(np.mean(j)), 4), round(float(np.mean(f)), 4), round(float(min(j)), 4))


def mean_score(scores: Sequence[Score]) -> Score:
    means = [round(float(np.mean([getattr(one, name) for one in scores])), 4) for name in ("j", "f")]
    return Score(means[0], means[1], min(one.worst_j for one in scores))


def _peer(pictures: Sequence[Path], true: Masks, boxes: Mapping[str, tuple[int, Box]]) -> tuple[Score, float]:
    scores, seconds = [], 0.0
    for name, (first, box) in boxes.items():
        run = grabcut_dis(_reader(pictures), len(pictures), first, box)
        nothing = np.zeros_like(true[name][first])
        scores.append(score({index: run.masks.get(index, nothing) for index in true[name]}, true[name]))
        seconds += run.seconds
    return mean_score(scores), seconds


def _reader(pictures: Sequence[Path]) -> Callable[[int], Picture]:
    return lambda index: np.asarray(cv2.imread(str(pictures[index])), np.uint8)


def _clicked(
    clip: Path,
    shot: Path,
    options: argparse.Namespace,
    found: Masks,
    true: Masks,
    boxes: Mapping[str, tuple[int, Box]],
) -> tuple[Score | None, str, int]:
    """The score after one click, the click, and how many frames it made anew."""
    errors = {
        (name, index): region_similarity(found[name][index], mask)
        for name, masks in true.items()
        for index, mask in masks.items()
        if (found[name][index] ^ mask).any()
    }
    if not errors:
        return None, "", 0
    name, index = min(errors, key=errors.__getitem__)
    x, y, include = corrective_click(found[name][index], true[name][index])
    point = f"{x:g},{y:g},{'+' if include else '-'}"
    # What the command line says of a frame takes the place of what was said of it.
    box = _box_flags({name: boxes[name]}) if boxes[name][0] == index else ["--label", name, "--frame", str(index + 1)]
    facts = _run(clip, shot, options, [*box, f"--points={point}"])
    again = found_masks(shot, true)
    after = mean_score([score(again[name], true[name]) for name in true])
    return after, f"{name} at frame {index + 1}: {point}", int(facts["frames_made"])


def line_of(one: Result) -> str:
    objects = ", ".join(f"{name} J {each.j:.3f} F {each.f:.3f}" for name, each in one.by_object.items())
    return f"{one.clip}: {objects}; seconds {one.seconds}; peer {one.peer_seconds} s; click: {one.click or 'none'}"


def table(results: Sequence[Result]) -> str:
    head = (
        "clip", "frames", "J", "F", "worst J", "peer J", "peer F", "J after a click", "made anew", "size", "fps",
        "by cpu", "ms each", "s prompted",
    )  # fmt: skip
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for one in results:
        peer = (f"{one.peer.j:.3f}", f"{one.peer.f:.3f}") if one.peer else ("", "")
        clicked = (f"{one.clicked.j:.3f}", str(one.remade)) if one.clicked else ("", "")
        cells = (
            one.clip, str(one.frames), f"{one.ours.j:.3f}", f"{one.ours.f:.3f}", f"{one.ours.worst_j:.3f}", *peer,
            *clicked, f"{one.size[0]}x{one.size[1]}", f"{one.fps:.1f}", f"{one.cpu_fps:.1f}", f"{one.object_ms:.0f}",
            f"{one.prompted_s:.1f}",
        )  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
