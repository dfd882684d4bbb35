"""BVH files as motions: our own, and those of other programs and motion libraries.

The notes that `write_bvh` puts beside a file give unit, first frame, exact rate and frames without a pose. Other files
have none: they begin at frame 1, and the unit is the customary one in which the skeleton is nearest to a grown-up.
Joints keep their names, but for those in `joint_names.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.media.timing import STANDARD_RATES
from shared import axes
from shared.documents import read_plain
from shared.errors import FootageNotFound, FootageUnreadable, MalformedMessage, ShotCorrupt
from shared.motion_arrays import ABSENT, TRACKED, Floats, Motion, joints_of, multiply, without_jumps
from shared.wire import unpack

from .bvh import BvhNotes, notes_path
from .joint_names import customary_names

UNITS_M = {"metres": 1.0, "centimetres": 0.01, "millimetres": 0.001, "inches": 0.0254, "cmu": 0.0254 / 0.45}
"""Metres in a unit. cmu: of the Graphics Lab Motion Capture Database, whose skeletons are scaled by 0.45."""

_TALL_M = 1.6
"""From the lowest to the highest joint of a grown-up; the top of the head is seldom one."""

_REMEDY = "Export the motion again as BVH, or check the file in another program."


@dataclass
class _Joint:
    """channels: as they stand in the file, `Xposition` ... . at: column of the first. is_end: an End Site."""

    name: str
    parent: int
    offset: list[float]
    channels: list[str] = field(default_factory=list)
    at: int = 0
    is_end: bool = False


def read_bvh(path: Path, *, unit_m: float | None = None, fps: str | None = None) -> Motion:
    """The motion in our axes, metres. unit_m: metres in a unit of the file. fps: exact rate. What is not given comes
    from the notes, then from the file. Raises `FootageNotFound`, `FootageUnreadable`, `ShotCorrupt` (the notes)."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError as missing:
        raise FootageNotFound(f"There is no {path}.") from missing
    except OSError as bad:
        raise FootageUnreadable(f"{path} cannot be read: {bad}.", "Give a BVH file that you may read.") from bad
    notes = _notes(path)
    try:
        joints, values, frame_time = _parse(text)
        return _motion(joints, values, frame_time, notes, unit_m, fps)
    except (ValueError, IndexError) as bad:
        raise FootageUnreadable(f"{path} is no BVH file that can be read: {bad}.", _REMEDY) from bad


def _notes(path: Path) -> BvhNotes | None:
    beside = notes_path(path)
    remedy = f"Remove {beside.name}: the file is then read without its notes."
    plain = read_plain(beside, remedy)
    try:
        return None if plain is None else unpack(BvhNotes, plain)
    except MalformedMessage as bad:
        raise ShotCorrupt(f"{beside} is not what Backlot writes: {bad.message}", remedy) from bad


def _parse(text: str) -> tuple[list[_Joint], Floats, float]:
    """Joints, [T, columns], and seconds a frame. Raises `ValueError`, `IndexError`."""
    head, found, tail = text.partition("MOTION")
    if not found:
        raise ValueError("the word MOTION is missing")
    joints = _hierarchy(iter(head.split()))
    lines = [line for line in tail.splitlines() if line.strip()]
    if len(lines) < 2 or ":" not in lines[0] or ":" not in lines[1]:
        raise ValueError("after MOTION there are no Frames and no Frame Time")
    frames, frame_time = int(lines[0].split(":")[1]), float(lines[1].split(":")[1])
    columns = sum(len(joint.channels) for joint in joints)
    values = np.array(" ".join(lines[2:]).split(), np.float64)
    if not math.isfinite(frame_time) or frame_time <= 0.0 or frames < 1:
        raise ValueError(f"it has {frames} frames of {frame_time} s")
    if len(values) != frames * columns:
        raise ValueError(f"{frames} frames of {columns} channels are announced, and {len(values)} numbers are there")
    if not np.isfinite(values).all():
        raise ValueError("some of its numbers are not finite")
    return joints, values.reshape(frames, columns), frame_time


def _hierarchy(words: Iterator[str]) -> list[_Joint]:
    """Raises `ValueError` for what is no hierarchy of one root."""
    joints: list[_Joint] = []
    open_joints: list[int] = []
    columns = 0
    for word in words:
        if word in ("ROOT", "JOINT", "End"):
            if word == "ROOT" and joints:
                raise ValueError("it has more than one root")
            name = next(words, "")
            parent = open_joints[-1] if open_joints else -1
            is_end = word == "End"
            joints.append(_Joint(f"{joints[parent].name}_end" if is_end else name, parent, [0.0] * 3, is_end=is_end))
        elif word == "{":
            open_joints.append(len(joints) - 1)
        elif word == "}":
            open_joints.pop()
        elif word == "OFFSET":
            joints[-1].offset = [float(next(words, "")) for _ in range(3)]
        elif word == "CHANNELS":
            joints[-1].at = columns
            joints[-1].channels = [next(words, "") for _ in range(int(next(words, "")))]
            columns += len(joints[-1].channels)
    if not joints or open_joints:
        raise ValueError("its hierarchy is not complete")
    return joints


