"""Brown's lens there and back, next to COLMAP's, and which of its coefficients a solve chooses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.sfm.bundle import BundleSettings, adjust
from backend.sfm.distortion import Brown
from backend.sfm.lens_jacobians import FreeLens
from backend.sfm.refine import believable, choose_lens
from backend.sfm.resection import colmap_camera
from backend.sfm.scene import Lens
from tests.unit.sfm_scene import LENS, seen, shaken, travelling

BUNDLE = BundleSettings(iterations=60, tolerance=1e-6, scale_px=2.0)


def nothing() -> None:
    return None


@pytest.mark.parametrize(
    "brown, reach",
    [
        (Brown(-0.32), 0.95),  # folds over at 1.02
        (Brown(-0.28, 0.06), 1.1),
        (Brown(0.3, 0.1), 1.2),
        (Brown(-0.2, 0.03, 0.01, -0.015), 0.9),
    ],
)
def test_strong_lenses_go_there_and_back(brown: Brown, reach: float) -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 73)
    straight = np.concatenate([r * np.stack([np.cos(angle), np.sin(angle)], 1) for r in np.linspace(0.0, reach, 40)])
    assert np.abs(brown.straightened(brown.bent(straight)) - straight).max() < 1e-9


def test_pixels_that_no_ray_reaches_stay_finite() -> None:
    found = Brown(-0.4).straightened(np.array([[0.9, 0.9], [2.0, -1.0], [0.1, 0.0]]))
    assert np.isfinite(found).all()
    assert np.linalg.norm(found, axis=1).max() < 3.0
    assert abs(found[2, 0] - 0.1 - 0.4 * found[2, 0] ** 3) < 1e-12


def test_it_is_colmaps_model() -> None:
    lens = Lens(700.0, 330.0, 170.0, -0.2, 0.05, 1.1, 0.004, -0.003)
    camera = np.random.default_rng(0).uniform([-1, -0.6, 2], [1, 0.6, 3], (50, 3))
    theirs = np.stack([colmap_camera(lens, 640, 360).img_from_cam(point) for point in camera])
    assert np.abs(lens.project(camera) - theirs.reshape(-1, 2)).max() < 1e-9


def test_the_derivative_is_one() -> None:
    brown = Brown(-0.2, 0.05, 0.01, -0.02)
    xy = np.random.default_rng(1).uniform(-0.8, 0.8, (20, 2))
    dx, cross, dy = brown.derivative(xy[:, 0], xy[:, 1])
    h = 1e-7
    by_x, by_y = (brown.bent(xy + h * axis) - brown.bent(xy - h * axis) for axis in np.eye(2))
    assert np.allclose(np.stack([dx, cross], 1), by_x / (2 * h), atol=1e-6)
    assert np.allclose(np.stack([cross, dy], 1), by_y / (2 * h), atol=1e-6)


@pytest.mark.parametrize("p1, p2", [(0.0, 0.0), (0.006, -0.004)])
def test_tangential_distortion_is_chosen_only_when_it_is_there(p1: float, p2: float) -> None:
    truth = travelling(points=600, lens=replace(LENS, k1=-0.12, p1=p1, p2=p2), turn=0.03)
    found, bundle = choose_lens(replace(shaken(truth), lens=LENS), seen(truth, 0.15), BUNDLE, nothing)
    assert abs(found.lens.k1 + 0.12) < 0.01
    assert bundle.free.tangential == (p1 != 0.0)
    if p1 == 0.0:
        assert (found.lens.p1, found.lens.p2) == (0.0, 0.0)
    else:
        assert abs(found.lens.p1 - p1) < 0.001
        assert abs(found.lens.p2 - p2) < 0.001


def test_exact_tracks_give_all_coefficients_back() -> None:
    lens = replace(LENS, k1=-0.2, k2=0.05, p1=0.005, p2=0.003)
    truth = travelling(points=400, lens=lens, turn=0.03)
    free = FreeLens(True, True, True, tangential=True)
    found, _ = adjust(
        replace(truth, lens=LENS), seen(truth), replace(BUNDLE, free=free, scale_px=50.0, tolerance=1e-12)
    )
    for name, most in (("focal", 0.1), ("k1", 1e-3), ("k2", 2e-3), ("p1", 1e-4), ("p2", 1e-4)):
        assert abs(getattr(found.lens, name) - getattr(lens, name)) < most


@pytest.mark.parametrize(
    "lens, built",
    [
        (replace(LENS, k1=0.0), True),
        (replace(LENS, k1=-0.25), True),
        (replace(LENS, focal=3.0 * LENS.focal, k1=1.33), False),
        (replace(LENS, k1=0.3), False),
        (replace(LENS, k1=-1.2), False),  # the corner lies beyond the fold
    ],
)
def test_only_lenses_that_can_be_built_are_chosen(lens: Lens, built: bool) -> None:
    assert believable(lens) == built
