"""The start of a clip whose camera stands still: locked off, or turning about its centre; and which focal length it
gets when the picture cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from shared.errors import SolveDiverged

from .bundle import BundleSettings, adjust
from .focal_certainty import focal_deviation
from .job import Job
from .lens_jacobians import FreeLens
from .motion_model import MotionChoice
from .outliers import errors_px, inliers
from .scene import Lens, Scene
from .still_frames import still_runs
from .tracks import Tracks
from .turning import locked_scene, turning_scene, with_directions
from .turning_zoom import zooming_scene

_CERTAIN = 0.05
"""A focal length that the rotation tells no better than by this share (one standard deviation) is not solved."""

_ZOOM_SCALE = 0.02
"""Standard deviation of the slope changes of a zoom, for the start."""

_LEAST_SOLVED_SHARE = 0.5
_LEAST_STILL = 0.2
"""Share of the observations that must stay where they are under a locked camera."""


@dataclass(frozen=True)
class TripodStart:
    """focal_source: of the focal length to hold, or None when it is to be solved."""

    scene: Scene
    notices: tuple[str, ...] = ()
    evidence: Mapping[str, object] = field(default_factory=dict)
    focal_source: str | None = None


def start_locked(job: Job, tracks: Tracks) -> TripodStart:
    """One pose for all frames. Nothing in the picture tells the focal length. Raises `SolveDiverged`."""
    scene = locked_scene(tracks, job.first_lens, job.mapper.noise_px)
    still = scene.known[tracks.track].mean() if len(tracks.track) else 0.0
    if still < _LEAST_STILL:
        raise SolveDiverged(
            f"A locked camera was asked for, but the picture moves ({job.span}): {100.0 * still:.0f} % of the tracks "
            "stay where they are.",
            "Set Motion to Automatic or Nodal.",
        )
    source, notices = _held_focal(job, "The camera does not move")
    return TripodStart(scene, notices, {}, source)


def start_turning(job: Job, tracks: Tracks, motion: MotionChoice) -> TripodStart:
    """A rotation for every frame. Where parts of the clip stand still, their frames share one. Raises
    `SolveDiverged`."""
    if motion.zooms:
        return _start_zooming(job, tracks, motion)
    lens, noise = motion.lens or job.first_lens, job.mapper.noise_px
    lens = replace(job.first_lens, focal=lens.focal, k1=lens.k1 if job.settings.distortion == "auto" else 0.0)
    scene = _with_still_parts(turning_scene(tracks, lens, noise, job.steps), tracks, noise)
    if scene.posed.sum() < _LEAST_SOLVED_SHARE * tracks.frames:
        raise SolveDiverged(
            f"Only {int(scene.posed.sum())} of {tracks.frames} frames agree that the camera turns about one point."
        )
    scene, even = _settled(job, scene, tracks, FreeLens(focal=job.mapper.free_focal, k1=lens.k1 != 0.0))
    doubt = focal_deviation(scene, even, BundleSettings(scale_px=2.0))
    told = {"focal_sd_percent": round(100.0 * min(doubt, 10.0), 2)}
    if doubt < _CERTAIN or job.settings.fix_focal:
        return TripodStart(scene, (), told)
    source, notices = _held_focal(job, f"The camera turns too little (focal length known to {100.0 * doubt:.0f} %)")
    held = turning_scene(tracks, job.first_lens, noise, job.steps)
    return TripodStart(_with_still_parts(held, tracks, noise), notices, told, source)


def _start_zooming(job: Job, tracks: Tracks, motion: MotionChoice) -> TripodStart:
    """A rotation and a focal length for every frame. Their ratios are told by the picture; what they have in common
    is, when the camera turns enough."""
    noise, evidence = job.mapper.noise_px, {"zooms": True}
    scene = _zoomed(job, tracks, motion.lens or job.first_lens, None)
    doubt = _common_doubt(scene, tracks, noise)
    told = {**evidence, "focal_sd_percent": round(100.0 * min(doubt, 10.0), 2)}
    if doubt < _CERTAIN or job.focal_known:
        return TripodStart(scene, (), told)
    source, notices = _held_focal(job, f"The camera turns too little (focal length known to {100.0 * doubt:.0f} %)")
    return TripodStart(_zoomed(job, tracks, job.first_lens, job.first_lens.focal), notices, told, source)


def _zoomed(job: Job, tracks: Tracks, lens: Lens, mean: float | None) -> Scene:
    """The chained scene after bundle adjustment; mean: focal length, px, that its focal lengths keep on average."""
    noise = job.mapper.noise_px
    scene = zooming_scene(tracks, lens, noise, job.steps)
    if scene.posed.sum() < _LEAST_SOLVED_SHARE * tracks.frames:
        raise SolveDiverged(
            f"Only {int(scene.posed.sum())} of {tracks.frames} frames agree that the camera turns about one point."
        )
    even = replace(tracks, sigma=np.full(len(tracks.sigma), noise))
    bundle = BundleSettings(
        iterations=30, scale_px=2.0, tolerance=1e-5, focal_range=job.settings.focal_range, zoom_scale=_ZOOM_SCALE,
        focal_prior=job.focal_prior if mean is None else (mean, 1e-4 * mean),
    )  # fmt: skip
    for _ in range(2):
        scene, _ = adjust(scene, even, bundle, job.steps)
        scene = with_directions(scene, even.select(inliers(even, errors_px(scene, even), 8.0, 8.0 * noise)), noise)
    return scene


def _common_doubt(scene: Scene, tracks: Tracks, noise: float) -> float:
    """Relative standard deviation of what the focal lengths have in common: that of one lens under which the tracks
    would be seen as large as this zoom shows them."""
    middle = np.array([scene.lens.cx, scene.lens.cy])
    scale = (scene.lens.focal / scene.focals[tracks.frame])[:, None]
    level = replace(tracks, xy=(tracks.xy - middle) * scale + middle, sigma=np.full(len(tracks.sigma), noise))
    return focal_deviation(replace(scene, zoom=None), level, BundleSettings(scale_px=2.0))


def _settled(job: Job, scene: Scene, tracks: Tracks, free: FreeLens) -> tuple[Scene, Tracks]:
    """The scene after a first bundle adjustment, and the tracks that agree with it."""
    noise = job.mapper.noise_px
    even = replace(tracks, sigma=np.full(len(tracks.sigma), noise))
    bundle = BundleSettings(
        iterations=15, free=free, scale_px=2.0, tolerance=1e-3, focal_prior=job.focal_prior,
        focal_range=job.settings.focal_range,
    )  # fmt: skip
    for _ in range(2):
        scene, _ = adjust(scene, even, bundle, job.steps)
        agreed = even.select(inliers(even, errors_px(scene, even), 8.0, 8.0 * noise))
        scene = with_directions(scene, agreed, noise)
    return scene, agreed


def _with_still_parts(scene: Scene, tracks: Tracks, noise_px: float) -> Scene:
    assert scene.spans is not None
    pose = scene.spans.pose.copy()
    for number, (first, last) in enumerate(still_runs(tracks, noise_px)):
        pose[first : last + 1] = number
    return replace(scene, spans=replace(scene.spans, pose=pose))


def _held_focal(job: Job, why: str) -> tuple[str, tuple[str, ...]]:
    """Where a focal length comes from that is held, and what to tell the user of it."""
    lens: Lens = job.first_lens
    if job.settings.focal_px is not None:
        return job.settings.focal_source, ()
    return "assumed", (
        f"{why} ({job.span}): the picture does not tell the focal length. {lens.focal:.0f} px "
        f"({lens.focal / job.frames.width:.2f} times the picture's width) is assumed; enter the real one to have "
        "the right field of view.",
    )
