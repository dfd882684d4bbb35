"""The whole solve: frames in, camera out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import pycolmap

from shared.errors import ClipTooShort, NoParallax, SolveDiverged, TooFewFeatures

from .assemble import assemble
from .frames import FrameSource, Observer, SilentObserver
from .gauge import handy_world
from .initial import Trial, initialise, look_at_pairs
from .keyframes import choose_keyframes
from .mapper import MapperSettings, grow, register_rest
from .motion_model import MotionChoice, choose_motion
from .refine import Refined, RefineSettings, first_fit, refine
from .result import CameraSolve
from .scene import Lens, Scene
from .settings import SfmSettings, longest_side
from .reunion import reunite
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
_MOST_NOISE_PX = 1.5


@dataclass
class _Clock:
    """Wall seconds by step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


@dataclass
class _Steps:
    """Tells the observer of the steps after tracking, at most ten times a second."""

    observer: Observer
    total: int
    note: str = ""
    _last: float = 0.0

    def __call__(self) -> None:
        self.observer.check_cancelled()
        now = time.monotonic()
        if now - self._last > 0.1:
            self._last = now
            self.observer.progress(self.total, self.total, None, self.note)


def solve(frames: FrameSource, settings: SfmSettings, observer: Observer | None = None) -> CameraSolve:
    """The camera of a clip.

    Raises `ClipTooShort`, `TooFewFeatures`, `CutInClip`, `NoParallax`, `SolveDiverged`, and whatever the
    observer raises.
    """
    observer = observer or SilentObserver()
    _require_length(frames)
    cv2.setRNGSeed(settings.seed)
    pycolmap.set_random_seed(settings.seed)
    clock = _Clock()
    with clock.step("tracking"):
        tracks = track_clip(frames, settings, observer)
    px = plate_px(frames, settings)
    steps = _Steps(observer, len(frames.numbers), "Finding the camera's movement")
    with clock.step("mapping"):
        scene = _map(frames, tracks, settings, px, steps)
    steps.note = "Refining the camera"
    with clock.step("refining"):
        refined = _refine(frames, scene, tracks, settings, px, steps)
    _require_sense(refined, frames, px)
    with clock.step("finishing"):
        refined = replace(refined, scene=handy_world(refined.scene))
        steps.note = "Colouring the points"
        result = assemble(frames, refined, settings, steps)
    return replace(result, seconds=clock.seconds)


def _require_length(frames: FrameSource) -> None:
    count = len(frames.numbers)
    if count < _LEAST_FRAMES:
        raise ClipTooShort(f"The clip has {count} frame{'s' if count != 1 else ''}; a solve needs {_LEAST_FRAMES}.")


def _first_lens(frames: FrameSource, settings: SfmSettings) -> Lens:
    focal = settings.focal_px or 1.2 * max(frames.width, frames.height)
    return Lens(focal, frames.width / 2.0, frames.height / 2.0, aspect=settings.pixel_aspect)


def _focal_prior(settings: SfmSettings) -> tuple[float, float] | None:
    if settings.focal_px is None or settings.fix_focal:
        return None
    return settings.focal_px, _FOCAL_DOUBT[settings.focal_source] * settings.focal_px


def _map(frames: FrameSource, tracks: Tracks, settings: SfmSettings, px: float, steps: _Steps) -> Scene:
    """Poses of all frames that can be placed, and points."""
    keys = choose_keyframes(tracks, float(np.hypot(frames.width, frames.height)))
    lens, sigma = _first_lens(frames, settings), _NOISE_PX * px
    known = settings.focal_px is not None
    views = look_at_pairs(tracks, keys, sigma, steps)
    _require_parallax(choose_motion(tracks, views, lens, sigma, focal_known=known), frames)
    mapper = MapperSettings(sigma, not settings.fix_focal, _focal_prior(settings), settings.seed)
    trial = initialise(tracks, keys, views, lens, mapper, steps, focal_known=known)
    scene = _started(trial, views, frames).scene
    scene = triangulate(
        scene, tracks, wanted=np.ones(tracks.count, bool), least_angle_deg=1.0, most_error_px=4.0 * sigma
    )
    scene = grow(scene, tracks, keys, mapper, steps)
    return register_rest(scene, tracks, mapper, steps)


def _require_parallax(motion: MotionChoice, frames: FrameSource) -> None:
    if motion.model == "full":
        return
    span = f"frames {frames.numbers[0]}-{frames.numbers[-1]}"
    what = "does not move" if motion.model == "locked" else "turns without travelling"
    raise NoParallax(
        f"Tripod or pan: the camera {what} ({span}). A rotation explains the tracks as well as any movement does "
        f"(GRIC {motion.gric_turning:.0f} against {motion.gric_travelling:.0f}), so there is no depth to solve from.",
        motion=motion.model,
    )


def _started(trial: Trial | None, views: list[TwoView], frames: FrameSource) -> Trial:
    if trial is not None:
        return trial
    if not views:
        raise TooFewFeatures(
            f"No two key frames of frames {frames.numbers[0]}-{frames.numbers[-1]} share enough features."
        )
    raise SolveDiverged(
        f"No pair of frames in {frames.numbers[0]}-{frames.numbers[-1]} gives a camera that other frames agree with."
    )


def _refine(frames: FrameSource, scene: Scene, tracks: Tracks, settings: SfmSettings, px: float, steps: _Steps) -> Refined:
    preset = settings.preset
    options = RefineSettings(
        preset.rounds, preset.iterations, not settings.fix_focal, _focal_prior(settings), settings.distortion, px
    )
    import time
    t0=time.time()
    scene, bundle = first_fit(scene, tracks, options, steps)
    t1=time.time()
    n0=len(tracks.track)
    longest = longest_side(preset, frames.width, frames.height)
    tracks = reunite(frames, scene, tracks, longest, preset.radius, steps)
    t2=time.time()
    refined = refine(scene, tracks, options, bundle, steps)
    print('first',t1-t0,'reun',t2-t1,'refine',time.time()-t2, n0, len(tracks.track),len(refined.tracks.track))
    if not refined.scene.posed.all():
        mapper = MapperSettings(_NOISE_PX * px, False, None, settings.seed)
        more = register_rest(refined.scene, tracks, mapper, steps)
        if more.posed.sum() > refined.scene.posed.sum():
            refined = refine(more, tracks, options, bundle, steps)
    return refined


def _require_sense(refined: Refined, frames: FrameSource, px: float) -> None:
    """A solve that explains little is no solve."""
    scene, tracks = refined.scene, refined.tracks
    placed = int(scene.posed.sum())
    if placed < max(_LEAST_FRAMES, _LEAST_SOLVED_SHARE * len(scene.posed)):
        lost = [frames.numbers[i] for i in np.nonzero(~scene.posed)[0]]
        raise SolveDiverged(
            f"Only {placed} of {len(scene.posed)} frames agree on a camera; the others start with frame {lost[0]}."
        )
    used = scene.known[tracks.track] & scene.posed[tracks.frame]
    if used.sum() < 12 * placed:
        raise SolveDiverged(f"Only {int(used.sum() / placed)} points a frame agree on a camera.")
