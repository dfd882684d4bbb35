"""How well a camera that turns tells its focal length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import linalg

from .bundle import BundleSettings
from .lens_jacobians import FreeLens
from .normal_equations import gather, linearise, reduced_system
from .scene import Scene
from .spans import tied
from .tracks import Tracks


def focal_deviation(scene: Scene, tracks: Tracks, settings: BundleSettings) -> float:
    """Relative standard deviation of the focal length [1] of a scene with spans, from the observations alone (no
    prior), with k1 as unknown as the focal length. inf when they say nothing."""
    problem = gather(scene, tracks)
    if not len(problem.row) or scene.spans is None:
        return float("inf")
    system = linearise(replace(scene, zoom=None), problem, FreeLens(focal=True, k1=True), settings.scale_px)
    point = system.point + 1e-9 * np.trace(system.point, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    try:
        half = np.linalg.inv(np.linalg.cholesky(point))
        matrix, right = reduced_system(problem, system, half, 0.0)
        free = np.ones(len(right), bool)
        first = np.nonzero(scene.posed[problem.frames])[0][:1]
        free[(system.width * first[:, None] + np.arange(6)).ravel()] = False
        frames = problem.frames
        ties = tied(scene.spans, frames, scene.rotation[frames], scene.translation[frames], system.width, free)
        small = np.asarray(ties.T @ (ties.T @ matrix).T)
        factor = linalg.cho_factor(small, lower=True)
    except np.linalg.LinAlgError:
        return float("inf")
    unit = np.zeros(len(small))
    unit[-2] = 1.0
    return float(np.sqrt(linalg.cho_solve(factor, unit)[-2]))
