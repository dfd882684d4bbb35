"""The whole solve: frames in, camera out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pycolmap

from shared.errors import ClipTooShort, NoParallax, SolveDiverged, TooFewFeatures

from .assemble import assemble
from .blas_threads import one_blas_thread
from .focal_vote import suspected_zoom
from .frames import FrameSource, Observer, SilentObserver
from .gauge import handy_world
from .initial import Trial, initialise, look_at_pairs
from .keyframes import choose_keyframes
from .mapper import MapperSettings, grow, register_rest
from .motion_model import MotionChoice, choose_motion
from .progress import Steps
from .refine import Refined, RefineSettings, first_fit, refine
from .result import CameraSolve
from .reunion import reunite
from .scene import Lens, Scene
from .settings import SfmSettings
from .tracking import plate_px, track_clip
from .tracks import Tracks
from .triangulation import triangulate
from .two_view import TwoView

_NOISE_PX = 0.35
"""Expected error of a track, px at tracking resolution, until the solve has measured it."""

_FOCAL_DOUBT = {"user": 0.03, "metadata": 0.1}
"""Relative standard deviation of a given focal length that may be refined."""

_LEAST_FRAMES = 3
_LEAST_SOLVED_SHARE = 0.5
_LEAST_POINTS = 12
_MANY_FRAMES = 200
"""From here on the camera system is large enough for several BLAS threads to pay."""


@dataclass(frozen=True)
class _Job:
    """One solve. px: plate pixels per tracking pixel."""

    frames: FrameSource
    settings: SfmSettings
    steps: Steps
    px: float

    @property
    def mapper(self) -> MapperSettings:
        return MapperSettings(
            _NOISE_PX * self.px, not self.settings.fix_focal, _focal_prior(self.settings), self.settings.seed
        )  # fmt: skip

    @property
    def span(self) -> str:
        return f"frames {self.frames.numbers[0]}-{self.frames.numbers[-1]}"


def solve(frames: FrameSource, settings: SfmSettings, observer: Observer | None = None) -> CameraSolve:
    """The camera of a clip.

    Raises `ClipTooShort`, `TooFewFeatures`, `CutInClip`, `NoParallax`, `SolveDiverged`, and whatever the
    observer raises.
    """
    _require_length(frames)
    cv2.setRNGSeed(settings.seed)
    pycolmap.set_random_seed(settings.seed)
    steps = Steps(observer or SilentObserver(), len(frames.numbers))
    job = _Job(frames, settings, steps, plate_px(frames, settings))
    if len(frames.numbers) > _MANY_FRAMES:
        return _solve(job)
    with one_blas_thread():
        return _solve(job)


def _solve(job: _Job) -> CameraSolve:
    steps = job.steps
    with steps.step("tracking", "Tracking", 0.5):
        tracks = track_clip(job.frames, job.settings, steps)
    with steps.step("mapping", "Finding the camera's movement", 0.7):
        scene, notices = _map(job, tracks)
    with steps.step("refining", "Refining the camera", 0.95):
        refined = _refine(job, scene, tracks)
    _require_sense(job, refined)
    with steps.step("finishing", "Colouring the points", 1.0):
        refined = replace(refined, scene=handy_world(refined.scene))
        result = assemble(job.frames, refined, job.settings, steps)
    return replace(result, notices=(*notices, *_lost_notices(result)), seconds=steps.seconds)


def _lost_notices(result: CameraSolve) -> tuple[str, ...]:
    lost = [frame.number for frame in result.frames if frame.world_from_camera is None]
    if not lost:
        return ()
    named = ", ".join(f"{a}-{b}" if b > a else f"{a}" for a, b in _ranges(lost))
    return (f"{len(lost)} of {len(result.frames)} frames could not be placed and have no camera: {named}.",)


def _ranges(numbers: list[int]) -> list[tuple[int, int]]:
    """Runs of consecutive numbers, first and last of each."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _require_length(frames: FrameSource) -> None:
    count = len(frames.numbers)
    if count < _LEAST_FRAMES:
        plural = "" if count == 1 else "s"
        raise ClipTooShort(f"The clip has {count} frame{plural}; a solve needs at least {_LEAST_FRAMES}.")


