"""Bundle adjustment held to surveyed places and known distances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.sfm.bundle import BundleSettings, adjust
from backend.sfm.frames import Floats
from backend.sfm.gauge import moved
from backend.sfm.outliers import errors_px
from backend.sfm.scene import Scene
from backend.sfm.world_priors import DistancePriors, PointPriors, WorldPriors
from tests.unit.sfm_scene import seen, shaken, travelling

FREE = BundleSettings(iterations=80, tolerance=1e-12, scale_px=20.0)
TRUTH = travelling(points=300)
SOME = np.nonzero(seen(TRUTH).lengths() == 12)[0][::25][:5]
"""Points that every frame sees."""
PAIRS = SOME[[[0, 1], [2, 3]]]


def places(scene: Scene, sd: float = 1e-4) -> PointPriors:
    return PointPriors(SOME, scene.points[SOME], np.full(len(SOME), sd))


def apart(scene: Scene) -> Floats:
    return np.linalg.norm(scene.points[PAIRS[:, 0]] - scene.points[PAIRS[:, 1]], axis=1)


def test_true_places_cost_the_tracks_nothing() -> None:
    tracks = seen(TRUTH)
    found, report = adjust(shaken(TRUTH), tracks, replace(FREE, world=WorldPriors(places(TRUTH))))
    assert report.cost < 1e-6
    assert np.nanmax(errors_px(found, tracks)) < 1e-4
    assert np.abs(found.centres - TRUTH.centres).max() < 1e-5  # nothing was aligned: the places are the gauge


def test_noisy_tracks_stay_in_the_surveyed_world() -> None:
    tracks = seen(TRUTH, 0.3)
    start = moved(shaken(TRUTH), 1.02, np.eye(3), np.array([0.05, -0.03, 0.02]))
    found, _ = adjust(start, tracks, replace(FREE, world=WorldPriors(places(TRUTH, 0.001))))
    loose, _ = adjust(start, tracks, FREE)
    assert np.abs(found.points[SOME] - TRUTH.points[SOME]).max() < 0.004
    assert np.linalg.norm(found.centres - TRUTH.centres, axis=1).max() < 0.02
    assert np.nanmean(errors_px(found, tracks)) < 1.01 * np.nanmean(errors_px(loose, tracks))


@pytest.mark.parametrize("sd", [1e-6, 0.001])
def test_a_distance_sets_the_scale_and_bends_nothing(sd: float) -> None:
    tracks = seen(TRUTH)
    wanted = 1.7 * apart(TRUTH)
    world = WorldPriors(distances=DistancePriors(PAIRS, wanted, np.full(2, sd)))
    found, report = adjust(shaken(TRUTH), tracks, replace(FREE, world=world))
    assert np.allclose(apart(found), wanted, rtol=1e-6)
    assert report.cost < 1e-5
    assert np.nanmax(errors_px(found, tracks)) < 1e-3


def test_places_and_distances_together() -> None:
    tracks = seen(TRUTH, 0.2)
    world = WorldPriors(places(TRUTH, 0.01), DistancePriors(PAIRS, apart(TRUTH), np.full(2, 1e-5)))
    found, _ = adjust(shaken(TRUTH), tracks, replace(FREE, world=world))
    assert np.abs(apart(found) - apart(TRUTH)).max() < 1e-4
    assert np.abs(found.points[SOME] - TRUTH.points[SOME]).max() < 0.03


def test_distances_of_a_shot_that_zooms() -> None:
    truth = TRUTH.with_focals(np.linspace(560.0, 640.0, 12))
    world = WorldPriors(distances=DistancePriors(PAIRS, apart(truth), np.full(2, 1e-4)))
    found, _ = adjust(shaken(truth), seen(truth), replace(FREE, world=world, zoom_scale=0.02))
    assert np.abs(apart(found) - apart(truth)).max() < 1e-3


def test_points_that_are_not_solved_are_left_alone() -> None:
    scene = replace(TRUTH, known=~np.isin(np.arange(300), SOME[:2]))
    world = WorldPriors(places(TRUTH), DistancePriors(PAIRS, apart(TRUTH), np.full(2, 1e-3)))
    found, report = adjust(shaken(scene), seen(TRUTH), replace(FREE, world=world))
    assert report.cost < 1e-4
    assert np.abs(found.centres - TRUTH.centres).max() < 1e-4