def _motion(
    joints: list[_Joint], values: Floats, frame_time: float, notes: BvhNotes | None, unit_m: float | None,
    fps: str | None,
) -> Motion:  # fmt: skip
    joints = _without_ends(joints) if notes else joints
    turn = np.array(axes.MAYA.world)  # takes our columns to theirs: rows of theirs @ it are ours
    places = np.stack([_places(joint, values) for joint in joints], 1) @ turn
    turns = without_jumps(np.stack([_turns(joint, values) for joint in joints], 1))
    parents = np.array([joint.parent for joint in joints], np.int64)
    offsets = np.median(places, 0)
    offsets[0] = 0.0
    standing = _rest(offsets, parents)[:, 2]
    offsets[0, 2] = -standing.min()
    unit = unit_m or (notes.unit_m if notes else likely_unit(float(np.ptp(standing))))
    count, first = len(values), notes.first_frame if notes else 1
    bare = Motion(
        customary_names([joint.name for joint in joints]), parents, np.zeros_like(places),
        np.concatenate([turns[..., :1], turns[..., 1:] @ turn], -1), offsets * unit,
        np.tile([1.0, 0.0, 0.0, 0.0], (len(joints), 1)), places[:, 0] * unit, np.ones(places.shape[:2]),
        np.arange(first, first + count), (TRACKED,) * count, (), np.zeros((count, 0)),
        fps or (notes.fps if notes else rate_of(frame_time)), notes.world_revision if notes else 0,
        notes.engine if notes else "bvh",
    )  # fmt: skip
    return _with_gaps(replace(bare, joints=joints_of(bare)), notes.held if notes else ())


def _without_ends(joints: list[_Joint]) -> list[_Joint]:
    """Of a file of ours, where end sites are stubs."""
    kept = [number for number, joint in enumerate(joints) if not joint.is_end]
    place = {number: at for at, number in enumerate(kept)} | {-1: -1}
    return [replace(joints[number], parent=place[joints[number].parent]) for number in kept]


def _places(joint: _Joint, values: Floats) -> Floats:
    """[T,3] from the parent: channels of a place stand for the offset."""
    found = np.tile(np.array(joint.offset, np.float64), (len(values), 1))
    for at, channel in enumerate(joint.channels, joint.at):
        if channel.lower().endswith("position"):
            found[:, "xyz".index(channel[0].lower())] = values[:, at]
    return found


def _turns(joint: _Joint, values: Floats) -> Floats:
    """[T,4] wxyz: turns about the channels' axes, the first one outermost."""
    found = np.tile([1.0, 0.0, 0.0, 0.0], (len(values), 1))
    for at, channel in enumerate(joint.channels, joint.at):
        if channel.lower().endswith("rotation"):
            half = np.radians(values[:, at]) / 2.0
            own = np.zeros((len(values), 4))
            own[:, 0], own[:, 1 + "xyz".index(channel[0].lower())] = np.cos(half), np.sin(half)
            found = multiply(found, own)
    return found


def _rest(offsets: Floats, parents: NDArray[np.int64]) -> Floats:
    found = offsets.copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            found[joint] += found[parent]
    return found


def likely_unit(height: float) -> float:
    """Metres in a unit, from the height of the skeleton at rest in units."""
    if height <= 0.0:
        return 1.0
    return min(UNITS_M.values(), key=lambda unit: abs(math.log(unit * height / _TALL_M)))


def rate_of(frame_time: float) -> str:
    """The standard rate within half a thousandth of the file's, else the one it says."""
    said = Fraction(1.0 / frame_time).limit_denominator(1001)
    near = min((*STANDARD_RATES, Fraction(round(1.0 / frame_time))), key=lambda rate: abs(rate - said))
    return str(near if abs(float(near) * frame_time - 1.0) < 5e-4 else said)


def _with_gaps(motion: Motion, held: tuple[tuple[int, int], ...]) -> Motion:
    """Frames that the notes call held are absent."""
    gone = np.zeros(len(motion), bool)
    for first, last in held:
        gone |= (motion.frames >= first) & (motion.frames <= last)
    if not gone.any():
        return motion
    arrays = {name: getattr(motion, name).copy() for name in ("joints", "rotations", "root", "confidence")}
    for name, values in arrays.items():
        values[gone] = 0.0 if name == "confidence" else np.nan
    return replace(motion, **arrays, state=tuple(ABSENT if one else TRACKED for one in gone))
