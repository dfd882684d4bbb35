"""From tracks to a first scene of the whole clip, of the kind of motion that the clip has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from shared.errors import NoParallax, SolveDiverged, TooFewFeatures

from .depth_sampling import depth_priors
from .depth_terms import DepthPriors
from .frames import Flags
from .initial import Trial, initialise, look_at_pairs
from .job import Job
from .keyframes import choose_keyframes
from .mapper import MapperSettings, grow, reach_far, register_rest
from .motion_model import MotionChoice, choose_motion
from .movers import moving_tracks, without
from .scene import Scene
from .track_motion import AGREES, whole_track_residual
from .tracks import Tracks
from .triangulation import triangulate
from .tripod import TripodStart, start_locked, start_turning
from .two_view import TwoView
from .zoom_start import map_zoom

_MORE_STARTS = 3
_ENOUGH_PLACED = 0.8
"""Times that a map is begun again elsewhere, and the share of frames that makes it unnecessary."""


@dataclass(frozen=True)
class Mapped:
    """scene: poses of all frames that can be placed, and points. notices: what the user should know. evidence: what
    the kind of motion was chosen by. focal_source: of a focal length that the picture cannot tell and that is
    therefore held, or None. moving: bool [T], tracks that were left out as moving, or None. depths: what depth maps
    say where rays say too little, or None."""

    scene: Scene
    notices: tuple[str, ...] = ()
    evidence: Mapping[str, object] = field(default_factory=dict)
    focal_source: str | None = None
    moving: Flags | None = None
    depths: DepthPriors | None = None


def map_tracks(job: Job, tracks: Tracks) -> Mapped:
    """The first scene. Raises `TooFewFeatures`, `SolveDiverged`, and `NoParallax` for a movement that was asked for and
    is not there."""
    keys = choose_keyframes(tracks, float(np.hypot(job.frames.width, job.frames.height)))
    views = look_at_pairs(tracks, keys, job.mapper.noise_px, job.steps)
    moving = _moving(job, tracks, views)
    if moving is not None:
        tracks = without(tracks, moving)
        views = look_at_pairs(tracks, keys, job.mapper.noise_px, job.steps)
    motion = _motion(job, tracks, views)
    full = motion.model == "full"
    mapped = _travelling(job, tracks, keys, views, motion) if full else _tripod(job, tracks, motion)
    return replace(mapped, moving=moving)


def _moving(job: Job, tracks: Tracks, views: list[TwoView]) -> Flags | None:
    """Tracks [T] on things that move, when there are many."""
    if not job.settings.find_movers:
        return None
    moving = moving_tracks(tracks, views, job.mapper.noise_px, job.diagonal, job.steps)
    return moving if moving.any() else None


def _motion(job: Job, tracks: Tracks, views: list[TwoView]) -> MotionChoice:
    found = choose_motion(
        tracks, views, job.first_lens, job.mapper.noise_px, job.steps, focal_known=job.focal_known
    )  # fmt: skip
    if found.zooms and not job.zoom.possible:
        found = replace(found, model="full", zooms=False)
    forced = job.settings.motion
    return found if forced in ("auto", found.model) else replace(found, model=forced)


def _tripod(job: Job, tracks: Tracks, motion: MotionChoice) -> Mapped:
    start: TripodStart = start_locked(job, tracks) if motion.model == "locked" else start_turning(job, tracks, motion)
    return Mapped(start.scene, start.notices, {**motion.facts, **start.evidence}, start.focal_source)


def _travelling(job: Job, tracks: Tracks, keys: list[int], views: list[TwoView], motion: MotionChoice) -> Mapped:
    lens, mapper = job.first_lens, job.mapper
    turning = motion.lens.focal if motion.lens is not None and motion.hardly_travels else None
    trial = initialise(
        tracks, keys, views, lens, mapper, job.steps, focal_known=job.focal_known, turning_focal=turning
    )  # fmt: skip
    if trial is None and job.zoom.possible:
        zoomed = map_zoom(tracks, lens, mapper, job.steps, focal_known=job.focal_known)
        if zoomed is not None:
            return Mapped(zoomed, evidence=motion.facts)
    maps = [_grown(job, tracks, keys, _started(job, trial, views, motion).scene)]
    for _ in range(_MORE_STARTS):
        # A part of the clip that nothing connects to the rest may have been begun with.
        scene = maps[-1]
        views = [v for v in views if not (scene.posed[v.first] and scene.posed[v.second])]
        if scene.posed.mean() > _ENOUGH_PLACED or not views:
            break
        trial = initialise(
            tracks, keys, views, lens, mapper, job.steps, focal_known=job.focal_known, turning_focal=turning
        )  # fmt: skip
        if trial is not None:
            maps.append(_grown(job, tracks, keys, trial.scene))
    # Which of them reaches the others is not known before: a border is crossed from the side that sees more of it.
    whole = (reach_far(scene, tracks, mapper, job.steps) for scene in maps)
    return Mapped(max(whole, key=lambda scene: still_observations(scene, tracks, mapper)), evidence=motion.facts)


def _grown(job: Job, tracks: Tracks, keys: list[int], scene: Scene) -> Scene:
    """The map of the whole clip that grows from a small one: over the key frames, over all frames where key frames
    lie too far apart to be placed from each other, and then whatever is left."""
    mapper, everything = job.mapper, np.ones(tracks.count, bool)
    scene = triangulate(
        scene, tracks, wanted=everything, least_angle_deg=1.0, most_error_px=4.0 * mapper.noise_px
    )  # fmt: skip
    scene = grow(scene, tracks, keys, mapper, job.steps)
    if not scene.posed[keys].all():
        scene = grow(scene, tracks, list(range(tracks.frames)), mapper, job.steps)
    return register_rest(scene, tracks, mapper, job.steps)


def still_observations(scene: Scene, tracks: Tracks, settings: MapperSettings) -> int:
    """Observations that the map explains by still places. More frames count for nothing by themselves: a map that
    started wrongly places them as well."""
    rms, judged = whole_track_residual(scene, tracks)
    agrees = judged & (rms < AGREES * settings.noise_px)
    return int((agrees[tracks.track] & scene.posed[tracks.frame]).sum())


def _started(job: Job, trial: Trial | None, views: list[TwoView], motion: MotionChoice) -> Trial:
    if trial is not None:
        return trial
    if not views:
        raise TooFewFeatures(f"No two key frames of {job.span} share enough features.")
    if job.settings.motion == "full" and min(motion.gric_turning, motion.gric_locked) < motion.gric_travelling:
        raise NoParallax(
            f"A moving camera was asked for, but the camera does not travel ({job.span}): a rotation explains the "
            f"tracks as well as any movement does (GRIC {motion.gric_turning:.0f} against "
            f"{motion.gric_travelling:.0f}), so there is no depth to solve from.",
            "Set Motion to Automatic or Nodal: the camera is then solved as a tripod.",
        )
    raise SolveDiverged(f"No pair of {job.span} gives a camera that other frames agree with.")


def with_depth(job: Job, mapped: Mapped, tracks: Tracks) -> Mapped:
    """With the depth maps that hold a shot of little parallax, if it is one and has them."""
    if job.settings.depths is None:
        return mapped
    depths = depth_priors(job.settings.depths, mapped.scene, tracks, job.mapper.noise_px, job.steps)
    if depths is None:
        return mapped
    if job.settings.focal_px is None:
        # The map was begun with a guessed focal length; depth terms would settle it there.
        sentence = "The camera hardly travels; with the lens's focal length given, the shot's depth maps could hold it."
        return replace(mapped, notices=(*mapped.notices, sentence))
    held = len(np.unique(depths.track))
    sentence = f"The camera hardly travels for how far away things are: depth maps hold {held} of the points."
    return replace(mapped, notices=(*mapped.notices, sentence), depths=depths)
