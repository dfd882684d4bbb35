"""When each foot stands, how far it slides while it does, and the strides between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.frame_ranges import frame_runs
from backend.mocap.contacts import likely_standing
from shared.motion_arrays import Floats, Motion

SIDES = ("left", "right")
_PARTS = ("heel", "foot_index", "ankle")
"""Joints of a foot that can stand; the ankle only where there is no heel, over which it stays."""

_BRIEF_S = 0.08
"""A foot neither stands nor swings for less than this: even a sprinter's stands for 0.09 s (Weyand et al., 2000)."""

_LEAST_STRIDE_M = 0.1
"""A foot that comes down nearer than this to where it was has shifted, not walked."""

_LOW = 5.0
"""Percentile of a foot joint's slow frames that is its height while it stands."""


_SLOW_M_S = 0.1
_UNEVEN_M, _TILT = 0.02, 0.03
"""Standard deviations of a slow foot joint's height over the floor, and of a recorded floor's slope."""


@dataclass(frozen=True)
class Contact:
    """A foot stands, from plate number first to last. place: x, y in the world, the middle over these frames."""

    first: int
    last: int
    place: tuple[float, float]


@dataclass(frozen=True)
class Stride:
    """From a foot's coming down (plate number first) to its next (last). metres: between the two places."""

    first: int
    last: int
    seconds: float
    metres: float


@dataclass(frozen=True)
class Foot:
    """contacts: all. strides: between contacts whose beginnings were seen. standing: share 0..1 of the known frames.
    slide_mm: mean and most that a standing joint travels to the next frame, None when it never stands."""

    contacts: tuple[Contact, ...]
    strides: tuple[Stride, ...]
    standing: float
    slide_mm: float | None
    slide_most_mm: float | None


@dataclass(frozen=True)
class Standing:
    """joints [F]: indices. stands bool [T,F]. source: "motion" (the file says it), "found" (from speed and height) or
    "none" (there are no feet)."""

    joints: tuple[int, ...]
    stands: NDArray[np.bool_]
    source: str

    def of(self, motion: Motion, side: str) -> list[int]:
        """Columns of a side's joints."""
        return [i for i, joint in enumerate(self.joints) if motion.joint_names[joint].startswith(side)]


def standing_of(motion: Motion, metres_per_unit: float) -> Standing:
    """From the file, or else found."""
    if motion.contact_joints:
        joints = tuple(motion.index(name) for name in motion.contact_joints)
        return Standing(joints, (motion.contacts >= 0.5) & motion.known[:, None], "motion")
    joints = tuple(joint for side in SIDES for joint in _foot_joints(motion, side))
    stands = np.zeros((len(motion), len(joints)), bool)
    if not joints:
        return Standing((), stands, "none")
    fps = rate(motion)
    for first, last in known_runs(motion):
        places = motion.joints[first : last + 1][:, list(joints)] * metres_per_unit
        if len(places) > 2:
            stands[first : last + 1] = _found(places, fps)
    return Standing(joints, stands, "found")


def _found(places: Floats, fps: float) -> NDArray[np.bool_]:
    """places [T,F,3] m, z up."""
    speed = np.linalg.norm(np.gradient(places, axis=0), axis=-1) * fps
    slow = speed <= np.maximum(np.quantile(speed, 0.25, axis=0), _SLOW_M_S)
    height = places[..., 2] - places[..., :2] @ _tilt(places, slow)
    low = [np.percentile(height[slow[:, f], f], _LOW) for f in range(places.shape[1])]
    return likely_standing(speed, height - np.array(low), fps) > 0.5


def _tilt(places: Floats, slow: NDArray[np.bool_]) -> Floats:
    """[2] slope of the floor along x and y, from the places of slow feet: recorded floors are often not level. Every
    joint has a height of its own over it; a slope of more than a few hundredths is taken for steps."""
    joints = np.broadcast_to(np.arange(places.shape[1]), slow.shape)[slow]
    xyz = places[slow]
    away = xyz.copy()
    for joint in range(places.shape[1]):
        away[joints == joint] -= xyz[joints == joint].mean(0)
    level = np.eye(2) * (_UNEVEN_M / _TILT) ** 2
    return np.asarray(np.linalg.solve(away[:, :2].T @ away[:, :2] + level, away[:, :2].T @ away[:, 2]), np.float64)


