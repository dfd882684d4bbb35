"""From tracks to a first scene of the whole clip."""

from __future__ import annotations

import numpy as np

from shared.errors import NoParallax, SolveDiverged, TooFewFeatures

from .focal_vote import suspected_zoom
from .initial import Trial, initialise, look_at_pairs
from .job import Job
from .keyframes import choose_keyframes
from .mapper import grow, register_rest
from .motion_model import MotionChoice, choose_motion
from .scene import Lens, Scene
from .tracks import Tracks
from .triangulation import triangulate
from .two_view import TwoView


def map_tracks(job: Job, tracks: Tracks) -> tuple[Scene, tuple[str, ...]]:
    """Poses of all frames that can be placed, and points; and what the user should know."""
    keys = choose_keyframes(tracks, float(np.hypot(job.frames.width, job.frames.height)))
    lens, mapper, known = job.first_lens, job.mapper, job.focal_known
    views = look_at_pairs(tracks, keys, mapper.noise_px, job.steps)
    _require_parallax(job, choose_motion(tracks, views, lens, mapper.noise_px, job.steps, focal_known=known))
    trial = initialise(tracks, keys, views, lens, mapper, job.steps, focal_known=known)
    scene = _started(job, trial, views).scene
    everything = np.ones(tracks.count, bool)
    scene = triangulate(
        scene, tracks, wanted=everything, least_angle_deg=1.0, most_error_px=4.0 * mapper.noise_px
    )  # fmt: skip
    scene = grow(scene, tracks, keys, mapper, job.steps)
    return register_rest(scene, tracks, mapper, job.steps), _zoom_notices(job, views, lens)


def _zoom_notices(job: Job, views: list[TwoView], lens: Lens) -> tuple[str, ...]:
    zoom = suspected_zoom(views, lens, len(job.frames.numbers))
    if zoom is None:
        return ()
    return (
        f"The lens seems to zoom: its focal length changes by about {zoom:.1f} times over {job.span}. One focal "
        "length is solved for all frames, so this camera cannot be exact.",
    )


def _require_parallax(job: Job, motion: MotionChoice) -> None:
    if motion.model == "full":
        return
    what = "does not move" if motion.model == "locked" else "turns without travelling"
    raise NoParallax(
        f"Tripod or pan: the camera {what} ({job.span}). A rotation explains the tracks as well as any movement does "
        f"(GRIC {motion.gric_turning:.0f} against {motion.gric_travelling:.0f}), so there is no depth to solve from.",
        motion=motion.model,
    )


def _started(job: Job, trial: Trial | None, views: list[TwoView]) -> Trial:
    if trial is not None:
        return trial
    if not views:
        raise TooFewFeatures(f"No two key frames of {job.span} share enough features.")
    raise SolveDiverged(f"No pair of {job.span} gives a camera that other frames agree with.")
