"""What a motion says about the person who moved, and about how good the capture is, in metres and seconds.

Any `motion.npz` will do, and any BVH that `read_bvh` reads: what a skeleton does not have is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from backend.motion_export.take import Take, take_of
from backend.world.sizes import statures
from shared.errors import ArtifactMissing, InvalidRequest
from shared.mocap_report import StateRange, state_ranges
from shared.motion_arrays import STATES, Floats, Motion

from .gait import SIDES, Foot, foot, known_runs, rate, slides, standing_of

ANALYSIS_VERSION = 1
_HINGES = (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))


@dataclass(frozen=True)
class FrameMotion:
    """state: tracked, bridged or absent. position: of the pelvis, world units; speed: of the pelvis over the floor,
    m/s; slide_mm: most that a standing foot travels to the next frame; jerk_mm: median of all joints' third
    differences, mm a frame^3; confidence: median of the joints, 0..1; bends_deg: how far knees and elbows are bent, 0
    straight. None where it is not known."""

    frame: int
    state: str
    position: tuple[float, float, float] | None
    speed: float | None
    slide_mm: float | None
    jerk_mm: float | None
    confidence: float | None
    bends_deg: dict[str, float]


@dataclass(frozen=True)
class Spread:
    """Of values over the known frames."""

    mean: float
    sd: float
    least: float
    most: float


@dataclass(frozen=True)
class MotionAnalysis:
    """path_m: length of the pelvis's way over the floor; displacement_m: from its first place to its last. stride_m,
    stride_s: medians over both feet's strides, cadence: steps a minute, walking_speed: their quotient; None without
    strides. contacts_from: "motion", "found" or "none". slide_mm: mean of standing feet, mm a frame. jerk_mm: median
    third difference of all joints, mm a frame^3; jitter: mean of it, m/s^3. turns_deg: of each joint that others hang
    on, least and most of its rotation vector from rest about x (to the person's left), y (back), z (up). bones_m: of
    each joint from its parent. stature_m: along the bones. confidence: by joint."""

    version: int
    engine: str
    fps: str
    metres_per_unit: float
    first: int
    last: int
    frames_in_state: dict[str, int]
    states: tuple[StateRange, ...]
    path_m: float
    displacement_m: float
    mean_speed: float | None
    peak_speed: float | None
    stride_m: float | None
    stride_s: float | None
    cadence: float | None
    walking_speed: float | None
    contacts_from: str
    feet: dict[str, Foot]
    slide_mm: float | None
    jerk_mm: float | None
    jitter: float | None
    bends_deg: dict[str, Spread]
    turns_deg: dict[str, tuple[tuple[float, float], ...]]
    bones_m: dict[str, Spread]
    stature_m: Spread | None
    confidence: dict[str, float]
    frames: tuple[FrameMotion, ...]


def analyse(motion: Motion, *, metres_per_unit: float = 1.0) -> MotionAnalysis:
    """metres_per_unit: of the world that the motion is in. Raises `ArtifactMissing` for a motion without a pose."""
    if not motion.known.any():
        raise ArtifactMissing("The motion has no frame with a pose: there is nothing to analyse.")
    standing = standing_of(motion, metres_per_unit)
    travel = slides(motion, standing, metres_per_unit)
    feet = {side: foot(motion, standing, side, travel, metres_per_unit) for side in SIDES if standing.of(motion, side)}
    speeds, jerks, bends = _speeds(motion, metres_per_unit), _jerks(motion, metres_per_unit), _bends(motion)
    strides = [stride for one in feet.values() for stride in one.strides]
    lengths, times = [one.metres for one in strides], [one.seconds for one in strides]
    path, displacement = _way(motion, metres_per_unit)
    return MotionAnalysis(
        version=ANALYSIS_VERSION,
        engine=motion.engine,
        fps=motion.fps,
        metres_per_unit=metres_per_unit,
        first=int(motion.frames[0]),
        last=int(motion.frames[-1]),
        frames_in_state={state: motion.state.count(state) for state in STATES},
        states=state_ranges(motion.frames.tolist(), motion.state),
        path_m=path,
        displacement_m=displacement,
        mean_speed=_mean(speeds),
        peak_speed=float(np.nanmax(speeds)) if np.isfinite(speeds).any() else None,
        stride_m=_median(lengths),
        stride_s=_median(times),
        cadence=120.0 / float(np.median(times)) if times else None,
        walking_speed=sum(lengths) / sum(times) if times else None,
        contacts_from=standing.source,
        feet=feet,
        slide_mm=_mean(travel),
        jerk_mm=_median(jerks),
        jitter=float(np.nanmean(jerks)) * 1e-3 * rate(motion) ** 3 if np.isfinite(jerks).any() else None,
        bends_deg={name: _spread(values) for name, values in bends.items()},
        turns_deg=_turns(motion, take_of(motion)),
        bones_m=_bones(motion, metres_per_unit),
        stature_m=_stature(motion, metres_per_unit),
        confidence=dict(zip(motion.joint_names, motion.confidence[motion.known].mean(0).tolist(), strict=True)),
        frames=_frames(motion, travel, speeds, jerks, bends),
    )


def _way(motion: Motion, metres_per_unit: float) -> tuple[float, float]:
    """Length of the way over the floor, and from its first place to its last; gaps are crossed straight."""
    places = motion.root[motion.known, :2] * metres_per_unit
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    return float(steps.sum()), float(np.linalg.norm(places[-1] - places[0]))


def _speeds(motion: Motion, metres_per_unit: float) -> Floats:
    """[T] m/s over the floor, by central differences; NaN where the person is not known."""
    found = np.full(len(motion), np.nan)
    for first, last in known_runs(motion):
        if last > first:
            steps = np.gradient(motion.root[first : last + 1, :2], axis=0)
            found[first : last + 1] = np.linalg.norm(steps, axis=1) * metres_per_unit * rate(motion)
    return found


def _jerks(motion: Motion, metres_per_unit: float) -> Floats:
    """[T,J] mm a frame^3, of the four frames around; NaN where one of them is not known."""
    found = np.full(motion.joints.shape[:2], np.nan)
    if len(motion) > 3:
        found[1:-2] = np.linalg.norm(np.diff(motion.joints, 3, axis=0), axis=-1) * metres_per_unit * 1e3
    return found


def _bends(motion: Motion) -> dict[str, Floats]:
    """[T] degrees by which a limb is not straight, of the hinges that the skeleton has."""
    found = {}
    for side in SIDES:
        for chain in _HINGES:
            names = [f"{side}_{part}" for part in chain]
            if set(names) <= set(motion.joint_names):
                above, middle, below = (motion.joints[:, motion.index(name)] for name in names)
                one, other = middle - above, below - middle
                across = np.linalg.norm(np.cross(one, other), axis=-1)
                found[names[1]] = np.degrees(np.arctan2(across, (one * other).sum(-1)))
    return found


def _turns(motion: Motion, take: Take) -> dict[str, tuple[tuple[float, float], ...]]:
    """Of the joints that others hang on, degrees."""
    turns = take.turns[motion.known]
    turns = turns * np.where(turns[..., :1] < 0.0, -1.0, 1.0)
    sine = np.linalg.norm(turns[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, turns[..., :1])
    vectors = np.degrees(turns[..., 1:] * np.divide(angle, sine, out=np.full_like(sine, 2.0), where=sine > 1e-9))
    found = {}
    for joint, name in enumerate(take.names):
        if take.children(joint):
            low, high = vectors[:, joint].min(0), vectors[:, joint].max(0)
            found[name] = tuple((float(a), float(b)) for a, b in zip(low, high, strict=True))
    return found


def _bones(motion: Motion, metres_per_unit: float) -> dict[str, Spread]:
    places = motion.joints * metres_per_unit
    return {
        name: _spread(np.linalg.norm(places[:, joint] - places[:, parent], axis=-1))
        for joint, (name, parent) in enumerate(zip(motion.joint_names, motion.parents, strict=True))
        if parent >= 0
    }


def _stature(motion: Motion, metres_per_unit: float) -> Spread | None:
    try:
        found = statures({name: motion.joints[:, joint] for joint, name in enumerate(motion.joint_names)})
    except InvalidRequest:  # of a skeleton without a head's top or heels
        return None
    return _spread(found * metres_per_unit)


def _frames(
    motion: Motion, travel: Floats, speeds: Floats, jerks: Floats, bends: dict[str, Floats]
) -> tuple[FrameMotion, ...]:
    found = []
    for at, (number, state) in enumerate(zip(motion.frames, motion.state, strict=True)):
        is_known = bool(motion.known[at])
        x, y, z = (float(value) for value in motion.root[at])
        slide = travel[at][np.isfinite(travel[at])]
        found.append(
            FrameMotion(
                frame=int(number),
                state=state,
                position=(x, y, z) if is_known else None,
                speed=_median([speeds[at]]),
                slide_mm=float(slide.max()) if len(slide) else None,
                jerk_mm=_median(jerks[at]),
                confidence=float(np.median(motion.confidence[at])) if is_known else None,
                bends_deg={name: float(values[at]) for name, values in bends.items()} if is_known else {},
            )
        )
    return tuple(found)


def _spread(values: Floats) -> Spread:
    known = values[np.isfinite(values)]
    return Spread(float(known.mean()), float(known.std()), float(known.min()), float(known.max()))


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def _median(values: ArrayLike) -> float | None:
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if known.size else None
