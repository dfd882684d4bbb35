"""The last bundle adjustments over every frame, and which lens model the data supports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from .bundle import BundleSettings, adjust
from .depth_sampling import placed_by_depth
from .depth_terms import DepthPriors
from .distortion import Brown
from .frames import Floats
from .lens_jacobians import FreeLens
from .outliers import calibrated, errors_px, inliers, weighed_by_track
from .scene import Lens, Scene
from .tracks import Tracks
from .triangulation import triangulate
from .world_priors import WorldPriors

FLOOR_PX = 0.05
"""No feature is placed better than this, px at tracking resolution."""

_LEAST_K1_EFFECT = 0.002
"""Distortion must move the picture's corner by this share of its distance from the middle: with less, a lens
stays exactly straight."""

_LEAST_K2_EFFECT = 0.01
"""k2 must move the corner by this share of its distance from the middle, beyond what k1 can do. Below that it
fits noise of other kinds (rolling shutter, frames that were rectified in the camera) just as well, and it
bends the borders, where few points hold it."""


_LEAST_TANGENTIAL_EFFECT = 0.002
"""As for k1, of what p1 and p2 do beyond a turn of the camera."""

_MOST_CUSHION = 0.04
"""By how much of its distance from the middle a lens may show a corner further out."""

_RICHER: tuple[tuple[tuple[str, ...], int, float], ...] = (
    (("k1",), 1, _LEAST_K1_EFFECT), (("k2",), 1, _LEAST_K2_EFFECT), (("tangential",), 2, _LEAST_TANGENTIAL_EFFECT),
)  # fmt: skip
"""What is freed in this order, how many parameters that is, and the least effect."""


@dataclass(frozen=True)
class RefineSettings:
    """px: plate px per tracking px. distortion: "auto", "none", "radial" or "tangential". depths:
    what depth maps say of the points of a shot that its rays do not hold, or None."""

    rounds: int
    iterations: int
    free_focal: bool
    focal_prior: tuple[float, float] | None
    distortion: str
    px: float
    focal_range: tuple[float, float] | None = None
    depths: DepthPriors | None = None


@dataclass(frozen=True)
class Refined:
    """tracks: the observations that were kept, their sigma calibrated. everything: all that there were, under the
    same track numbers. bundle: the settings of the last bundle adjustment. measured [M, 2]: where the plate shows
    `everything`, when that was rectified for a rolling shutter. facts: what else was found, by name."""

    scene: Scene
    tracks: Tracks
    everything: Tracks
    converged: bool
    bundle: BundleSettings = field(default_factory=BundleSettings)
    measured: Floats | None = None
    facts: dict[str, float] = field(default_factory=dict)


def first_fit(
    scene: Scene, tracks: Tracks, settings: RefineSettings, checkpoint: Callable[[], None]
) -> tuple[Scene, BundleSettings]:
    """A first bundle adjustment over all frames, and what of the lens is free from then on."""
    radial, both = settings.distortion in ("radial", "tangential"), settings.distortion == "tangential"
    free = FreeLens(settings.free_focal, radial, radial, tangential=both)
    bundle = BundleSettings(
        iterations=settings.iterations, free=free, scale_px=2.0, focal_prior=settings.focal_prior, tolerance=1e-3,
        focal_range=settings.focal_range, depths=settings.depths,
    )  # fmt: skip
    scene = all_points(scene, tracks, 6.0 * settings.px, settings.depths)
    measured = calibrated(tracks, errors_px(scene, tracks), FLOOR_PX * settings.px)
    scene, _ = adjust(scene, measured, bundle, checkpoint)
    if settings.distortion == "auto":
        kept = cleaned(scene, tracks, settings.px)
        kept = calibrated(kept, errors_px(scene, kept), FLOOR_PX * settings.px)
        scene, bundle = choose_lens(scene, kept, bundle, checkpoint)
    return scene, replace(bundle, tolerance=1e-4)


def refine(
    scene: Scene, tracks: Tracks, settings: RefineSettings, bundle: BundleSettings, checkpoint: Callable[[], None]
) -> Refined:
    """Alternates bundle adjustment with outlier removal."""
    converged = False
    kept = cleaned(scene, tracks, settings.px)
    for _ in range(settings.rounds):
        scene = all_points(scene, kept, 3.0 * settings.px, settings.depths)
        scene, report = adjust(scene, _measured(scene, kept, settings.px), bundle, checkpoint)
        converged = report.converged
        kept = cleaned(scene, tracks, settings.px)
    return Refined(scene, _measured(scene, kept, settings.px), tracks, converged, bundle)


def _measured(scene: Scene, tracks: Tracks, px: float) -> Tracks:
    """The tracks with the sigma that the scene shows, of all and of each."""
    error = errors_px(scene, tracks)
    return weighed_by_track(calibrated(tracks, error, FLOOR_PX * px), error)


def held_to(refined: Refined, world: WorldPriors, checkpoint: Callable[[], None]) -> Refined:
    """The solve, in the world of the priors, adjusted once more under them."""
    bundle = replace(refined.bundle, world=world, iterations=max(refined.bundle.iterations, 20))
    scene, report = adjust(refined.scene, refined.tracks, bundle, checkpoint)
    return replace(refined, scene=scene, bundle=bundle, converged=report.converged)


def all_points(scene: Scene, tracks: Tracks, most_px: float, depths: DepthPriors | None = None) -> Scene:
    """All tracks triangulated again; where rays say too little, points are put where a depth map has them."""
    everything = np.ones(tracks.count, bool)
    scene = triangulate(scene, tracks, wanted=everything, least_angle_deg=0.3, most_error_px=most_px)
    if depths is None or scene.spans is not None:  # where the camera stands, points have directions only
        return scene
    return placed_by_depth(scene, tracks, depths, most_px)


def cleaned(scene: Scene, tracks: Tracks, px: float) -> Tracks:
    """Observations within five sigma. All are judged anew: one that was thrown out by a worse scene may
    come back."""
    error = errors_px(scene, tracks)
    fresh = calibrated(tracks, error, FLOOR_PX * px)
    keep = inliers(fresh, error, 5.0, 3.0 * px)
    left = np.bincount(tracks.track[keep], minlength=tracks.count)
    return tracks.select(keep & ((left[tracks.track] >= 3) | tracks.held()))


def choose_lens(
    scene: Scene, tracks: Tracks, bundle: BundleSettings, checkpoint: Callable[[], None]
) -> tuple[Scene, BundleSettings]:
    """The lens model by the Bayesian information criterion: cost + parameters * log(observations).

    The cost is the robust bundle adjustment's, in units of the observations' variance, spread over the points
    and not the observations (errors along a track are not independent). A model must also bend the
    picture's corner visibly: with enough observations anything is significant.
    """
    used = scene.known[tracks.track] & scene.posed[tracks.frame]
    n = int(used.sum())
    thinned = int(np.unique(tracks.track[used]).size) / max(n, 1)
    best = _judge(scene, tracks, bundle, checkpoint, 0, thinned, n)
    for change, added, effect in _RICHER:
        freed = replace(best[1], free=replace(best[1].free, **dict.fromkeys(change, True)))
        richer = _judge(best[0], tracks, freed, checkpoint, added + _counted(best[1].free), thinned, n)
        visible = effect * float(np.hypot(scene.lens.cx, scene.lens.cy))
        seen = corner_shift(richer[0].lens, best[0].lens) > visible
        if richer[2] < best[2] and seen and believable(richer[0].lens):
            best = richer
        elif "k1" in change:
            break  # a lens that does not bend is not off its axis either
    return best[0], best[1]


def _counted(free: FreeLens) -> int:
    """Parameters of the distortion."""
    return int(free.k1) + int(free.k2) + 2 * int(free.tangential)


def believable(lens: Lens) -> bool:
    """Whether a lens can be built: out to the picture's corner no ray comes back towards the middle, and none is seen
    much further out than without distortion. Barrels of any strength are built, cushions of more than a few percent are
    not; what looks like one is a flat or distant set that leaves focal length and distortion to each other."""
    corner = np.hypot(lens.cx, lens.cy / lens.aspect) / lens.focal
    r = np.linspace(0.0, corner, 33)[1:]
    seen = np.stack([r, np.zeros_like(r)], 1)
    radial = Brown(lens.k1, lens.k2)
    straight = radial.straightened(seen)
    reached = bool(np.abs(radial.bent(straight) - seen).max() < 1e-6 and (np.diff(straight[:, 0]) > 0).all())
    return reached and bool((r / straight[:, 0]).max() < 1.0 + _MOST_CUSHION)


def _judge(
    scene: Scene, tracks: Tracks, bundle: BundleSettings, checkpoint: Callable[[], None], parameters: int,
    thinned: float, n: int,
) -> tuple[Scene, BundleSettings, float]:  # fmt: skip
    found, report = adjust(scene, tracks, bundle, checkpoint)
    return found, bundle, report.cost * thinned + parameters * float(np.log(max(n, 2)))


def corner_shift(lens: Lens, other: Lens) -> float:
    """How far, px, a corner of the picture is apart between two lenses: the root mean square over the four, without
    what they have in common (a turn of the camera does that)."""
    x, y = lens.cx / lens.focal, lens.cy / (lens.focal * lens.aspect)
    corners: Floats = np.array([[a, b, 1.0] for a in (-x, x) for b in (-y, y)])
    apart = lens.project(corners) - other.project(corners)
    return float(np.sqrt(((apart - apart.mean(0)) ** 2).sum(1).mean()))
