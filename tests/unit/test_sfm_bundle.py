"""Bundle adjustment and triangulation on scenes whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.sfm.bundle import BundleSettings, adjust
from backend.sfm.frames import Floats
from backend.sfm.lens_jacobians import FreeLens, lens_jacobians, moved_lens
from backend.sfm.outliers import calibrated, errors_px, inliers, weighed_by_track
from backend.sfm.refine import choose_lens, corner_shift
from backend.sfm.scene import Lens, Scene
from backend.sfm.tracks import Tracks
from backend.sfm.triangulation import triangulate
from tests.unit.sfm_scene import LENS, aligned_error, seen, shaken, travelling

FREE = BundleSettings(iterations=60, tolerance=1e-9)


def nothing() -> None:
    return None


def test_exact_tracks_give_the_exact_scene_back() -> None:
    truth = travelling()
    start = replace(shaken(truth), lens=replace(LENS, focal=640.0))
    found, report = adjust(start, seen(truth), FREE)
    assert abs(found.lens.focal - 600.0) < 0.01
    assert aligned_error(found, truth) < 1e-5
    assert report.cost < 1e-3


def test_noise_leaves_the_error_it_should() -> None:
    truth = travelling(points=400)
    found, _ = adjust(shaken(truth), seen(truth, 0.2), replace(FREE, scale_px=5.0))
    assert abs(found.lens.focal / 600.0 - 1.0) < 0.01
    assert aligned_error(found, truth) < 0.004


def test_wrong_tracks_are_let_go() -> None:
    truth = travelling(points=300)
    tracks = seen(truth, 0.1)
    wrong = np.random.default_rng(4).random(len(tracks.track)) < 0.1
    tracks = replace(tracks, xy=tracks.xy + wrong[:, None] * [25.0, -17.0])
    found, _ = adjust(shaken(truth), tracks, replace(FREE, scale_px=2.0))
    assert aligned_error(found, truth) < 0.004
    kept = inliers(tracks, errors_px(found, tracks), 5.0, 3.0)
    assert kept[~wrong].mean() > 0.99
    assert kept[wrong].mean() < 0.01


def test_the_same_numbers_give_the_same_scene() -> None:
    truth = travelling()
    tracks = seen(truth, 0.2)
    one, other = (adjust(shaken(truth), tracks, FREE)[0] for _ in range(2))
    assert np.array_equal(one.points, other.points)
    assert one.lens == other.lens


def test_fixed_frames_and_focal_length_stay() -> None:
    truth = travelling()
    fixed = np.zeros(12, bool)
    fixed[[0, 5]] = True
    start = shaken(truth)
    found, _ = adjust(start, seen(truth, 0.2), replace(FREE, free=FreeLens(focal=False), fixed=fixed, iterations=5))
    assert found.lens == LENS
    assert np.allclose(found.rotation[fixed], start.rotation[fixed], atol=1e-12)
    assert np.allclose(found.translation[fixed], start.translation[fixed])
    assert not np.allclose(found.translation[1], start.translation[1])


def test_a_focal_prior_pulls() -> None:
    truth = travelling(frames=3, points=40, step=0.02)
    start = replace(truth, lens=replace(LENS, focal=700.0))
    tracks = seen(truth, 0.3)
    pulled, _ = adjust(start, tracks, replace(FREE, focal_prior=(700.0, 1.0)))
    assert abs(pulled.lens.focal - 700.0) < 3.0


def test_a_checkpoint_that_raises_ends_it() -> None:
    truth = travelling()

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        adjust(shaken(truth), seen(truth), FREE, stop)


@pytest.mark.parametrize("column", range(7))
def test_lens_jacobian_is_the_derivative(column: int) -> None:
    lens = Lens(500.0, 320.0, 240.0, -0.1, 0.03, aspect=1.2, p1=0.01, p2=-0.02)
    free = FreeLens(True, True, True, True, True)
    camera = np.random.default_rng(0).uniform([-1, -1, 2], [1, 1, 4], (20, 3))
    _, jacobian = lens_jacobians(lens, camera, free)
    h = 1e-6
    changed = (
        replace(lens, focal=lens.focal * np.exp(h)), replace(lens, k1=lens.k1 + h), replace(lens, k2=lens.k2 + h),
        replace(lens, p1=lens.p1 + h), replace(lens, p2=lens.p2 + h),
        replace(lens, cx=lens.cx + h * lens.focal), replace(lens, cy=lens.cy + h * lens.focal),
    )[column]  # fmt: skip
    assert moved_lens(lens, h * np.eye(7)[column], free) == changed
    assert np.allclose(
        jacobian[:, :, column], (changed.project(camera) - lens.project(camera)) / h, rtol=1e-3, atol=1e-3
    )


def test_point_jacobian_is_the_derivative() -> None:
    lens = Lens(500.0, 320.0, 240.0, -0.1, 0.03, aspect=1.2, p1=0.01, p2=-0.02)
    camera = np.random.default_rng(0).uniform([-1, -1, 2], [1, 1, 4], (20, 3))
    jacobian, _ = lens_jacobians(lens, camera, FreeLens())
    for axis in range(3):
        step = np.eye(3)[axis] * 1e-6
        measured = (lens.project(camera + step) - lens.project(camera - step)) / 2e-6
        assert np.allclose(jacobian[:, :, axis], measured, rtol=1e-4, atol=1e-4)


def test_distortion_is_chosen_only_when_it_is_there() -> None:
    bent = Lens(600.0, 320.0, 180.0, k1=-0.1)
    for lens, model in ((LENS, "straight"), (bent, "bent")):
        truth = travelling(points=500, lens=lens)
        tracks = seen(truth, 0.15)
        straight = replace(shaken(truth), lens=LENS)
        found, _ = choose_lens(straight, tracks, replace(FREE, scale_px=2.0, tolerance=1e-5), nothing)
        if model == "straight":
            assert (found.lens.k1, found.lens.k2) == (0.0, 0.0)
        else:
            assert abs(found.lens.k1 + 0.1) < 0.01
            assert corner_shift(found.lens, LENS) > 1.0


def test_triangulation_needs_an_angle_and_agreement() -> None:
    truth = travelling()
    tracks = seen(truth)
    blank = replace(truth, known=np.zeros(200, bool), points=np.zeros((200, 3)))
    everything = np.ones(200, bool)
    found = triangulate(blank, tracks, wanted=everything, least_angle_deg=1.0, most_error_px=1.0)
    visible = np.bincount(tracks.track, minlength=200) >= 4
    assert found.known[visible].mean() > 0.95
    assert np.allclose(found.points[found.known], truth.points[found.known], atol=1e-6)
    narrow = triangulate(blank, tracks, wanted=everything, least_angle_deg=60.0, most_error_px=1.0)
    assert not narrow.known.any()
    muddled = replace(tracks, xy=tracks.xy + np.random.default_rng(0).normal(0, 40.0, tracks.xy.shape))
    assert triangulate(blank, muddled, wanted=everything, least_angle_deg=1.0, most_error_px=1.0).known.mean() < 0.05


def test_sigma_is_calibrated_to_what_the_scene_shows() -> None:
    truth = travelling(points=400)
    tracks = replace(seen(truth, 0.3), sigma=np.full(len(seen(truth).track), 0.05))
    measured = calibrated(tracks, errors_px(truth, tracks), 0.05)
    assert abs(np.median(measured.sigma) - 0.3) < 0.03


@pytest.mark.parametrize("k1, k2", [(0.0, 0.0), (-0.2, 0.05), (0.1, 0.0)])
def test_lens_goes_there_and_back(k1: float, k2: float) -> None:
    lens = Lens(500.0, 320.0, 240.0, k1, k2, aspect=1.5)
    camera = np.random.default_rng(0).uniform([-1, -0.7, 2], [1, 0.7, 2.001], (50, 3))
    flat = lens.normalised(lens.project(camera))
    assert np.allclose(flat, camera[:, :2] / camera[:, 2:], atol=1e-6)


def zooming(truth: Scene, growth: float = 1.5) -> Scene:
    """The same camera with a lens that zooms in over the second half."""
    frames = len(truth.posed)
    return truth.with_focals(600.0 * np.interp(np.arange(frames), [frames / 2, frames - 1.0], [1.0, growth]))


def test_a_zoom_is_adjusted_with_the_poses() -> None:
    truth = zooming(travelling(turn=0.03))
    found, report = adjust(shaken(replace(truth, zoom=truth.focals * 1.05)), seen(truth), FREE)
    assert np.abs(found.focals / truth.focals - 1.0).max() < 1e-4
    assert aligned_error(found, truth) < 1e-4
    assert report.cost < 1e-3


def test_held_frames_and_a_held_focal_length_stay_in_a_zoom() -> None:
    truth = zooming(travelling())
    found, _ = adjust(shaken(truth), seen(truth, 0.2), replace(FREE, free=FreeLens(focal=False, k1=True), iterations=5))
    assert np.array_equal(found.focals, truth.focals)
    assert found.lens.k1 != 0.0


def test_the_zoom_prior_smooths_noise_and_keeps_a_sharp_start() -> None:
    truth = zooming(travelling(frames=24, points=60, turn=0.03))
    tracks = seen(truth, 0.6)
    rough, _ = adjust(truth, tracks, replace(FREE, scale_px=5.0))
    smooth, _ = adjust(truth, tracks, replace(FREE, scale_px=5.0, zoom_scale=0.001))

    def bends(scene: Scene) -> Floats:
        return np.abs(np.diff(np.log(scene.focals / truth.focals), 2))

    assert np.median(bends(smooth)) < 0.3 * np.median(bends(rough))
    start = np.diff(np.log(smooth.focals), 2)[10:13]
    assert abs(start.sum() / np.diff(np.log(truth.focals), 2)[10:13].sum() - 1.0) < 0.3


def test_a_focal_range_is_kept() -> None:
    truth = travelling()
    tracks = seen(truth, 0.2)
    found, _ = adjust(
        replace(truth, lens=replace(LENS, focal=650.0)), tracks, replace(FREE, focal_range=(640.0, 700.0))
    )
    assert found.lens.focal == 640.0
    free, _ = adjust(replace(truth, lens=replace(LENS, focal=650.0)), tracks, replace(FREE, focal_range=(400.0, 700.0)))
    assert abs(free.lens.focal / 600.0 - 1.0) < 0.02
    zoom = zooming(truth)
    bounded, _ = adjust(zoom, seen(zoom, 0.2), replace(FREE, focal_range=(400.0, 890.0)))
    assert bounded.focals.max() == 890.0
    assert abs(bounded.focals[0] / 600.0 - 1.0) < 0.05


def test_zoom_jacobian_is_the_derivative() -> None:
    lens = Lens(500.0, 320.0, 240.0, -0.1, 0.03, aspect=1.2)
    camera = np.random.default_rng(0).uniform([-1, -1, 2], [1, 1, 4], (20, 3))
    focal = np.linspace(400.0, 700.0, 20)
    to_camera, to_lens = lens_jacobians(lens, camera, FreeLens(), focal)
    for i in range(20):
        own = lens_jacobians(replace(lens, focal=float(focal[i])), camera[i : i + 1], FreeLens())
        assert np.allclose(to_camera[i], own[0][0])
        assert np.allclose(to_lens[i], own[1][0])


def sliding(truth: Scene, share: float = 0.3, px_per_frame: float = 0.08) -> Tracks:
    """Tracks of which some slide along the edge of something, each at its own pace but all the same way, across the
    camera's path: along it a slide is just another depth."""
    tracks, rng = seen(truth, 0.1), np.random.default_rng(4)
    pace = px_per_frame * rng.uniform(0.5, 1.5, tracks.count) * (rng.random(tracks.count) < share)
    slid = tracks.xy.copy()
    slid[:, 1] += pace[tracks.track] * tracks.frame
    return replace(tracks, xy=slid)


def test_tracks_that_slide_pull_the_camera_less() -> None:
    truth = travelling(points=400, frames=20, turn=0.03)
    tracks = sliding(truth)
    plain, _ = adjust(truth, tracks, replace(FREE, scale_px=2.0))
    measured = calibrated(tracks, errors_px(plain, tracks), 0.05)
    weighed, _ = adjust(plain, weighed_by_track(measured, errors_px(plain, measured)), replace(FREE, scale_px=2.0))
    assert abs(weighed.lens.focal - 600.0) < 0.85 * abs(plain.lens.focal - 600.0)
    assert aligned_error(weighed, truth) < 0.9 * aligned_error(plain, truth)


def test_tracks_of_one_quality_keep_their_weight() -> None:
    truth = travelling(points=400)
    tracks = seen(truth, 0.2)
    weighed = weighed_by_track(tracks, errors_px(truth, tracks))
    assert abs(np.median(weighed.sigma) / 0.2 - 1.0) < 0.1
    assert weighed.sigma.max() < 0.2 * 1.6
