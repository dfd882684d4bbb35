"""The whole solve: frames in, camera out."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import cv2
import pycolmap

from .assemble import assemble
from .blas_threads import one_blas_thread
from .frames import FrameSource, Observer, SilentObserver
from .hinted_tracks import hinted
from .job import Job
from .known_gauge import placed
from .mapper import register_rest
from .mapping import Mapped, map_tracks, with_depth
from .mixed import with_spans
from .motion_result import with_motion
from .movers import still_part, with_masks, with_rest
from .progress import SOLVED_SHARE, Steps
from .refine import Refined, RefineSettings, first_fit, held_to, refine
from .result import CameraSolve
from .reunion import reunite
from .sense import lost_notices, require_agreement, require_length, require_sense
from .settings import SfmSettings
from .shutter_solve import with_shutter
from .tracking import plate_px, track_clip, tracking_key
from .tracks import Tracks
from .zoom import follow_zoom, zoom_notices

_MANY_FRAMES = 200
"""From here on the camera system is large enough for several BLAS threads to pay."""


def solve(frames: FrameSource, settings: SfmSettings, observer: Observer | None = None) -> CameraSolve:
    """The camera of a clip.

    Raises `ClipTooShort`, `TooFewFeatures`, `CutInClip`, `NoParallax`, `SolveDiverged`, and whatever the
    observer raises.
    """
    require_length(frames)
    job = _job(frames, settings, observer)
    with _threads(job):
        with job.steps.step("tracking", "Tracking", 0.5):
            tracks = track_clip(frames, settings, job.steps)
        return _camera_of(job, tracks)


def solve_tracks(
    tracks: Tracks, frames: FrameSource, settings: SfmSettings, observer: Observer | None = None
) -> CameraSolve:
    """The camera of tracks that somebody else made: another engine's matches go through the same mapper.

    tracks: over all of `frames`, px of the plate, `sigma` as far as it is known (it is calibrated later).
    Raises as `solve` does, but for tracking's own `CutInClip`.
    """
    require_length(frames)
    job = _job(frames, settings, observer)
    with _threads(job):
        return _camera_of(job, tracks)


def _job(frames: FrameSource, settings: SfmSettings, observer: Observer | None) -> Job:
    cv2.setRNGSeed(settings.seed)
    pycolmap.set_random_seed(settings.seed)
    steps = Steps(observer or SilentObserver(), len(frames.numbers))
    return Job(frames, settings, steps, plate_px(frames, settings))


def _threads(job: Job) -> AbstractContextManager[object]:
    return nullcontext() if len(job.frames.numbers) > _MANY_FRAMES else one_blas_thread()


def _camera_of(job: Job, found: Tracks) -> CameraSolve:
    """Everything after tracking."""
    steps, source = job.steps, job.frames
    key = tracking_key(source, job.settings)
    size, hints = (source.width, source.height), job.settings.hints
    given = hinted(found, key, hints, source.numbers, size, job.settings.track_tables)
    tracks = given.tracks
    with steps.step("mapping", "Finding the camera's movement", 0.7):
        mapped = with_depth(job, map_tracks(job, tracks), tracks)
    with steps.step("refining", "Refining the camera", 0.95):
        refined, spans = _refine(job, mapped, tracks)
        refined = _rolling(job, mapped, refined)
    require_sense(job.frames, refined)
    doubts = require_agreement(job.frames, refined, job.mapper.noise_px)
    with steps.step("finishing", "Colouring the points", SOLVED_SHARE):
        world = placed(refined.scene, given.known)
        refined = replace(refined, scene=world.scene)
        if world.priors is not None:
            refined = held_to(refined, world.priors, steps)
        result = with_motion(assemble(job.frames, refined, job.settings, steps), refined, mapped)
        result = with_masks(result, refined, job)
    assert result.tracks is not None
    return replace(
        result,
        motion_evidence={**result.motion_evidence, **spans},
        tracks=replace(given.labelled(result.tracks), key=key),
        gauge=world.gauge,
        notices=(
            *given.notices,
            *mapped.notices,
            *world.notices,
            *zoom_notices(result),
            *lost_notices(result),
            *doubts,
        ),
        seconds=steps.seconds,
    )


def _options(job: Job, mapped: Mapped) -> RefineSettings:
    if mapped.focal_source is None:
        return replace(job.refinement, depths=mapped.depths)
    return replace(job.refinement, free_focal=False, focal_prior=None, distortion="none")


def _rolling(job: Job, mapped: Mapped, refined: Refined) -> Refined:
    """The solve again with its rows read in turn, when that is wanted."""
    if job.shutter is None:
        return refined
    options = _options(job, mapped)
    shutter = replace(job.shutter, choose_lens=options.distortion == "auto")
    return with_shutter(refined, options, shutter, job.steps)


def _refine(job: Job, mapped: Mapped, tracks: Tracks) -> tuple[Refined, dict[str, object]]:
    """The refined scene, and what is known of the spans in which the camera stands."""
    scene, options = mapped.scene, _options(job, mapped)
    found: dict[str, object] = {}
    # A camera knows better than pairs of frames, in both directions: what they dropped wrongly comes back.
    still = still_part(scene, tracks, mapped.moving, job)
    scene, bundle = first_fit(scene, still, options, job.steps)
    scene, bundle = follow_zoom(scene, still, bundle, replace(job.zoom, refinement=options), job.steps)
    if scene.spans is None and scene.zoom is None and job.settings.motion == "auto":
        mixed = with_spans(job, scene, still)
        if mixed is not None:
            found = mixed.facts(job.frames.numbers)
            scene, bundle = first_fit(mixed.scene, still, options, job.steps)
    still = reunite(job.frames, scene, still_part(scene, tracks, mapped.moving, job), job.settings.preset, job.steps)
    refined = refine(scene, still, options, bundle, job.steps)
    more = register_rest(refined.scene, still, job.mapper, job.steps)
    if more.posed.sum() > refined.scene.posed.sum():
        refined = refine(more, still, options, bundle, job.steps)
    return with_rest(refined, tracks), found
