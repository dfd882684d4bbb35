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
from scipy import linalg

from .frames import Flags, Floats
from .lens_jacobians import FreeLens, moved_lens
from .normal_equations import Problem, System, gather, linearise, points_answer, reduced_system, residuals
from .rotations import exponential, orthonormal
from .scene import Scene
from .tracks import Tracks

_MOST_BEHIND = 0.05
"""Share of observations whose point may be behind the camera before a step counts as wrong."""


@dataclass(frozen=True)
class BundleSettings:
    """free: what of the lens may change. scale_px: residual (in units of each observation's sigma) at which the
    Cauchy loss lets go. tolerance: relative gain of a step below which it has converged. focal_prior: (focal px, its
    standard deviation) or None. fixed: frames whose pose is held [F] or None."""

    iterations: int = 20
    free: FreeLens = field(default_factory=FreeLens)
    scale_px: float = 1.0
    tolerance: float = 1e-5
    focal_prior: tuple[float, float] | None = None
    fixed: Flags | None = None


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
    if not len(problem.row):
        return scene, BundleReport(0.0, 0, True)
    scene, report = _descend(scene, problem, settings, checkpoint)
    return replace(scene, rotation=orthonormal(scene.rotation)), report


def _descend(
    scene: Scene, problem: Problem, settings: BundleSettings, checkpoint: Callable[[], None] | None
) -> tuple[Scene, BundleReport]:
    damping, growth = 1e-4, 2.0
    cost, system = _cost(scene, problem, settings), None
    for done in range(settings.iterations):
        if checkpoint is not None:
            checkpoint()
        if system is None:
            system = linearise(scene, problem, settings.free, settings.scale_px)
            _add_prior(system, scene, settings)
        tried = _step(scene, problem, system, damping, settings)
        new_cost = np.inf if tried is None else _cost(tried, problem, settings)
        if tried is None or new_cost > cost:
            damping, growth = damping * growth * 2.0, growth * 2.0
            if damping >= 1e8:
                return scene, BundleReport(cost, done + 1, False)
            continue
        gain = (cost - new_cost) / max(cost, 1e-12)
        scene, cost, system = tried, new_cost, None
        damping, growth = max(damping / 5.0, 1e-9), 2.0
        if gain < settings.tolerance:
            return scene, BundleReport(cost, done + 1, True)
    return scene, BundleReport(cost, settings.iterations, False)


def _cost(scene: Scene, p: Problem, s: BundleSettings) -> float:
    """inf when too many points are behind the camera that sees them."""
    error, camera = residuals(scene, p)
    behind = camera[:, 2] <= 0
    squared = np.where(behind, 1e4, (error**2).sum(1) * p.weight**2)
    cost = float((s.scale_px**2 * np.log1p(squared / s.scale_px**2)).sum())
    if not np.isfinite(cost) or behind.mean() > _MOST_BEHIND:
        return float("inf")
    if s.focal_prior is not None:
        cost += ((scene.lens.focal - s.focal_prior[0]) / s.focal_prior[1]) ** 2
    return cost


def _add_prior(system: System, scene: Scene, s: BundleSettings) -> None:
    if s.focal_prior is None or not s.free.focal:
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
    try:
        half = np.linalg.inv(np.linalg.cholesky(point))
        matrix, right = reduced_system(p, system, half, damping)
        held = np.zeros(len(p.frames), bool) if s.fixed is None else s.fixed[p.frames]
        free = np.r_[np.repeat(~held, 6), np.ones(system.lens.shape[0], bool)]
        chosen = matrix if free.all() else matrix[np.ix_(free, free)]
        factor = linalg.cho_factor(chosen, lower=True, overwrite_a=True, check_finite=False)
        delta = np.zeros(len(free))
        delta[free] = -linalg.cho_solve(factor, right[free], check_finite=False)
    except np.linalg.LinAlgError:
        return None
    return _moved(scene, p, system, half, delta, s)


def _moved(scene: Scene, p: Problem, system: System, half: Floats, delta: Floats, s: BundleSettings) -> Scene:
    """Applies a step of the cameras and the points' answer to it."""
    frames = len(p.frames)
    poses, lens_delta = delta[: 6 * frames].reshape(frames, 6), delta[6 * frames :]
    shift = points_answer(p, system, half, poses, lens_delta)
    rotation, translation, points = scene.rotation.copy(), scene.translation.copy(), scene.points.copy()
    rotation[p.frames] = exponential(poses[:, :3]) @ rotation[p.frames]
    translation[p.frames] += poses[:, 3:]
    points[p.points] += shift
    lens = moved_lens(scene.lens, lens_delta, s.free)
    return replace(scene, lens=lens, rotation=rotation, translation=translation, points=points)
