"""The first frames of the map, and a focal length when none is known.

Several focal lengths and pairs are tried: each gives a small scene of a few key frames, bundle adjusted; the
scene that explains most observations best is kept. That is slower than trusting one pair and does not hang on
a wide baseline (COLMAP wants 16 degrees), which a video often has nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .bundle import BundleSettings, adjust
from .focal_vote import vote_focal
from .frames import Flags, Floats
from .lens_jacobians import FreeLens
from .mapper import MapperSettings, grow, settle
from .outliers import errors_px
from .scene import Lens, Scene, empty_scene
from .track_motion import AGREES, whole_track_residual
from .tracks import Tracks, pair_of, some_pairs_of
from .triangulation import triangulate
from .two_view import TwoView, look_at_pair

_PAIR_TRACKS = 400
_TRIAL_TRACKS = 400
_TRIAL_FRAMES = 5
_GUESSES = (1.2, 0.85, 1.8)
_MOST_AGREE = 0.75
"""Share of agreeing tracks from which on no other pair is tried."""


@dataclass(frozen=True)
class Trial:
    """A small scene and how good it is: share of observations explained within 3 sigma, and their noise. agreeing:
    share of all tracks of its frames, the others than it grew from among them, that stand still in it: a whip pan
    past somebody gives pairs of few tracks that explain each other and nothing else. loss: mean square error, px^2, of
    all observations in key frames, none counted as worse than 3 sigma."""

    scene: Scene
    explained: float
    agreeing: float
    noise_px: float
    angle_deg: float
    loss: float

    @property
    def merit(self) -> float:
        return self.explained + self.agreeing - 0.02 * self.noise_px


def look_at_pairs(tracks: Tracks, keys: list[int], sigma: float, checkpoint: Callable[[], None]) -> list[TwoView]:
    """Two-view models of key frames up to six steps apart that share tracks."""
    views = []
    for i, first in enumerate(keys):
        for second in keys[i + 1 : i + 7]:
            checkpoint()
            a, b = some_pairs_of(tracks, first, second, _PAIR_TRACKS)
            if len(a) >= 40:
                views.append(look_at_pair(first, second, a, b, sigma))
    return views


def initialise(
    tracks: Tracks, keys: list[int], views: list[TwoView], lens: Lens, settings: MapperSettings,
    checkpoint: Callable[[], None], *, focal_known: bool, turning_focal: float | None = None,
) -> Trial | None:  # fmt: skip
    """The best small scene, its focal length refined. None when no pair gives one. focal_known: the lens's
    focal length was given; where it may be refined, what the pairs say of it is tried too. turning_focal: the best for
    a camera that only turns, or None: where it hardly travels, epipolar geometry says less of it."""
    focals = _focal_guesses(views, lens)
    if turning_focal is not None:
        focals.insert(0, turning_focal)
    if focal_known:
        focals = [lens.focal, *(focals[:1] if settings.free_focal else [])]
    if settings.focal_range is not None:
        focals = list(dict.fromkeys(np.clip(focals, *settings.focal_range).tolist()))
    best: Trial | None = None
    for view in promising(views)[:4]:
        for focal in focals:
            checkpoint()
            blank = empty_scene(replace(lens, focal=focal), tracks.frames, tracks.count)
            trial = attempt(tracks, keys, view, blank, settings, checkpoint)
            if trial is not None and (best is None or trial.merit > best.merit):
                best = trial
        if best is not None and best.explained > 0.75 and best.agreeing > _MOST_AGREE and best.angle_deg > 1.5:
            break
    return best


def _focal_guesses(views: list[TwoView], lens: Lens) -> list[float]:
    width = 2.0 * lens.cx
    longest = max(width, 2.0 * lens.cy)
    guesses = vote_focal(views, lens)[:2]
    for share in _GUESSES:
        if all(abs(np.log(share * longest / g)) > 0.15 for g in guesses):
            guesses.append(share * longest)
    return guesses


def promising(views: list[TwoView]) -> list[TwoView]:
    """Pairs by parallax and number of tracks, those that GRIC calls full movement first."""
    return sorted(
        (v for v in views if v.fundamental is not None),
        key=lambda v: (not v.full, -min(v.parallax_px, 30.0) * np.sqrt(float(v.inliers.sum()))),
    )


def attempt(
    tracks: Tracks, keys: list[int], view: TwoView, blank: Scene, settings: MapperSettings,
    checkpoint: Callable[[], None],
) -> Trial | None:  # fmt: skip
    """A small scene that grows from the pair `view`. blank: an empty one with the lens, or the zoom, to start from."""
    small = _longest_in(tracks, view, _TRIAL_TRACKS)
    scene = _from_pair(small, view, blank, settings)
    if scene is None:
        return None
    near = sorted(keys, key=lambda k: (_distance(k, view), k))[: _TRIAL_FRAMES + 2]
    scene = grow(scene, small, [k for k in near if not scene.posed[k]][:_TRIAL_FRAMES], settings, checkpoint)
    scene = settle(scene, small, settings, checkpoint, iterations=15)
    if scene.posed.sum() < min(3, len(keys)):
        return None
    return _judge(scene, small.select(np.isin(small.frame, keys)), tracks, settings)


def _distance(key: int, view: TwoView) -> int:
    """Frames outside the pair's span; inside ones come first, farthest from both ends."""
    if view.first <= key <= view.second:
        return -min(key - view.first, view.second - key)
    return min(abs(key - view.first), abs(key - view.second))


