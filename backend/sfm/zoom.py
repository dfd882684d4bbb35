"""Finds out whether the lens zooms, and follows it when it does.

A clip is solved with one focal length first. Only when `zoom_evidence` says that a changing one would explain it
better is it solved again with a focal length for every frame, and that is kept when the criterion still holds for the
real costs and the change is visible: otherwise the lens stays constant, bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .bundle import BundleSettings, adjust
from .frames import Floats
from .lens_jacobians import FreeLens
from .mapper import MapperSettings
from .outliers import calibrated, errors_px, noise_px
from .refine import FLOOR_PX, RefineSettings, all_points, choose_lens, cleaned
from .result import CameraSolve
from .scene import Lens, Scene
from .tracks import Tracks
from .triangulation import triangulate
from .zoom_evidence import ZoomEvidence, focal_noise, thinned_out, zoom_evidence
from .zoom_prior import slope_changes
from .zoom_start import map_zoom

LEAST_RATIO = 1.004
"""Longest over shortest focal length: with less, a lens stays exactly constant. It is what the least k1 moves the
picture's corner by (refine.py), and less than any lens breathes."""

_LARGE_RATIO = 1.1
"""From here on the scene with one focal length may be too wrong to start from."""

_LONGEST = 600
"""Tracks that the focal lengths are first found from: the longest."""

_CRAWL = 60
_LOOSE = 0.02
"""Standard deviation of the slope changes of a zoom until it has been measured: that of a rocker hit hard."""

_LET_GO = 3.0


@dataclass(frozen=True)
class ZoomTask:
    """mode: "auto", "fixed" or "free". lens: to begin with, its focal length given or guessed."""

    mode: str
    lens: Lens
    focal_known: bool
    mapper: MapperSettings
    refinement: RefineSettings

    @property
    def possible(self) -> bool:
        """Whether the focal length may change at all: one that is held may not."""
        return self.mode != "fixed" and self.refinement.free_focal


def follow_zoom(
    scene: Scene, tracks: Tracks, bundle: BundleSettings, task: ZoomTask, checkpoint: Callable[[], None]
) -> tuple[Scene, BundleSettings]:
    """The scene that was solved with one focal length and its settings as they are, or both with a zoom."""
    if scene.zoom is not None:
        return scene, replace(bundle, zoom_scale=_LOOSE, tolerance=1e-5)
    if not task.possible or scene.spans is not None:
        return scene, bundle
    px = task.refinement.px
    evidence = _evidence(scene, tracks, bundle, px)
    if task.mode == "auto" and evidence.pieces == 0:
        return scene, bundle
    free = FreeLens() if task.refinement.distortion == "auto" else bundle.free
    starts = _starts(scene, tracks, evidence, task, checkpoint)
    fitted = [_fitted(start, tracks, free, task.refinement, checkpoint) for start in starts]
    zoomed, settings = min(fitted, key=lambda fit: _loss(all_points(fit[0], tracks, _LET_GO * px), tracks, px))
    if task.mode == "auto" and not _better(zoomed, scene, tracks, max(evidence.pieces, 1), px):
        return scene, bundle
    return zoomed, settings


def _evidence(scene: Scene, tracks: Tracks, bundle: BundleSettings, px: float) -> ZoomEvidence:
    """What all tracks say, the ones too that one focal length made outliers of."""
    with_lost = triangulate(
        scene, tracks, wanted=~scene.known, least_angle_deg=0.3, most_error_px=_LET_GO * px
    )  # fmt: skip
    noise = max(noise_px(errors_px(with_lost, tracks), np.inf), FLOOR_PX * px)
    return zoom_evidence(
        with_lost, replace(tracks, sigma=np.full(len(tracks.sigma), noise)), bundle.free, bundle.scale_px
    )


def _starts(
    scene: Scene, tracks: Tracks, evidence: ZoomEvidence, task: ZoomTask, checkpoint: Callable[[], None]
) -> list[Scene]:
    """Scenes to begin from: the one at hand, its focal length bent as the evidence says, and a new map when it is far
    off."""
    straight = replace(scene.lens, k1=0.0, k2=0.0, p1=0.0, p2=0.0)
    lens = straight if task.refinement.distortion == "auto" else scene.lens
    bent = replace(scene, lens=lens).with_focals(lens.focal * np.exp(np.clip(evidence.profile, -0.7, 0.7)))
    if evidence.ratio < _LARGE_RATIO:
        return [bent]
    mapped = map_zoom(tracks, task.lens, task.mapper, checkpoint, focal_known=task.focal_known)
    return [bent] if mapped is None else [bent, mapped]


