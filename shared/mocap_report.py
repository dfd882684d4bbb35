"""`mocap/report.json`: who was captured, in which frames, and what needs a look. Frame numbers are plate numbers,
ranges include both ends. Lengths are metres whatever the shot's unit is, so that nothing in it changes with the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .shot import ShotFolder, read_document

MOCAP_REPORT_VERSION = 1
MOCAP = "mocap"
MOCAP_REPORT = "mocap/report.json"
POSE, POSE_JSON = "pose", "pose_json"


@dataclass(frozen=True)
class StateRange:
    """Frames in one state: "tracked", "bridged" or "absent" (shared/motion_arrays.py)."""

    state: str
    first: int
    last: int


def state_ranges(numbers: Sequence[int], state: Sequence[str]) -> tuple[StateRange, ...]:
    """Every run of frames in one state."""
    found: list[StateRange] = []
    for number, one in zip(numbers, state, strict=True):
        if found and found[-1].state == one:
            found[-1] = StateRange(one, found[-1].first, number)
        else:
            found.append(StateRange(one, number, number))
    return tuple(found)


@dataclass(frozen=True)
class MocapProblem:
    """A range of frames of one person that needs a look. label: the person, "" for the clip as a whole. kind: a word
    for programs ("absent", "gap", "half-visible", "swap", "no-camera", "cut"; new ones may come). message:
    for people, with the frames named and what to do."""

    label: str
    kind: str
    first: int
    last: int
    message: str


@dataclass(frozen=True)
class PersonReport:
    """One person. first, last: frames that are not absent. tracked, bridged, absent: how many frames are.
    stature_m: along the bones, heel to the top of the head. height_given: whether that was said by the user.
    slide_mm: mean travel of standing feet, mm a frame, None when nothing stands. standing: share 0..1 of the frames in
    which a foot stands. jerk_mm: median third difference of all joints, mm a frame^3. reprojection_px: median distance
    of the joints in the picture from where they were seen. confidence: median, 0..1. facts: more plain values."""

    first: int
    last: int
    tracked: int
    bridged: int
    absent: int
    states: tuple[StateRange, ...]
    stature_m: float
    height_given: bool
    reprojection_px: float
    confidence: float
    jerk_mm: float
    slide_mm: float | None = None
    standing: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MocapReport:
    """engine: that saw the people. people: label -> report, by first appearance. floor: where it came from: "world",
    "found" (in the solve's points), "feet" (under the people) or "none". metres_per_unit: of the shot's world as it was
    when the stage began. scale: where that came from: "solve", "floor", "motion", "height" or "none"."""

    version: int
    engine: str
    people: dict[str, PersonReport] = field(default_factory=dict)
    problems: tuple[MocapProblem, ...] = ()
    notices: tuple[str, ...] = ()
    floor: str = "none"
    scale: str = "none"
    metres_per_unit: float = 1.0


def read_mocap_report(shot: ShotFolder) -> MocapReport:
    """The document of a shot. Raises `ArtifactMissing` before the mocap stage, `ShotCorrupt`."""
    return read_document(shot.root / MOCAP_REPORT, MocapReport)
