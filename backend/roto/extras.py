"""What is made from the finished masks when it is asked for: splines, and files for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.pipeline.context import StageContext
from shared.artifacts import frame_name
from shared.roto_params import RotoParams
from shared.roto_splines import SPLINES_FILE, LabelSplines

from .exports import cryptomatte, multilayer, write_after_effects_masks, write_exrs, write_nuke_roto
from .outputs import Bools, read_mask
from .publish import Finished, may_write
from .splines import fit_splines, write_splines

CRYPTOMATTE = "exports/cryptomatte"
LAYERS = "exports/layers"
"""Folders under roto/ for pictures of all objects together."""

NUKE_SCRIPT = "nuke_roto.py"
AFTER_EFFECTS_SCRIPT = "after_effects_masks.jsx"
"""Files in a label's folder, beside its splines."""

_FITTING = "Fitting splines"
_WRITING = "Writing masks for other programs"


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
        _add_scripts(folder, found, params, context, (done.plate[0], done.plate[-1]))
        facts[label] = {
            "splines": len(found.splines), "spline_keys": found.keys,
            "spline_error_px": round(found.fit_error_px, 3),
        }  # fmt: skip
    return facts


def _add_scripts(
    folder: Path, splines: LabelSplines, params: RotoParams, context: StageContext, frames: tuple[int, int]
) -> None:
    """The splines of a label for other programs."""
    plate = context.shot.read().facts
    if params.nuke:
        write_nuke_roto(folder / NUKE_SCRIPT, splines, plate.pixel_aspect)
    if params.after_effects:
        path = folder / AFTER_EFFECTS_SCRIPT
        write_after_effects_masks(path, splines, frames, plate.rate, plate.pixel_aspect)


def add_pictures(done: Finished, params: RotoParams, context: StageContext) -> None:
    """All objects of each new frame in one file, as they are asked for; somebody else's files there stay, and a notice
    says so. Raises `JobCancelled`, `DiskFull`,
    `ShotReadOnly`."""

    def masks(label: str, number: int) -> Bools:
        return read_mask(done.labels[label] / frame_name(number))

    def step(at: int, total: int) -> None:
        context.progress(at, total, note=_WRITING)

    asked = ((params.cryptomatte, CRYPTOMATTE, cryptomatte), (params.multilayer, LAYERS, multilayer))
    for wanted, name, layout in asked:
        if wanted and may_write(name, "picture", context):
            folder = context.checkpoint_dir / "pictures" / name
            aspect = context.shot.read().facts.pixel_aspect
            write_exrs(folder, layout, list(done.labels), done.numbers, masks, step, aspect)
            done.others[name] = (folder, f"roto-{name.rpartition('/')[2]}")


def mask_paths(done: Finished, label: str, context: StageContext) -> dict[int, Path]:
    """Plate number -> mask of the label as the shot will have it."""
    new = frozenset(done.numbers)
    kept = context.shot.roto_dir / label
    places = {number: (done.labels[label] if number in new else kept) / frame_name(number) for number in done.plate}
    return {number: path for number, path in places.items() if path.is_file()}