def _first_lens(job: _Job) -> Lens:
    width, height = job.frames.width, job.frames.height
    focal = job.settings.focal_px or 1.2 * max(width, height)
    return Lens(focal, width / 2.0, height / 2.0, aspect=job.settings.pixel_aspect)


def _focal_prior(settings: SfmSettings) -> tuple[float, float] | None:
    if settings.focal_px is None or settings.fix_focal:
        return None
    return settings.focal_px, _FOCAL_DOUBT[settings.focal_source] * settings.focal_px


def _map(job: _Job, tracks: Tracks) -> tuple[Scene, tuple[str, ...]]:
    """Poses of all frames that can be placed, and points; and what the user should know."""
    keys = choose_keyframes(tracks, float(np.hypot(job.frames.width, job.frames.height)))
    lens, mapper, known = _first_lens(job), job.mapper, job.settings.focal_px is not None
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


def _zoom_notices(job: _Job, views: list[TwoView], lens: Lens) -> tuple[str, ...]:
    zoom = suspected_zoom(views, lens, len(job.frames.numbers))
    if zoom is None:
        return ()
    return (
        f"The lens seems to zoom: its focal length changes by about {zoom:.1f} times over {job.span}. One focal "
        "length is solved for all frames, so this camera cannot be exact.",
    )


def _require_parallax(job: _Job, motion: MotionChoice) -> None:
    if motion.model == "full":
        return
    what = "does not move" if motion.model == "locked" else "turns without travelling"
    raise NoParallax(
        f"Tripod or pan: the camera {what} ({job.span}). A rotation explains the tracks as well as any movement does "
        f"(GRIC {motion.gric_turning:.0f} against {motion.gric_travelling:.0f}), so there is no depth to solve from.",
        motion=motion.model,
    )


def _started(job: _Job, trial: Trial | None, views: list[TwoView]) -> Trial:
    if trial is not None:
        return trial
    if not views:
        raise TooFewFeatures(f"No two key frames of {job.span} share enough features.")
    raise SolveDiverged(f"No pair of {job.span} gives a camera that other frames agree with.")


def _refine(job: _Job, scene: Scene, tracks: Tracks) -> Refined:
    preset = job.settings.preset
    options = RefineSettings(
        preset.rounds, preset.iterations, not job.settings.fix_focal, _focal_prior(job.settings),
        job.settings.distortion, job.px,
    )  # fmt: skip
    scene, bundle = first_fit(scene, tracks, options, job.steps)
    tracks = reunite(job.frames, scene, tracks, preset, job.steps)
    refined = refine(scene, tracks, options, bundle, job.steps)
    if refined.scene.posed.all():
        return refined
    more = register_rest(refined.scene, tracks, job.mapper, job.steps)
    if more.posed.sum() == refined.scene.posed.sum():
        return refined
    return refine(more, tracks, options, bundle, job.steps)


def _require_sense(job: _Job, refined: Refined) -> None:
    """A solve that explains little is no solve."""
    scene, tracks, numbers = refined.scene, refined.tracks, job.frames.numbers
    placed = int(scene.posed.sum())
    if placed < max(_LEAST_FRAMES, _LEAST_SOLVED_SHARE * len(scene.posed)):
        first_lost = numbers[int(np.argmin(scene.posed))]
        raise SolveDiverged(
            f"Only {placed} of {len(scene.posed)} frames agree on a camera; the others start at frame {first_lost}."
        )
    used = scene.known[tracks.track] & scene.posed[tracks.frame]
    if used.sum() < _LEAST_POINTS * placed:
        raise SolveDiverged(f"Only {int(used.sum() / placed)} points a frame agree on a camera.")