def _judge(scene: Scene, tracks: Tracks, everything: Tracks, settings: MapperSettings) -> Trial:
    error = errors_px(scene, tracks)
    posed = scene.posed[tracks.frame]
    good = np.nan_to_num(error, nan=np.inf) < 3.0 * settings.noise_px
    noise = float(np.median(error[good])) if good.any() else np.inf
    rays = scene.points[scene.known]
    angle = _widest_angle(scene, rays) if len(rays) else 0.0
    loss = np.minimum(np.nan_to_num(error, nan=np.inf), 3.0 * settings.noise_px) ** 2
    explained = float(good[posed].mean()) if posed.any() else 0.0
    return Trial(scene, explained, _agreeing(scene, everything, settings), noise, angle, float(loss.mean()))


def _agreeing(scene: Scene, tracks: Tracks, settings: MapperSettings) -> float:
    """Share of the tracks that one place each explains, in the frames that have a pose."""
    rms, judged = whole_track_residual(scene, tracks)
    return float((rms[judged] < AGREES * settings.noise_px).mean()) if judged.any() else 0.0


def _widest_angle(scene: Scene, points: Floats) -> float:
    """Median over the points of the angle between the two outermost cameras, degrees."""
    centres = scene.centres[scene.posed]
    away = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    i, j = np.unravel_index(int(away.argmax()), away.shape)
    a, b = points - centres[i], points - centres[j]
    cosine = (a * b).sum(1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-12)
    return float(np.median(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))))


def _longest_in(tracks: Tracks, view: TwoView, count: int) -> Tracks:
    """The tracks that both frames of the pair see, at most `count`, the longest."""
    common, _, _ = pair_of(tracks, view.first, view.second)
    lengths = tracks.lengths()[common]
    chosen = common[np.argsort(-lengths, kind="stable")[:count]]
    keep: Flags = np.zeros(tracks.count, bool)
    keep[chosen] = True
    return tracks.select(keep[tracks.track])


def _from_pair(tracks: Tracks, view: TwoView, blank: Scene, settings: MapperSettings) -> Scene | None:
    """Two poses from the essential matrix (Nister's five points under RANSAC) and their points."""
    _, a, b = pair_of(tracks, view.first, view.second)
    if len(a) < 12:
        return None
    one, other = blank.lens_of(view.first), blank.lens_of(view.second)
    relative = _relative_pose(
        one.normalised(a), other.normalised(b), 3.0 * settings.noise_px / np.sqrt(one.focal * other.focal), settings
    )
    if relative is None:
        return None
    turn, move = relative
    scene = blank.with_pose(view.first, np.eye(3), np.zeros(3))
    scene = scene.with_pose(view.second, turn, move)
    scene = triangulate(
        scene, tracks, wanted=np.ones(tracks.count, bool), least_angle_deg=0.3, most_error_px=6.0 * settings.noise_px
    )
    if scene.known.sum() < 12:
        return None
    fixed = np.zeros(tracks.frames, bool)
    fixed[view.first] = True
    bundle = BundleSettings(iterations=8, free=FreeLens(focal=False), scale_px=2.0 * settings.noise_px, fixed=fixed)
    return adjust(scene, replace(tracks, sigma=np.ones(len(tracks.sigma))), bundle)[0]


def _relative_pose(a: Floats, b: Floats, threshold: float, settings: MapperSettings) -> tuple[Floats, Floats] | None:
    """Rotation and unit translation between two views of normalised matches a, b [K, 2]."""
    cv2.setRNGSeed(settings.seed)
    try:
        matrix, mask = cv2.findEssentialMat(a, b, np.eye(3), method=cv2.RANSAC, prob=0.9999, threshold=threshold)
        if matrix is None or matrix.shape[0] < 3:
            return None
        _, turn, move, _ = cv2.recoverPose(matrix[:3], a, b, np.eye(3), mask=np.asarray(mask).copy())
    except cv2.error:  # OpenCV asserts when every sample is degenerate
        return None
    return np.asarray(turn, np.float64), np.asarray(move, np.float64).ravel()
