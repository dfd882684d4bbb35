"""A lens that zooms, told from a dolly and from noise, on made-up tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.sfm.bundle import BundleSettings, adjust
from backend.sfm.frames import Floats
from backend.sfm.lens_jacobians import FreeLens
from backend.sfm.mapper import MapperSettings
from backend.sfm.refine import RefineSettings, first_fit
from backend.sfm.resection import resect
from backend.sfm.scene import Lens, Scene
from backend.sfm.tracks import Tracks
from backend.sfm.zoom import ZoomTask, follow_zoom
from backend.sfm.zoom_evidence import thinned_out, zoom_evidence
from backend.sfm.zoom_prior import prior_cost, prior_system, slope_changes
from backend.sfm.zoom_start import map_zoom
from tests.unit.sfm_scene import LENS, aligned_error, seen, travelling

NOISE = 0.15
FRAMES = 24
MAPPER = MapperSettings(0.35, True, None, 0)
REFINE = RefineSettings(1, 20, True, None, "auto", 1.0)


def nothing() -> None:
    return None


def camera(seed: int = 0) -> Scene:
    return travelling(FRAMES, points=500, turn=0.02, seed=seed)


def zoomed(growth: Floats, seed: int = 0) -> Scene:
    truth = camera(seed)
    return truth.with_focals(600.0 * growth)


def ramp(ratio: float, first: int = 0, last: int = FRAMES - 1) -> Floats:
    growth: Floats = np.exp(np.log(ratio) * np.clip((np.arange(FRAMES) - first) / (last - first), 0.0, 1.0))
    return growth


ZOOMS = {
    "in": ramp(1.9),
    "out": 1.7 / ramp(1.7),
    "slow": ramp(1.1),
    "part": ramp(1.4, 8, 15),
    "breathing": 1.0 + 0.012 * np.sin(np.arange(FRAMES) / 4.0),
}


def task(mode: str = "auto") -> ZoomTask:
    return ZoomTask(mode, replace(LENS, focal=768.0), False, MAPPER, REFINE)


def still_fit(truth: Scene, tracks: Tracks) -> tuple[Scene, BundleSettings]:
    """What a solve with one focal length makes of the tracks."""
    lens = replace(LENS, focal=float(np.exp(np.log(truth.focals).mean())))
    return first_fit(replace(truth, zoom=None, lens=lens), tracks, REFINE, nothing)


def focal_error(found: Scene, truth: Scene) -> float:
    """The greatest relative error of a frame's focal length."""
    return float(np.abs(found.focals / truth.focals - 1.0).max())


@pytest.mark.parametrize("name", ZOOMS)
def test_a_zoom_is_found_and_followed(name: str) -> None:
    truth = zoomed(ZOOMS[name])
    tracks = seen(truth, NOISE)
    scene, bundle = still_fit(truth, tracks)
    found, settings = follow_zoom(scene, tracks, bundle, task(), nothing)
    assert found.zoom is not None
    assert settings.zoom_scale is not None
    assert focal_error(found, truth) < 0.01
    assert aligned_error(found, truth) < 0.01
    assert found.posed.all()


@pytest.mark.parametrize("seed", range(3))
def test_a_lens_that_does_not_zoom_stays_exactly_constant(seed: int) -> None:
    truth = camera(seed)
    tracks = seen(truth, 0.3, seed=seed)
    scene, bundle = still_fit(truth, tracks)
    found, settings = follow_zoom(scene, tracks, bundle, task(), nothing)
    assert found is scene
    assert settings is bundle
    assert len(set(found.focals.tolist())) == 1


def test_a_dolly_is_no_zoom() -> None:
    """Straight forwards, without a turn: what a zoom looks like most."""
    still = travelling(FRAMES, points=500, turn=0.0, step=0.0)
    centres = np.linspace([0.0, 0.0, 0.0], [0.0, 0.0, 2.0], FRAMES)
    truth = replace(still, translation=-np.einsum("fij,fj->fi", still.rotation, centres))
    scene, bundle = still_fit(truth, seen(truth, NOISE))
    assert zoom_evidence(scene, seen(truth, NOISE), bundle.free, 2.0).pieces == 0


def test_distortion_and_a_shutter_are_no_zoom() -> None:
    truth = travelling(FRAMES, points=500, turn=0.02, lens=replace(LENS, k1=-0.15, k2=0.03))
    tracks = seen(truth, NOISE)
    rolling = replace(tracks, xy=tracks.xy + (tracks.xy[:, 1:] / 360.0 - 0.5) * [1.5, 0.0])
    for given in (tracks, rolling):
        scene, bundle = still_fit(truth, given)
        assert follow_zoom(scene, given, bundle, task(), nothing)[0].zoom is None


