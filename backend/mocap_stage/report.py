"""What is said of the people who were captured, and which frames need a look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from backend.frame_ranges import frame_ranges, frame_runs
from backend.mocap.clip import ClipMotion
from backend.mocap.footage import Seen
from backend.mocap.skeleton import Floats
from backend.pose import PersonTrack
from shared.mocap_report import MocapProblem, PersonReport, state_ranges
from shared.motion_arrays import ABSENT, BRIDGED, TRACKED

from .cameras import ShotCameras, reprojection_px
from .fitting import stature_of

_HELD = 0.5
_LEAST_GAP = 3
"""Frames of a gap from which on it is worth a look."""


def person_report(
    motion: ClipMotion,
    evidence: Seen,
    cameras: ShotCameras,
    metres_per_unit: float,
    *,
    height_given: bool,
    facts: Mapping[str, Any],
) -> PersonReport:
    """motion: in the world of the cameras, whose unit is so many metres. facts: what else was measured."""
    numbers, state = cameras.numbers, motion.state
    known = [i for i, one in enumerate(state) if one != ABSENT]
    joints = motion.body.joints()
    slide, standing = _standing(motion, joints, metres_per_unit)
    return PersonReport(
        first=numbers[known[0]],
        last=numbers[known[-1]],
        tracked=state.count(TRACKED),
        bridged=state.count(BRIDGED),
        absent=state.count(ABSENT),
        states=state_ranges(numbers, state),
        stature_m=round(stature_of(motion) * metres_per_unit, 4),
        height_given=height_given,
        reprojection_px=round(reprojection_px(joints, evidence, cameras), 3),
        confidence=round(float(np.median(motion.confidence[known])), 3),
        jerk_mm=round(_jerk(joints) * metres_per_unit * 1e3, 3),
        slide_mm=slide,
        standing=standing,
        facts=dict(facts),
    )


def _standing(motion: ClipMotion, joints: Floats, metres_per_unit: float) -> tuple[float | None, float]:
    """Mean travel of standing foot joints, mm a frame, and the share of frames in which one stands."""
    contacts = motion.contacts
    if contacts is None:
        return None, 0.0
    holds = contacts.touching > _HELD
    both = holds[1:] & holds[:-1]
    travel = np.linalg.norm(np.diff(joints[:, list(contacts.joints)], axis=0), axis=-1)
    use = both & np.isfinite(travel)
    slide = round(float(travel[use].mean()) * metres_per_unit * 1e3, 3) if use.any() else None
    known = np.isfinite(joints[:, 0, 0])
    return slide, round(float(holds[known].any(1).mean()), 3)


def _jerk(joints: Floats) -> float:
    """Median third difference of the joints; 0 for less than four frames."""
    third = np.linalg.norm(np.diff(joints, 3, axis=0), axis=-1)
    third = third[np.isfinite(third)]
    return float(np.median(third)) if len(third) else 0.0


def problems_of(label: str, motion: ClipMotion, track: PersonTrack, cameras: ShotCameras) -> list[MocapProblem]:
    """Gaps, frames that show a part of the person, and frames in which left and right had been exchanged."""
    numbers, state = cameras.numbers, motion.state
    known = [i for i, one in enumerate(state) if one != ABSENT]
    inside = [numbers[i] for i in range(known[0], known[-1] + 1) if state[i] == ABSENT]
    bridged = [numbers[i] for i, one in enumerate(state) if one == BRIDGED]
    return [
        *_problems(label, "absent", inside, "{who} is not to be seen in frames {frames}: no motion is made up there."),
        *_problems(
            label, "gap", _long(bridged), "{who} is hidden in frames {frames}: the motion is carried over from around."
        ),
        *_problems(
            label, "half-visible", [n for n in track.half_visible if n in set(numbers)],
            "Only a part of {who} is to be seen in frames {frames}: what is hidden is a guess there.",
        ),
        *_problems(
            label, "swap", [numbers[i] for i in motion.exchanged],
            "Left and right of {who} were taken for each other in frames {frames}, and were put right: have a look.",
        ),
    ]  # fmt: skip


def camera_problems(cameras: ShotCameras) -> list[MocapProblem]:
    unsolved = [number for number, posed in zip(cameras.numbers, cameras.posed, strict=True) if not posed]
    text = "Frames {frames} have no solved camera: people are carried over there, or absent."
    return _problems("", "no-camera", unsolved, text)


def cut_problems(cuts: Sequence[int]) -> list[MocapProblem]:
    """cuts: plate numbers that begin another take."""
    text = "The clip has a cut at frame {frames}: nobody is followed across it."
    return [one for number in sorted(cuts) for one in _problems("", "cut", [number], text)]


def _long(numbers: Sequence[int]) -> list[int]:
    return [n for first, last in frame_runs(numbers) if last - first + 1 >= _LEAST_GAP for n in range(first, last + 1)]


def _problems(label: str, kind: str, numbers: Iterable[int], text: str) -> list[MocapProblem]:
    """One for every run of frames."""
    return [
        MocapProblem(label, kind, first, last, text.format(who=label, frames=frame_ranges(range(first, last + 1))))
        for first, last in frame_runs(sorted(numbers))
    ]
