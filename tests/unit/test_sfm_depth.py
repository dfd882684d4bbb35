"""Depth maps as weak terms: they hold a shot with hardly any parallax and leave a good one alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.sfm.bundle import BundleSettings, adjust
from backend.sfm.depth_terms import DepthPriors
from backend.sfm.frames import Floats
from backend.sfm.lens_jacobians import FreeLens
from backend.sfm.normal_equations import gather, linearise, residuals
from backend.sfm.scene import Scene
from backend.sfm.tracks import Tracks
from tests.unit.sfm_scene import aligned_error, seen, shaken, travelling

FRAMES, POINTS, NOISE_PX, DEPTH_SD = 12, 80, 0.3, 0.1


def noisy_depths(truth: Scene, tracks: Tracks, seed: int, *, shared: bool = False) -> DepthPriors:
    """Depths with an error of their own at every point and every observation, and a scale of their own at every
    frame."""
    rng = np.random.default_rng(seed)
    depth = truth.camera_points(tracks.track, tracks.frame)[:, 2]
    scale = np.full(FRAMES, 0.4) if shared else rng.normal(0.0, 0.3, FRAMES)
    error = rng.normal(0.0, DEPTH_SD, POINTS)[tracks.track] + rng.normal(0.0, DEPTH_SD / 2, len(depth))
    sd = DEPTH_SD * np.sqrt(tracks.lengths()[tracks.track])
    return DepthPriors(tracks.track, tracks.frame, np.log(depth) + error + scale[tracks.frame], sd, shared)


def layout_error(found: Scene, truth: Scene, tracks: Tracks) -> float:
    """Median error of the depths, in proportion, after the best common scale."""
    apart = np.log(np.maximum(found.camera_points(tracks.track, tracks.frame)[:, 2], 1e-9))
    apart -= np.log(truth.camera_points(tracks.track, tracks.frame)[:, 2])
    return float(np.median(np.abs(apart - np.median(apart))))


def solved(step: float, seed: int, use: str) -> tuple[float, float, float]:
    """Camera error in proportion to the path, layout error, and focal error in proportion."""
    truth = travelling(frames=FRAMES, points=POINTS, step=step, turn=0.002, seed=seed)
    tracks = seen(truth, NOISE_PX, seed + 1)
    depths = None if use == "none" else noisy_depths(truth, tracks, seed + 2, shared=use == "shared")
    start = shaken(truth, seed=seed + 3, amount=0.02 * step)
    flattened = start.points * np.exp(np.random.default_rng(seed + 4).normal(0.0, 0.3, (POINTS, 1)))
    start = replace(start, points=flattened, lens=replace(start.lens, focal=660.0))
    settings = BundleSettings(
        iterations=60, tolerance=1e-7, free=FreeLens(), scale_px=3.0, focal_prior=(600.0, 60.0), depths=depths
    )
    found, _ = adjust(start, tracks, settings)
    camera = aligned_error(found, truth) / (step * (FRAMES - 1))
    return camera, layout_error(found, truth, tracks), abs(found.lens.focal / 600.0 - 1.0)


@pytest.mark.parametrize("use", ["per frame", "shared"])
def test_noisy_depth_holds_a_shot_with_one_pixel_of_parallax(use: str) -> None:
    bare = np.mean([solved(0.001, seed, "none") for seed in range(4)], axis=0)
    held = np.mean([solved(0.001, seed, use) for seed in range(4)], axis=0)
    assert held[0] < 0.9 * bare[0]
    assert held[1] < 0.08 < 0.15 < bare[1]
    assert held[2] < bare[2]


def test_noisy_depth_leaves_a_shot_with_parallax_alone() -> None:
    for seed in range(3):
        bare, held = solved(0.05, seed, "none"), solved(0.05, seed, "per frame")
        assert held[0] < 1.1 * bare[0] + 1e-4
        assert held[1] < 1.2 * bare[1] + 1e-3


def test_wrong_depths_are_let_go() -> None:
    """A fifth of the map shows something else: three times too near. The others are 7 % off in the median."""
    truth = travelling(frames=FRAMES, points=POINTS, step=0.001, turn=0.002)
    tracks = seen(truth, NOISE_PX)
    good = noisy_depths(truth, tracks, 2)
    wrong = np.random.default_rng(7).random(POINTS) < 0.2
    bad = replace(
        good, log_depth=good.log_depth - np.log(3.0) * wrong[tracks.track], sd=np.full(len(good.sd), DEPTH_SD)
    )
    start = shaken(truth, amount=2e-5)
    settings = BundleSettings(iterations=60, tolerance=1e-7, free=FreeLens(focal=False), scale_px=3.0, depths=bad)
    found, _ = adjust(start, tracks, settings)
    kept = tracks.select(~wrong[tracks.track])
    assert layout_error(found, truth, kept) < 0.12


def test_the_slopes_of_the_depth_terms_are_right() -> None:
    """Against finite differences of the residual, its scale held."""
    truth = travelling(frames=4, points=30)
    tracks = seen(truth, NOISE_PX)
    problem = gather(truth, tracks)
    rng = np.random.default_rng(0)
    priors = DepthPriors(
        tracks.track, tracks.frame, rng.normal(1.5, 0.1, len(tracks.track)), np.full(len(tracks.track), 0.1)
    )
    terms = priors.terms(problem.points[problem.row], problem.frames[problem.col])
    assert terms is not None and len(terms.at) == len(problem.row)
    _, camera = residuals(truth, problem)
    slope, residual = terms.rows(camera)
    gradient: Floats = 2.0 * (slope * residual)[:, 0]
    step = 1e-6
    for axis in range(3):
        moved = camera.copy()
        moved[5, axis] += step
        measured = (terms.cost(moved) - terms.cost(camera)) / step
        assert measured == pytest.approx(gradient[5, axis], rel=0.05, abs=1e-3)
    system = linearise(truth, replace(problem, depth=terms), FreeLens(), 2.0)
    assert system.to_point.shape[1] == 3 and np.isfinite(system.grad_pose).all()


def test_observations_without_a_depth_have_no_term() -> None:
    priors = DepthPriors(np.array([3, 3]), np.array([0, 2]), np.array([1.0, 1.1]), np.array([0.1, 0.1]))
    terms = priors.terms(np.array([1, 3, 3, 3]), np.array([0, 0, 1, 2]))
    assert terms is not None and terms.at.tolist() == [1, 3]
    assert np.allclose(terms.log_depth, [1.0, 1.1])
    assert priors.terms(np.array([1]), np.array([0])) is None
