"""Parts of matting, each against what is known exactly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import spsolve

from backend.matte.behind import background_seen
from backend.matte.clip import BACKGROUND, FOREGROUND, UNKNOWN, MatteClip
from backend.matte.files import alpha_levels, linear_light, together
from backend.matte.foreground import foreground_colours
from backend.matte.laplacian import EPSILON, band_system
from backend.matte.motion import Layers, Motion, carried_on
from backend.matte.report import MatteWatch
from backend.matte.sampling import at_points
from backend.matte.solver import solved
from backend.matte.trimap import BandSettings, band_of
from tests.unit.matte_scene import HEIGHT, WIDTH, disc_scene, hair_scene, true_trimap


@pytest.fixture(autouse=True)
def one_thread() -> None:
    cv2.setNumThreads(1)


def dense_laplacian(picture: np.ndarray, epsilon: float) -> np.ndarray:
    """Equation 12 of Levin et al., written down window by window."""
    height, width = picture.shape[:2]
    colours = picture.reshape(-1, 3) / 255.0
    whole = np.zeros((height * width, height * width))
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            at = [(row + r) * width + column + c for r in (-1, 0, 1) for c in (-1, 0, 1)]
            apart = colours[at] - colours[at].mean(axis=0)
            spread = apart.T @ apart / 9.0 + epsilon / 9.0 * np.eye(3)
            whole[np.ix_(at, at)] += np.eye(9) - (1.0 + apart @ np.linalg.solve(spread, apart.T)) / 9.0
    return whole


def test_the_bands_system_is_that_part_of_the_whole_pictures_laplacian() -> None:
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (9, 11, 3)).astype(np.uint8)
    trimap = random.choice([BACKGROUND, UNKNOWN, FOREGROUND], (9, 11)).astype(np.uint8)
    system = band_system(picture, trimap)
    whole, unknown = dense_laplacian(picture, EPSILON), trimap.reshape(-1) == UNKNOWN
    known = (trimap.reshape(-1)[~unknown] == FOREGROUND).astype(float)
    np.testing.assert_allclose(system.matrix.toarray(), whole[np.ix_(unknown, unknown)], atol=1e-9)
    np.testing.assert_allclose(system.right, -whole[np.ix_(unknown, ~unknown)] @ known, atol=1e-9)


def test_a_mixture_of_two_even_colours_is_solved_exactly() -> None:
    alpha = cv2.GaussianBlur(np.repeat(np.repeat([[0.0, 1.0]], 24, axis=0), 20, axis=1), (0, 0), 2.0)
    picture = np.round(alpha[..., None] * (200, 180, 40) + (1 - alpha[..., None]) * (30, 60, 160)).astype(np.uint8)
    trimap = true_trimap(alpha.astype(np.float32), 2)
    unknown = trimap == UNKNOWN
    nothing = np.zeros(int(unknown.sum()), np.float32)
    found = solved(band_system(picture, trimap), nothing, nothing, nothing + 0.5)
    assert np.abs(found - alpha[unknown]).max() < 0.02


def test_what_is_known_reaches_the_middle_of_a_wide_band() -> None:
    """Against a direct solution: without the coarse grid the steps end up to 0.4 away from it."""
    noise = cv2.GaussianBlur(np.random.default_rng(1).normal(0.0, 1.0, (30, 200, 3)), (0, 0), 8.0)
    picture = np.clip(128.0 + noise / noise.std() * 20.0, 0, 255).astype(np.uint8)
    trimap = np.full((30, 200), UNKNOWN, np.uint8)
    trimap[:, :3], trimap[:, -3:] = BACKGROUND, FOREGROUND
    system = band_system(picture, trimap)
    nothing = np.zeros(len(system.right), np.float32)
    found = solved(system, nothing, nothing, nothing + 0.5)
    held = system.matrix + 1e-7 * scipy.sparse.eye(len(nothing))
    exact = np.clip(spsolve(held.tocsc(), system.right), 0.0, 1.0)
    assert np.abs(found - exact).max() < 0.12


def test_the_background_behind_an_object_comes_from_frames_that_show_it() -> None:
    """Against the layer that the scene was made of."""
    scene = disc_scene(5)
    clip = scene.clip(4)
    layers = Layers(Motion(clip.picture, 6), clip.trimap, 4)
    seen = background_seen(clip, layers, 2, 4, noise=1.5)
    known = np.isfinite(seen.variance[:, 0])
    alpha = scene.alphas[2][clip.trimap(2) == UNKNOWN]
    own = scene.pictures[2][clip.trimap(2) == UNKNOWN].astype(float)
    bare = known & (alpha < 0.005)  # where the picture itself is the truth
    assert known.mean() > 0.5 and bare.sum() > 100
    assert np.abs(seen.colour[bare, 0] - own[bare]).mean() < 3.0
    covered = known & (alpha > 0.995)
    assert np.abs(seen.colour[covered, 0] - own[covered]).mean() > 20.0


def test_a_field_is_carried_on_over_what_is_not_known() -> None:
    columns = np.tile(np.arange(64, dtype=np.float32), (48, 1))
    field = np.stack([0.1 * columns, np.full_like(columns, 2.0)], axis=2)
    weight = np.ones((48, 64), np.float32)
    weight[10:30, 20:40] = 0.0
    found = carried_on(np.where(weight[..., None] > 0, field, 99.0).astype(np.float32), weight)
    inside = at_points(found, np.array([[14.75, 9.75]], np.float32))[0]  # full size: 30, 20
    assert inside == pytest.approx([3.0, 2.0], abs=0.5)
    assert np.abs(carried_on(field, np.zeros_like(weight))).max() == 0.0


def test_values_at_more_points_than_opencv_takes_in_a_row() -> None:
    raster = np.arange(20, dtype=np.float32).reshape(4, 5)
    points = np.tile(np.array([[1.5, 2.0]], np.float32), (40_000, 1))
    assert (at_points(raster, points) == 11.5).all()


def trimap_of(scene_alpha: np.ndarray, picture: np.ndarray, speed: float = 0.0, **settings: float) -> np.ndarray:
    field = np.full(scene_alpha.shape, speed, np.float32)
    return band_of(picture, scene_alpha >= 0.5, field, BandSettings(**settings)).trimap


def test_the_band_holds_the_hair_that_the_mask_cut_off() -> None:
    scene = hair_scene(1)
    trimap = trimap_of(scene.alphas[0], scene.pictures[0])
    lost = (trimap == BACKGROUND) & (scene.alphas[0] > 0.3) | (trimap == FOREGROUND) & (scene.alphas[0] < 0.7)
    plain = trimap_of(scene.alphas[0] * 0 + disc_scene(1).alphas[0], disc_scene(1).pictures[0])
    assert lost.sum() < 0.1 * ((scene.alphas[0] > 0.3) & (scene.alphas[0] < 0.5)).sum()
    assert (trimap == UNKNOWN).sum() > (plain == UNKNOWN).sum()


def test_the_band_grows_with_motion_and_with_the_artists_wish() -> None:
    scene = disc_scene(1, speed=0.0)
    alpha, picture = scene.alphas[0], scene.pictures[0]
    sizes = {
        name: int((trimap_of(alpha, picture, **wish) == UNKNOWN).sum())
        for name, wish in {
            "plain": {}, "fast": {"speed": 16.0}, "twice": {"scale": 2.0}, "outside": {"outside": 3.0},
            "narrow": {"outside": -1.0, "inside": -1.0},
        }.items()
    }  # fmt: skip
    assert sizes["fast"] > sizes["plain"] * 1.5 and sizes["twice"] > sizes["plain"] * 1.4
    assert sizes["outside"] > sizes["plain"] * 1.2 and sizes["narrow"] < sizes["plain"]


def test_a_thin_object_keeps_a_core_and_an_empty_mask_has_no_band() -> None:
    picture = hair_scene(1).pictures[0]
    mask = np.zeros((HEIGHT, WIDTH), bool)
    assert (band_of(picture, mask, np.zeros(mask.shape, np.float32), BandSettings()).trimap == BACKGROUND).all()
    mask[50:52, 20:90] = True
    trimap = band_of(picture, mask, np.zeros(mask.shape, np.float32), BandSettings()).trimap
    assert (trimap[50:52, 30:80] == FOREGROUND).any()


def test_foreground_colours_are_the_objects_own() -> None:
    """Compared with the picture itself, which has the background mixed in."""
    scene = disc_scene(1)
    alpha = scene.alphas[0]
    found = foreground_colours(scene.pictures[0].astype(np.float32), alpha)
    mixed = (alpha > 0.3) & (alpha < 0.95)
    error = np.abs(found - scene.objects[0])[mixed].mean()
    assert error < 12.0 and error < 0.5 * np.abs(scene.pictures[0] - scene.objects[0])[mixed].mean()
    assert (found[alpha == 1.0] == scene.pictures[0][alpha == 1.0]).all()


def test_coverage_by_several_objects() -> None:
    one, other = np.array([[0.5, 1.0, 0.0]], np.float32), np.array([[0.5, 0.3, 0.0]], np.float32)
    np.testing.assert_allclose(together([one, other]), [[0.75, 1.0, 0.0]])
    assert alpha_levels(np.array([[-0.1, 0.5, 2.0]], np.float32)).tolist() == [[0, 32768, 65535]]


def test_plate_code_values_become_linear_light() -> None:
    found = linear_light(np.array([[[0, 10, 255]]], np.uint8))[0, 0]
    np.testing.assert_allclose(found, [0.0, 10 / 255 / 12.92, 1.0], rtol=1e-6)


def test_the_report_knows_flicker_and_the_bands_width() -> None:
    trimap = np.zeros((20, 40), np.uint8)
    trimap[:, 18:22], trimap[:, 22:] = UNKNOWN, FOREGROUND
    watch = MatteWatch()
    for index, level in enumerate((0.5, 0.5, 0.7)):
        alpha = np.where(trimap == UNKNOWN, level, trimap / 255.0).astype(np.float32)
        watch.add(index, 100 + index, alpha, trimap)
    facts = watch.facts()
    assert facts.flicker == pytest.approx(0.1, abs=1e-4) and facts.flicker_frame == 102
    assert facts.frames == 3 and facts.empty == 0 and facts.soft == 1.0


def test_a_frame_without_movement_around_is_matted_by_itself() -> None:
    from backend.matte.banded import Banded

    scene = hair_scene(1)
    clip = MatteClip(1, lambda index: scene.pictures[0], lambda index: true_trimap(scene.alphas[0], 4))
    alpha = Banded(clip, Motion(clip.picture, 6)).alpha(0)
    assert np.abs(alpha - scene.alphas[0])[clip.trimap(0) == UNKNOWN].mean() < 0.08