def _foot_joints(motion: Motion, side: str) -> list[int]:
    there = [f"{side}_{part}" for part in _PARTS if f"{side}_{part}" in motion.joint_names]
    return [motion.index(name) for name in there if name != f"{side}_ankle" or f"{side}_heel" not in there]


def known_runs(motion: Motion) -> list[tuple[int, int]]:
    """Indices of the first and the last frame of every run that is not absent."""
    return frame_runs([int(at) for at in np.nonzero(motion.known)[0]])


def rate(motion: Motion) -> float:
    top, _, bottom = motion.fps.partition("/")
    return float(top) / float(bottom or 1)


def slides(motion: Motion, standing: Standing, metres_per_unit: float) -> Floats:
    """[T,F] mm that a joint that stands in this frame and the next travels between them; NaN elsewhere."""
    places = motion.joints[:, list(standing.joints)] * metres_per_unit
    found = np.full(standing.stands.shape, np.nan)
    both = standing.stands[:-1] & standing.stands[1:]
    travel = np.linalg.norm(np.diff(places, axis=0), axis=-1) * 1e3
    found[:-1][both] = travel[both]
    return found


def foot(motion: Motion, standing: Standing, side: str, travel: Floats, metres_per_unit: float) -> Foot:
    """travel: what `slides` says."""
    columns = standing.of(motion, side)
    stands: NDArray[np.bool_] = np.any(standing.stands[:, columns], axis=1)
    runs = frame_runs([int(at) for at in np.nonzero(stands)[0]])
    own = travel[:, columns][np.isfinite(travel[:, columns])]
    return Foot(
        contacts=tuple(_contact(motion, standing, columns, run) for run in runs),
        strides=_strides(motion, standing, columns, stands, metres_per_unit),
        standing=float(stands.sum() / max(int(motion.known.sum()), 1)),
        slide_mm=float(own.mean()) if len(own) else None,
        slide_most_mm=float(own.max()) if len(own) else None,
    )


def _contact(motion: Motion, standing: Standing, columns: list[int], run: tuple[int, int]) -> Contact:
    first, last = run
    x, y = _place(motion, standing, columns, run)
    return Contact(int(motion.frames[first]), int(motion.frames[last]), (float(x), float(y)))


def _place(motion: Motion, standing: Standing, columns: list[int], run: tuple[int, int]) -> Floats:
    """[2] world: the middle of the foot's joints, of its frames the median."""
    first, last = run
    places = motion.joints[first : last + 1][:, [standing.joints[column] for column in columns], :2]
    found: Floats = np.median(places.mean(1), 0)
    return found


def _strides(
    motion: Motion, standing: Standing, columns: list[int], stands: NDArray[np.bool_], metres_per_unit: float
) -> tuple[Stride, ...]:
    fps = rate(motion)
    found: list[Stride] = []
    for first, last in known_runs(motion):
        runs = _steady(stands[first : last + 1], max(1, round(_BRIEF_S * fps)))
        begun = [(first + a, first + b) for a, b in runs if a > 0]
        places = [_place(motion, standing, columns, run) for run in begun]
        for at in range(len(begun) - 1):
            metres = float(np.linalg.norm(places[at + 1] - places[at])) * metres_per_unit
            start, end = begun[at][0], begun[at + 1][0]
            if metres >= _LEAST_STRIDE_M:
                found.append(Stride(int(motion.frames[start]), int(motion.frames[end]), (end - start) / fps, metres))
    return tuple(found)


def _steady(stands: NDArray[np.bool_], brief: int) -> list[tuple[int, int]]:
    """Runs of standing without swings and contacts that are too brief to be any."""
    runs: list[tuple[int, int]] = []
    for run in frame_runs([int(at) for at in np.nonzero(stands)[0]]):
        if runs and run[0] - runs[-1][1] - 1 < brief:
            runs[-1] = (runs[-1][0], run[1])
        else:
            runs.append(run)
    return [(a, b) for a, b in runs if b - a + 1 >= brief]
