"""Bundle adjustment: lens, poses and points that explain all observations best.

Levenberg-Marquardt with the points eliminated (Triggs et al., "Bundle Adjustment - A Modern Synthesis",
1999) and a Cauchy loss by iteratively reweighted least squares. Written here and not left to Ceres because
one iteration is a call: a cancel acts between two, the same numbers give the same result, and terms of our own
can be added. Points are eliminated in chunks that touch a band of frames each, as dense products: the cost
grows linearly with the clip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from .camera_system import CameraSystem
from .depth_terms import DepthPriors
from .frames import Flags, Floats
from .lens_jacobians import FreeLens, moved_focals, moved_lens
from .normal_equations import Problem, System, gather, linearise, reduced_system, residuals
from .rotations import exponential, orthonormal
from .scene import Scene
from .spans import settled, tied
from .steps import Step, bend, step_of
from .tracks import Tracks
from .world_priors import WorldPriors
from .zoom_prior import prior_cost, prior_system

_MOST_BEHIND = 0.05
"""Share of observations whose point may be behind the camera before a step counts as wrong."""


@dataclass(frozen=True)
class BundleSettings:
    """free: what of the lens may change. scale_px: residual (in units of each observation's sigma) at which the
    Cauchy loss lets go. tolerance: relative gain of a step below which it has converged. focal_prior: (focal px, its
    standard deviation) or None; of a zoom it holds the mean. focal_range: least and greatest focal length, px, or
    None. zoom_scale: how smoothly a zoom runs (zoom_prior.py), or None for every frame on its own. fixed: frames whose
    pose is held [F] or None. depths: what depth maps say of the points, or None; not used while the lens zooms. world:
    what is known of points besides their tracks, in the scene's world, or None."""

    iterations: int = 20
    free: FreeLens = field(default_factory=FreeLens)
    scale_px: float = 1.0
    tolerance: float = 1e-5
    focal_prior: tuple[float, float] | None = None
    focal_range: tuple[float, float] | None = None
    zoom_scale: float | None = None
    fixed: Flags | None = None
    depths: DepthPriors | None = None
    world: WorldPriors | None = None


@dataclass(frozen=True)
class BundleReport:
    """cost: robust, in sigmas squared."""

    cost: float
    iterations: int
    converged: bool


def adjust(
    scene: Scene, tracks: Tracks, settings: BundleSettings, checkpoint: Callable[[], None] | None = None
) -> tuple[Scene, BundleReport]:
    """The scene with the least robust reprojection error. `checkpoint` is called between iterations and may
    raise. Observations of unknown points or in frames without a pose are left out."""
    problem = gather(scene, tracks)
    if settings.depths is not None and scene.zoom is None:
        solid = np.where(scene.far[problem.points], -1, problem.points)  # what is far away has a direction only
        depth = settings.depths.terms(solid[problem.row], problem.frames[problem.col])
        problem = replace(problem, depth=depth)
    if not len(problem.row):
        return scene, BundleReport(0.0, 0, True)
    scene, report = _descend(_within(scene, settings), problem, settings, checkpoint)
    return replace(scene, rotation=orthonormal(scene.rotation)), report


def _within(scene: Scene, s: BundleSettings) -> Scene:
    """The scene, its focal lengths within the range."""
    if s.focal_range is None or not s.free.focal:
        return scene
    if scene.zoom is not None:
        return scene.with_focals(np.clip(scene.zoom, *s.focal_range))
    focal = float(np.clip(scene.lens.focal, *s.focal_range))
    return replace(scene, lens=replace(scene.lens, focal=focal))


def _descend(
    scene: Scene, problem: Problem, settings: BundleSettings, checkpoint: Callable[[], None] | None
) -> tuple[Scene, BundleReport]:
    damping, growth = 1e-4, 2.0
    # The valley of a zoom is curved: bolder steps only leave it again, and shorter ones follow it.
    ease, caution = (5.0, 2.0) if scene.zoom is None else (3.0, 1.0)
    cost, system = _cost(scene, problem, settings), None
    for done in range(settings.iterations):
        if checkpoint is not None:
            checkpoint()
        if system is None:
            system = linearise(scene, problem, settings.free, settings.scale_px)
            _add_prior(system, scene, settings)
            if settings.world is not None:
                system = settings.world.added_to(system, scene, problem)
        tried = _step(scene, problem, system, damping, settings)
        new_cost = np.inf if tried is None else _cost(tried, problem, settings)
        if tried is None or new_cost > cost:
            damping, growth = damping * growth * caution, growth * 2.0
            if damping >= 1e8:
                return scene, BundleReport(cost, done + 1, False)
            continue
        gain = (cost - new_cost) / max(cost, 1e-12)
        scene, cost, system = tried, new_cost, None
        damping, growth = max(damping / ease, 1e-9), 2.0
        if gain < settings.tolerance:
            return scene, BundleReport(cost, done + 1, True)
    return scene, BundleReport(cost, settings.iterations, False)


def _cost(scene: Scene, p: Problem, s: BundleSettings) -> float:
    """inf when too many points are behind the camera that sees them."""
    error, camera = residuals(scene, p)
    behind = camera[:, 2] <= 0
    squared = np.where(behind, 1e4, (error**2).sum(1) * p.weight**2)
    reach, times = (s.scale_px, 1.0) if p.care is None else (s.scale_px * p.care.reach, p.care.times)
    cost = float((times * reach**2 * np.log1p(squared / reach**2)).sum())
    if not np.isfinite(cost) or behind.mean() > _MOST_BEHIND:
        return float("inf")
    if p.depth is not None:
        cost += p.depth.cost(camera)
    if s.focal_prior is not None:
        cost += ((scene.lens.focal - s.focal_prior[0]) / s.focal_prior[1]) ** 2
    if s.world is not None:
        cost += s.world.cost(scene, p)
    if scene.zoom is not None and s.zoom_scale is not None:
        cost += prior_cost(scene.zoom[p.frames], p.frames, s.zoom_scale)
    return cost


def _add_prior(system: System, scene: Scene, s: BundleSettings) -> None:
    """The prior of the one focal length; that of a zoom is `_add_zoom_prior`'s."""
    if s.focal_prior is None or not s.free.focal or scene.zoom is not None:
        return
    focal, (expected, doubt) = scene.lens.focal, s.focal_prior
    system.lens[0, 0] += (focal / doubt) ** 2
    system.grad_lens[0] += focal * (focal - expected) / doubt**2


def _step(
    scene: Scene, p: Problem, system: System, damping: float, s: BundleSettings
) -> Scene | None:  # fmt: skip
    """The scene after one damped step; None when the system could not be solved."""
    point = system.point.copy()
    diagonal = np.arange(3)
    point[:, diagonal, diagonal] += damping * point[:, diagonal, diagonal] + 1e-12
    if scene.spans is not None:
        point += _distance_held(scene, p, point)
    try:
        half = np.linalg.inv(np.linalg.cholesky(point))
        matrix, right = reduced_system(p, system, half, damping)
        if system.width > 6:
            _add_zoom_prior(scene, p, s, matrix, right)
        free = _free(scene, p, system, right, s)
        definite = s.world is None or s.world.distances is None
        if scene.spans is not None:
            delta = _tied(scene, p, system, matrix, right, free, definite)
            return _moved(scene, p, step_of(p, system, half, delta), s)
        cameras = CameraSystem(matrix, free, lenses=system.lens.shape[0], definite=definite)
    except np.linalg.LinAlgError:
        return None
    step = step_of(p, system, half, cameras.answer(right))
    plain = _moved(scene, p, step, s)
    if system.width == 6:
        return plain
    bent = bend(lambda moved: _moved(scene, p, moved, s), scene, p, system, half, cameras.answer, step)
    curved = _moved(scene, p, step.plus(bent), s)
    return curved if _cost(curved, p, s) < _cost(plain, p, s) else plain


def _tied(
    scene: Scene, p: Problem, system: System, matrix: Floats, right: Floats, free: Flags, definite: bool
) -> Floats:
    """The step when frames share parameters (spans.py)."""
    assert scene.spans is not None
    rotation, translation = scene.rotation[p.frames], scene.translation[p.frames]
    ties = tied(scene.spans, p.frames, rotation, translation, system.width, free)
    small = np.asarray(ties.T @ (ties.T @ matrix).T)
    cameras = CameraSystem(small, np.ones(len(small), bool), definite=definite)
    delta: Floats = ties @ cameras.answer(ties.T @ right)
    return delta


def _distance_held(scene: Scene, p: Problem, point: Floats) -> Floats:
    """What keeps distant points on their sphere: a stiff spring [P, 3, 3] along the ray, which no observation has
    anything to say about."""
    ray = scene.points[p.points] - scene.centres[p.frames[p.col[p.starts]]]
    ray /= np.maximum(np.linalg.norm(ray, axis=1, keepdims=True), 1e-12)
    stiff = np.where(scene.far[p.points], np.trace(point, axis1=1, axis2=2), 0.0)
    held: Floats = stiff[:, None, None] * ray[:, :, None] * ray[:, None, :]
    return held


def _add_zoom_prior(scene: Scene, p: Problem, s: BundleSettings, matrix: Floats, right: Floats) -> None:
    """The priors that tie the focal lengths of a zoom's frames: its smoothness, and its mean."""
    assert scene.zoom is not None
    count = len(p.frames)
    own = 7 * np.arange(count) + 6
    if s.zoom_scale is not None:
        smooth, pull = prior_system(scene.zoom[p.frames], p.frames, s.zoom_scale)
        matrix[np.ix_(own, own)] += smooth
        right[own] += pull
    if s.focal_prior is not None:
        expected, doubt = s.focal_prior
        share = scene.lens.focal / doubt / count
        matrix[np.ix_(own, own)] += share**2
        right[own] += share * (scene.lens.focal - expected) / doubt


def _free(scene: Scene, p: Problem, system: System, right: Floats, s: BundleSettings) -> Flags:
    """Which parameters [C F + L] may move: not the poses of fixed frames, and not a focal length that stands at an
    end of its range and would leave it."""
    frames, width = len(p.frames), system.width
    poses = np.ones((frames, width), bool)
    lens = np.ones(system.lens.shape[0], bool)
    if s.fixed is not None:
        poses[s.fixed[p.frames], :6] = False
    if s.focal_range is not None and s.free.focal:
        low, high = s.focal_range
        focal = scene.focals[p.frames] if width > 6 else np.array([scene.lens.focal])
        pull = right[: frames * width].reshape(frames, width)[:, 6] if width > 6 else right[frames * width :][:1]
        inside = ~((focal <= low) & (pull > 0)) & ~((focal >= high) & (pull < 0))
        if width > 6:
            poses[:, 6] = inside
        else:
            lens[:1] = inside
    return np.concatenate([poses.ravel(), lens])


def _moved(scene: Scene, p: Problem, step: Step, s: BundleSettings) -> Scene:
    """The scene after a step."""
    poses = step.poses
    rotation, translation, points = scene.rotation.copy(), scene.translation.copy(), scene.points.copy()
    rotation[p.frames] = exponential(poses[:, :3]) @ rotation[p.frames]
    translation[p.frames] += poses[:, 3:6]
    if scene.spans is not None:
        rotation, translation = settled(rotation, translation, scene.posed, scene.spans)
    points[p.points] += step.points
    moved = replace(scene, rotation=rotation, translation=translation, points=points)
    if scene.zoom is None:
        return replace(moved, lens=moved_lens(scene.lens, step.lens, s.free, s.focal_range))
    moved = replace(moved, lens=moved_lens(scene.lens, step.lens, replace(s.free, focal=False)))
    return _zoomed(moved, p, poses[:, 6], s) if poses.shape[1] > 6 else moved


def _zoomed(scene: Scene, p: Problem, step: Floats, s: BundleSettings) -> Scene:
    """The scene after a step [F] of the log focal lengths of the posed frames."""
    focals = scene.focals.copy()
    focals[p.frames] = moved_focals(focals[p.frames], step, s.focal_range)
    known = np.interp(np.arange(len(focals)), p.frames, np.log(focals[p.frames]))
    return scene.with_focals(np.where(scene.posed, focals, np.exp(known)))
