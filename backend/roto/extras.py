"""What is made from the finished masks when it is asked for: splines, and files for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.pipeline.context import StageContext
from shared.artifacts import frame_name
from shared.roto_params import RotoParams
from shared.roto_splines import SPLINES_FILE

from .outputs import Bools, read_mask
from .publish import Finished
from .splines import fit_splines, write_splines

_FITTING = "Fitting splines"


def add_splines(done: Finished, params: RotoParams, context: StageContext) -> Mapping[str, dict[str, Any]]:
    """`splines.json` of every label, beside its new masks; label -> facts for the report. With a frame range, the
    splines are of the masks that stay, too. Raises `JobCancelled`, `DiskFull`, `ShotReadOnly`."""
    facts: dict[str, dict[str, Any]] = {}
    for label, folder in done.labels.items() if params.splines else ():
        paths = mask_paths(done, label, context)

        def masks(number: int, paths: Mapping[int, Path] = paths) -> Bools:
            return read_mask(paths[number])

        def step(at: int, total: int) -> None:
            context.progress(at, total, note=_FITTING)

        found = fit_splines(masks, sorted(paths), label, step, params.spline_error)
        write_splines(folder / SPLINES_FILE, found)
        facts[label] = {
            "splines": len(found.splines), "spline_keys": found.keys,
            "spline_error_px": round(found.fit_error_px, 3),
        }  # fmt: skip
    return facts


def mask_paths(done: Finished, label: str, context: StageContext) -> dict[int, Path]:
    """Plate number -> mask of the label as the shot will have it."""
    new = frozenset(done.numbers)
    kept = context.shot.roto_dir / label
    places = {number: (done.labels[label] if number in new else kept) / frame_name(number) for number in done.plate}
    return {number: path for number, path in places.items() if path.is_file()}