def test_a_zoom_against_a_dolly_is_followed() -> None:
    """Vertigo: the camera backs off while the lens zooms in, so that the middle of the set keeps its size. (It
    turns a little, as every camera does: without any turn no one can tell a longer lens from a deeper set.)"""
    still = travelling(FRAMES, points=500, turn=0.02, step=0.0)
    back = np.linspace(0.0, 3.0, FRAMES)
    centres = np.stack([0.02 * np.arange(FRAMES), 0.01 * np.sin(np.arange(FRAMES)), -back], 1)
    moved = replace(still, translation=-np.einsum("fij,fj->fi", still.rotation, centres))
    truth = moved.with_focals(600.0 * (6.0 + back) / 6.0)
    tracks = seen(truth, NOISE)
    scene, bundle = still_fit(truth, tracks)
    found, _ = follow_zoom(scene, tracks, bundle, task(), nothing)
    assert found.zoom is not None
    assert focal_error(found, truth) < 0.02


def test_a_zoom_is_mapped_from_nothing() -> None:
    truth = zoomed(ZOOMS["in"])
    tracks = seen(truth, NOISE)
    found = map_zoom(tracks, replace(LENS, focal=768.0), MAPPER, nothing, focal_known=False)
    assert found is not None
    assert found.posed.all()
    ratio = found.focals[-1] / found.focals[0]
    assert abs(ratio / 1.9 - 1.0) < 0.1


def test_a_held_focal_length_and_a_fixed_zoom_are_left_alone() -> None:
    truth = zoomed(ZOOMS["in"])
    tracks = seen(truth, NOISE)
    scene = replace(truth, zoom=None)
    bundle = BundleSettings(free=FreeLens(focal=False))
    held = replace(task(), refinement=replace(REFINE, free_focal=False))
    assert follow_zoom(scene, tracks, bundle, held, nothing)[0] is scene
    assert follow_zoom(scene, tracks, bundle, task("fixed"), nothing)[0] is scene


def test_a_free_zoom_needs_no_evidence() -> None:
    truth = camera()
    tracks = seen(truth, NOISE)
    scene, bundle = still_fit(truth, tracks)
    found, _ = follow_zoom(scene, tracks, bundle, task("free"), nothing)
    assert found.zoom is not None
    assert np.ptp(np.log(found.focals)) < 0.004


def test_the_focal_length_is_found_with_the_pose() -> None:
    bent = replace(LENS, k1=-0.05, aspect=1.3)
    truth = replace(zoomed(ZOOMS["in"]), lens=bent)
    tracks = seen(truth, NOISE)
    wrong = truth.with_focals(np.where(np.arange(FRAMES) == 20, 500.0, truth.focals))
    found = resect(wrong, tracks, 20, 3.0, 0)
    assert found is not None
    assert abs(found.focal / truth.focals[20] - 1.0) < 0.01
    assert np.abs(found.rotation - truth.rotation[20]).max() < 0.003


def test_the_prior_minds_corners_and_not_slopes() -> None:
    frames = np.array([0, 1, 2, 4, 5, 9])
    steady = 600.0 * np.exp(0.03 * frames)
    assert np.allclose(slope_changes(frames) @ np.log(steady), 0.0)
    assert prior_cost(steady, frames, 0.001) < 1e-12
    bumpy = steady * [1.0, 1.01, 1.0, 1.0, 1.0, 1.0]
    matrix, slope = prior_system(bumpy, frames, 0.5)
    h = 1e-6
    for i in range(6):
        there = bumpy * np.exp(h * (np.arange(6) == i))
        assert abs((prior_cost(there, frames, 0.5) - prior_cost(bumpy, frames, 0.5)) / h - 2.0 * slope[i]) < 1e-3
    assert np.allclose(matrix, matrix.T)


def test_a_long_valley_is_followed_to_its_end() -> None:
    """All focal lengths a third too long: the straight steps of plain Levenberg-Marquardt take hundreds."""
    truth = zoomed(ZOOMS["in"])
    tracks = seen(truth, NOISE)
    start = replace(truth, lens=LENS).with_focals(1.3 * truth.focals)
    found, report = adjust(start, tracks, BundleSettings(iterations=60, scale_px=2.0, tolerance=1e-7))
    assert focal_error(found, truth) < 0.01
    assert report.iterations <= 60


def test_one_lens_for_all_frames_is_one_value() -> None:
    scene = camera()
    assert scene.lens_of(7) is scene.lens
    assert set(scene.focals.tolist()) == {600.0}
    growing = scene.with_focals(np.linspace(500.0, 700.0, FRAMES))
    assert growing.lens_of(0) == Lens(500.0, 320.0, 180.0)


def test_a_long_clip_is_judged_by_some_of_its_frames() -> None:
    truth = travelling(300, points=900, turn=0.0005, step=0.01)
    tracks = seen(truth, NOISE)
    assert thinned_out(truth, tracks).posed.sum() == 240
    assert zoom_evidence(truth, tracks, FreeLens(), 2.0).pieces == 0
    growing = seen(truth.with_focals(600.0 * np.exp(np.linspace(-0.02, 0.02, 300))), NOISE)
    evidence = zoom_evidence(truth, growing, FreeLens(), 100.0)
    assert evidence.pieces >= 1
    assert len(evidence.profile) == 300
    assert abs(np.log(evidence.ratio) - 0.04) < 0.02
