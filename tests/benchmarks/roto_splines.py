"""Splines of masks: how near they are, and how few keys they need, beside a key on every frame.

    python -m tests.benchmarks.roto_splines [--clip FOLDER]... [--masks FOLDER]... [--frames N] [--error PX]
        [--bpy PYTHON] [--json]

--clip holds gt/masks/ (a folder for each object, or the masks of one object); --masks is a folder of masks, such as
roto/LABEL of a shot. Splines are fitted, drawn again at the pixels' centres, and compared with the masks. With --bpy, a
Python that has bpy, the add-on imports them into that Blender, its compositor's Mask node draws them, and that is
compared too. The peer keys every frame: as many keys as there are frames in the lives of all splines.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend.roto.outputs import read_mask
from backend.roto.splines import TOLERANCE, fit_splines, mask_of, write_splines
from shared.roto_splines import LabelSplines
from tests.benchmarks.roto_splines_blender import PICTURES, SPLINES

Mask = np.ndarray


@dataclass(frozen=True)
class Result:
    """iou: least and mean over the frames, ours; blender_iou: of what Blender draws. keys_every_frame: the peer's.
    cpu_seconds: of this process, for the fit."""

    name: str
    frames: int
    splines: int
    points: int
    keys: int
    keys_every_frame: int
    fit_error_px: float
    iou: tuple[float, float]
    blender: str
    blender_iou: tuple[float, float] | None
    cpu_seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    folders = [*options.masks, *(folder for clip in options.clip for folder in mask_folders(clip))]
    results = [bench(folder, options) for folder in folders]
    print(json.dumps([asdict(one) for one in results], indent=1) if options.json else table(results))
    return 0


def mask_folders(clip: Path) -> list[Path]:
    masks = clip / "gt" / "masks"
    inside = sorted(path for path in masks.iterdir() if path.is_dir())
    return inside or [masks]


def bench(folder: Path, options: argparse.Namespace) -> Result:
    paths = sorted(folder.glob("*.png"))[: options.frames]
    masks = {number: read_mask(path) for number, path in enumerate(paths, start=1)}
    name = "/".join(part for part in folder.parts[-4:] if part not in ("gt", "masks", "/"))
    began = time.process_time()
    splines = fit_splines(lambda number: masks[number], list(masks), name, lambda done, total: None, options.error)
    seconds = time.process_time() - began
    version, drawn = in_blender(splines, list(masks), options.bpy) if options.bpy else ("", None)
    return Result(
        name,
        len(masks),
        len(splines.splines),
        sum(spline.points for spline in splines.splines),
        splines.keys,
        sum(spline.last - spline.first + 1 for spline in splines.splines),
        splines.fit_error_px,
        overlaps({number: mask_of(splines, number) for number in masks}, masks),
        version,
        overlaps(drawn, masks) if drawn is not None else None,
        seconds,
    )


def overlaps(found: Mapping[int, Mask], truth: Mapping[int, Mask]) -> tuple[float, float]:
    """Least and mean intersection over union; a frame that is empty in both is not counted."""
    shares = []
    for number, mask in truth.items():
        either = np.count_nonzero(mask | found[number])
        if either:
            shares.append(np.count_nonzero(mask & found[number]) / either)
    return float(min(shares)), float(np.mean(shares))


def in_blender(splines: LabelSplines, numbers: Sequence[int], python: Path) -> tuple[str, dict[int, Mask]]:
    """Blender's version, and what it draws: bool [H, W] by frame."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_splines(folder / SPLINES, splines)
        command = [str(python), "-m", "tests.benchmarks.roto_splines_blender", str(folder), *map(str, numbers)]
        run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[2])
        if run.returncode:
            raise RuntimeError(f"Blender did not draw the splines: {run.stderr[-2000:]}")
        with np.load(folder / PICTURES) as found:
            return str(found["version"]), {number: found[f"f{number}"] for number in numbers}


def table(results: Sequence[Result]) -> str:
    names = (
        "masks", "frames", "splines", "points", "keys", "keys, every frame", "share", "error px",
        "IoU least", "mean", "Blender", "IoU least", "mean", "CPU s",
    )  # fmt: skip
    head = "| " + " | ".join(names) + " |"
    rows = [head, "|---" * len(names) + "|"]
    for one in results:
        drawn = ("-", "-") if one.blender_iou is None else tuple(f"{value:.4f}" for value in one.blender_iou)
        cells: list[Any] = [
            one.name, one.frames, one.splines, one.points, one.keys, one.keys_every_frame,
            f"{one.keys / max(one.keys_every_frame, 1):.2f}", f"{one.fit_error_px:.2f}",
            f"{one.iou[0]:.4f}", f"{one.iou[1]:.4f}", one.blender or "-", *drawn, f"{one.cpu_seconds:.1f}",
        ]  # fmt: skip
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows)


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="bench roto_splines", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--clip", type=Path, action="append", default=[])
    made.add_argument("--masks", type=Path, action="append", default=[])
    made.add_argument("--frames", type=int)
    made.add_argument("--error", type=float, default=TOLERANCE)
    made.add_argument("--bpy", type=Path)
    made.add_argument("--json", action="store_true")
    return made


if __name__ == "__main__":
    sys.exit(main())