def _fitted(
    scene: Scene, tracks: Tracks, free: FreeLens, options: RefineSettings, checkpoint: Callable[[], None]
) -> tuple[Scene, BundleSettings]:
    """The zoom found from the longest tracks, then from all, then the lens model, then how smoothly it runs."""
    bundle = BundleSettings(
        iterations=_CRAWL, free=free, scale_px=2.0, tolerance=1e-6,
        focal_prior=options.focal_prior, focal_range=options.focal_range, zoom_scale=_LOOSE,
    )  # fmt: skip
    scene = all_points(scene, tracks, 6.0 * options.px)
    scene, _ = adjust(scene, _measured(scene, _longest(tracks, scene), options.px), bundle, checkpoint)
    bundle = replace(bundle, iterations=options.iterations, tolerance=1e-5)
    scene = all_points(scene, tracks, 6.0 * options.px)
    scene, _ = adjust(scene, _measured(scene, tracks, options.px), bundle, checkpoint)
    kept = cleaned(scene, tracks, options.px)
    kept = calibrated(kept, errors_px(scene, kept), FLOOR_PX * options.px)
    if options.distortion == "auto":
        scene, bundle = choose_lens(scene, kept, bundle, checkpoint)
    return scene, replace(bundle, zoom_scale=_smoothness(scene, kept, bundle))


def _longest(tracks: Tracks, scene: Scene) -> Tracks:
    """The longest tracks that are known."""
    lengths = np.where(scene.known, tracks.lengths(), 0)
    chosen = np.zeros(tracks.count, bool)
    chosen[np.argsort(-lengths, kind="stable")[:_LONGEST]] = True
    return tracks.select(chosen[tracks.track])


def _measured(scene: Scene, tracks: Tracks, px: float) -> Tracks:
    return calibrated(tracks, errors_px(scene, tracks), FLOOR_PX * px)


def _smoothness(scene: Scene, tracks: Tracks, bundle: BundleSettings) -> float:
    """The standard deviation of the zoom's changes of slope: what the focal lengths show beyond what their own
    uncertainty does. Medians, so that a sharp start or stop does not count."""
    scene = thinned_out(scene, tracks)
    frames = np.nonzero(scene.posed)[0]
    rows = slope_changes(frames)
    if len(rows) < 3:
        return _LOOSE
    noise = np.einsum("ij,jk,ik->i", rows, focal_noise(scene, tracks, bundle.free, bundle.scale_px), rows)
    shown = float(np.median((rows @ np.log(scene.focals[frames])) ** 2)) / 0.455
    own = float(np.median(noise))
    return float(np.sqrt(max(shown - own, 0.1 * own, 1e-10)))


def _better(zoomed: Scene, still: Scene, tracks: Tracks, pieces: int, px: float) -> bool:
    """Whether the zoom is visible, and worth its parameters by the Bayesian information criterion."""
    if np.ptp(np.log(zoomed.focals[zoomed.posed])) < np.log(LEAST_RATIO):
        return False
    sigma = _measured(zoomed, tracks, px).sigma
    even = replace(tracks, sigma=sigma)
    used = zoomed.known[tracks.track] & zoomed.posed[tracks.frame]
    thinned = len(np.unique(tracks.track[used])) / max(int(used.sum()), 1)
    gain = _cost(still, even) - _cost(zoomed, even)
    return gain * thinned > pieces * float(np.log(max(int(used.sum()), 2)))


def _loss(scene: Scene, tracks: Tracks, px: float) -> float:
    """Mean square error, px^2, of all observations; none counts as worse than _LET_GO px at tracking resolution."""
    error = np.nan_to_num(errors_px(scene, tracks), nan=np.inf)
    return float((np.minimum(error, _LET_GO * px) ** 2).mean())


def _cost(scene: Scene, tracks: Tracks) -> float:
    """Sum over all observations, in variances; none counts as worse than _LET_GO sigmas."""
    error = np.nan_to_num(errors_px(scene, tracks), nan=np.inf, posinf=np.inf) / tracks.sigma
    return float((np.minimum(error, _LET_GO) ** 2).sum())


def zoom_notices(solved: CameraSolve) -> tuple[str, ...]:
    """What the user should know about a lens that was found to zoom."""
    if not solved.zooms:
        return ()
    log, numbers = np.log(solved.focals), [frame.number for frame in solved.frames]
    away, back = _travelled(log), _travelled(log[::-1])
    first, last = numbers[max(away - 1, 0)], numbers[len(log) - max(back, 1)]
    start, end = solved.focals[0], solved.focals[-1]
    over = f"over frames {first}-{last}"
    if abs(np.log(end / start)) > 0.9 * np.ptp(log):
        return (f"The lens zooms from {start:.0f} to {end:.0f} px {over}.",)
    return (f"The lens zooms between {solved.focals.min():.0f} and {solved.focals.max():.0f} px {over}.",)


def _travelled(log: Floats) -> int:
    """The first index at which the focal length has left where it starts by a twentieth of its range."""
    return int(np.argmax(np.abs(log - log[0]) > 0.05 * np.ptp(log)))
