"""BVH, BioVision's hierarchy of joints with Euler angles, after Meredith and Maddock ("Motion Capture File Formats
Explained", Sheffield, 2001).

y is up, as every reader expects; the body at rest looks along +z. A line of the motion is a plate frame. What the
format has no word for (unit, first frame, frames without a pose) stands in `NAME.bvh.json` beside the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from backend.frame_ranges import frame_runs
from backend.pipeline.atomic import atomic_path, write_text
from shared import axes
from shared.errors import InvalidParameter
from shared.motion_arrays import Floats, Motion
from shared.shot import document_text

from .take import Take, matrices, take_of

NOTES_SUFFIX = ".json"
METRES, CENTIMETRES = 1.0, 0.01
"""Metres in a unit of the file. Blender and Houdini read a unit as a metre, Maya and MotionBuilder as a centimetre."""

ROTATION_ORDERS = tuple(order.upper() for order in axes.ROTATION_ORDERS)
_TIP = 0.25
"""Length of the stub behind a joint without children, over its bone's: the format wants an end, programs draw it."""


@dataclass(frozen=True)
class BvhNotes:
    """What a BVH file cannot say. unit_m: metres (or units of the shot's world) in a unit of the file. held: first and
    last of the frames in which the pose before is held because nobody was found. engine: what saw the person."""

    version: int
    first_frame: int
    frames: int
    fps: str
    unit_m: float
    up: str
    held: tuple[tuple[int, int], ...]
    engine: str
    world_revision: int


def write_bvh(motion: Motion, path: Path, *, unit_m: float = METRES, rotation_order: str = "ZXY") -> BvhNotes:
    """Writes `path` and its notes beside it. rotation_order: as the channels stand in the file, outermost turn first.
    Raises `ArtifactMissing` for a motion without a pose, `InvalidParameter`, `DiskFull`, `ShotReadOnly`."""
    if rotation_order not in ROTATION_ORDERS:
        raise InvalidParameter(
            f"{rotation_order!r} is no rotation order of BVH.", f"Use one of {', '.join(ROTATION_ORDERS)}."
        )
    take = take_of(motion).in_world(axes.MAYA)
    order = list(_depth_first(take, 0))
    with atomic_path(path) as beside, beside.open("w", encoding="ascii", newline="\n") as file:
        file.write("HIERARCHY\n")
        _write_joint(file, take, 0, 0, unit_m, rotation_order)
        file.write(f"MOTION\nFrames: {len(take)}\nFrame Time: {float(1 / take.fps):.10f}\n")
        for row in _rows(take, order, unit_m, rotation_order):
            file.write(row)
    notes = _notes(motion, take, unit_m)
    write_text(notes_path(path), document_text(notes))
    return notes


def notes_path(path: Path) -> Path:
    return path.with_name(path.name + NOTES_SUFFIX)


def _notes(motion: Motion, take: Take, unit_m: float) -> BvhNotes:
    return BvhNotes(
        version=1,
        first_frame=take.first,
        frames=len(take),
        fps=motion.fps,
        unit_m=unit_m,
        up="y",
        held=tuple(frame_runs(take.held)),
        engine=motion.engine,
        world_revision=motion.world_revision,
    )


def _depth_first(take: Take, joint: int) -> Iterator[int]:
    """Joints as they stand in the file."""
    yield joint
    for child in take.children(joint):
        yield from _depth_first(take, child)


def _write_joint(file: TextIO, take: Take, joint: int, depth: int, unit_m: float, order: str) -> None:
    is_root = take.parents[joint] < 0
    tabs = "\t" * depth
    # A root's channels say where it is: an offset as well would count twice in some readers.
    offset = np.zeros(3) if is_root else take.bones[joint] / unit_m
    turns = " ".join(f"{letter}rotation" for letter in order)
    places = "6 Xposition Yposition Zposition" if is_root else "3"
    file.write(f"{tabs}{'ROOT' if is_root else 'JOINT'} {'_'.join(take.names[joint].split())}\n{tabs}{{\n")
    file.write(f"{tabs}\tOFFSET {_triple(offset)}\n{tabs}\tCHANNELS {places} {turns}\n")
    children = take.children(joint)
    for child in children:
        _write_joint(file, take, child, depth + 1, unit_m, order)
    if not children:
        file.write(f"{tabs}\tEnd Site\n{tabs}\t{{\n{tabs}\t\tOFFSET {_triple(offset * _TIP)}\n{tabs}\t}}\n")
    file.write(f"{tabs}}}\n")


def _rows(take: Take, order: list[int], unit_m: float, rotation_order: str) -> Iterator[str]:
    applied = rotation_order[::-1].lower()  # axes.py names the axis that turns first
    letters = ["XYZ".index(letter) for letter in rotation_order]
    before: list[axes.Vector3 | None] = [None] * len(order)
    for place, turns in zip(take.root / unit_m, matrices(take.turns), strict=True):
        row = [float(value) for value in place]
        for at, joint in enumerate(order):
            angles = axes.rotation_to_euler(_rows_of(turns[joint]), applied, near=before[at])
            before[at] = angles
            row += [angles[letter] for letter in letters]
        yield _line(row)


def _rows_of(turn: Floats) -> axes.Matrix3:
    (a, b, c), (d, e, f), (g, h, i) = turn.tolist()
    return ((a, b, c), (d, e, f), (g, h, i))


def _triple(values: Floats) -> str:
    return _line([float(value) for value in values]).strip()


def _line(values: list[float]) -> str:
    return " ".join(f"{value + 0.0:.6f}" for value in values).replace("-0.000000", "0.000000") + "\n"
