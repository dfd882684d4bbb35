"""The covariance of a solve says how far it is from the truth."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from backend.sfm import covariance
from backend.sfm.block_chain import Chain, ChainInverse
from backend.sfm.bundle import BundleSettings, adjust
from backend.sfm.confidence import frame_quality
from backend.sfm.covariance import PoseCovariance, pose_covariance
from backend.sfm.frames import Floats
from backend.sfm.gauge import moved
from backend.sfm.rotations import exponential
from backend.sfm.scene import Scene
from tests.unit.sfm_scene import LENS, seen, travelling

BUNDLE = BundleSettings(iterations=60, tolerance=1e-10, scale_px=2.0)
SEEDS = range(8)


def chain(sizes: list[int], border: int, seed: int = 0) -> tuple[Chain, Floats]:
    """A random chain and the same matrix dense."""
    rng = np.random.default_rng(seed)
    ends = np.r_[0, np.cumsum([*sizes, border])]
    root = rng.normal(size=(ends[-1], ends[-1]))
    whole = root @ root.T
    at = [slice(a, b) for a, b in pairwise(ends)]
    for i in range(len(sizes)):
        for j in range(len(sizes)):
            if abs(i - j) > 1:
                whole[at[i], at[j]] = 0.0
    whole += 20.0 * np.eye(ends[-1])
    tail, k = at[-1], len(sizes)
    blocks = Chain(
        [whole[at[i], at[i]] for i in range(k)], [whole[at[i + 1], at[i]] for i in range(k - 1)],
        [whole[at[i], tail] for i in range(k)], whole[tail, tail],
    )  # fmt: skip
    return blocks, whole


@pytest.mark.parametrize("sizes, border", [([5], 2), ([4, 6], 0), ([6, 3, 5, 4], 2)])
def test_a_chains_inverse_is_the_dense_one(sizes: list[int], border: int) -> None:
    blocks, whole = chain(sizes, border)
    inverse, dense = ChainInverse(blocks), np.linalg.inv(whole)
    ends = np.r_[0, np.cumsum(sizes)]
    for block, a, b in zip(inverse.diagonal(), ends, ends[1:], strict=False):
        assert np.allclose(block, dense[a:b, a:b])
    assert np.allclose(inverse.corner, dense[ends[-1] :, ends[-1] :])
    right = np.random.default_rng(1).normal(size=(ends[-1], 3))
    found = np.concatenate(inverse.columns(np.split(right, ends[1:-1])))
    assert np.allclose(found, dense[: ends[-1], : ends[-1]] @ right)


def errors(found: Scene, truth: Scene) -> Floats:
    """(rotation vector, centre) [F, 6] of the difference after the alignment that covariance.py names."""
    frames = np.arange(len(truth.posed))
    depth = covariance._depth(truth, frames)
    weight = np.r_[np.full(3, depth), np.ones(3)]
    for _ in range(10):
        turn = found.rotation @ truth.rotation.transpose(0, 2, 1)
        odd = 0.5 * (turn - turn.transpose(0, 2, 1))
        away = np.stack([odd[:, 2, 1], odd[:, 0, 2], odd[:, 1, 0]], 1)
        error = np.concatenate([away, found.centres - truth.centres], 1)
        gauge = covariance._to_centres(found, frames) @ covariance._null_space(found, frames)
        rows = (weight[:, None] * gauge).reshape(-1, 7)
        step = np.linalg.lstsq(rows, -(weight * error).ravel(), rcond=None)[0]
        found = moved(found, float(np.exp(step[6])), exponential(step[None, :3])[0], step[3:6])
    return error


def solved(seed: int, noise_px: float = 0.3) -> tuple[Floats, PoseCovariance, float]:
    truth = travelling(frames=24, points=250, seed=seed)
    tracks = seen(truth, noise_px, seed + 50)
    found, _ = adjust(truth, tracks, BUNDLE)
    known = pose_covariance(found, tracks, BUNDLE)
    assert known is not None
    return errors(found, truth), known, (found.lens.focal - LENS.focal) / float(known.focal_sd[0])


def squared(error: Floats, known: PoseCovariance) -> float:
    """Mean over the frames of the normalised squared error, for each of its 6 degrees of freedom."""
    return float(np.einsum("fi,fij,fj->f", error, np.linalg.inv(known.pose), error).mean() / 6.0)


def test_errors_are_as_large_as_the_covariance_says() -> None:
    runs = [solved(seed) for seed in SEEDS]
    assert 0.7 < np.mean([squared(error, known) for error, known, _ in runs]) < 1.4
    rotation = np.sqrt(np.mean([(error[:, :3] ** 2).sum(1).mean() for error, _, _ in runs]))
    said = np.sqrt(np.mean([np.radians(known.rotation_sd_deg) ** 2 for _, known, _ in runs]))
    assert 0.7 < rotation / said < 1.4
    assert 0.4 < np.sqrt(np.mean([z**2 for _, _, z in runs])) < 1.7


def test_it_does_not_hang_on_the_sigma_it_is_told_of() -> None:
    truth = travelling(frames=24, points=250)
    tracks = seen(truth, 0.3)
    found, _ = adjust(truth, tracks, replace(BUNDLE, scale_px=20.0))
    proud = replace(tracks, sigma=0.1 * tracks.sigma)
    one = pose_covariance(found, tracks, replace(BUNDLE, scale_px=20.0))
    other = pose_covariance(found, proud, replace(BUNDLE, scale_px=200.0))
    assert one is not None
    assert other is not None
    assert np.allclose(one.position_sd, other.position_sd, rtol=1e-3)


def test_a_long_clip_in_groups_is_never_too_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = travelling(frames=24, points=250)
    tracks = seen(truth, 0.3)
    whole = pose_covariance(truth, tracks, BUNDLE)
    monkeypatch.setattr(covariance, "_GROUP", 6)
    parts = pose_covariance(truth, tracks, BUNDLE)
    assert whole is not None
    assert parts is not None
    ratio = parts.rotation_sd_deg / whole.rotation_sd_deg
    assert ratio.min() > 0.99
    assert ratio.max() < 3.0


def test_fewer_tracks_stand_for_all() -> None:
    truth = travelling(frames=8, points=3000)
    tracks = seen(truth, 0.3)
    few = pose_covariance(truth, tracks, BUNDLE)
    assert covariance._enough(tracks).per_frame().max() < 0.6 * tracks.per_frame().min()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(covariance, "_PLENTY", 1e9)
        every = pose_covariance(truth, tracks, BUNDLE)
    assert few is not None
    assert every is not None
    assert np.abs(few.rotation_sd_deg / every.rotation_sd_deg - 1.0).max() < 0.15


def test_a_zoom_has_a_focal_deviation_for_every_frame() -> None:
    truth = travelling(frames=24, points=300)
    truth = truth.with_focals(np.linspace(500.0, 700.0, 24))
    tracks = seen(truth, 0.3)
    found, _ = adjust(truth, tracks, replace(BUNDLE, zoom_scale=0.01))
    known = pose_covariance(found, tracks, replace(BUNDLE, zoom_scale=0.01))
    assert known is not None
    z = (found.focals - truth.focals) / known.focal_sd
    # Below 1: this zoom is far smoother than the prior expects.
    assert 0.02 < np.sqrt((z**2).mean()) < 3.0


def test_no_travel_is_no_covariance() -> None:
    truth = travelling(frames=10, points=100, step=0.0)
    assert pose_covariance(truth, seen(truth, 0.3), BUNDLE) is None


def test_confidence_falls_with_noise_few_points_and_an_empty_picture() -> None:
    truth = travelling(frames=12, points=400)
    tracks = seen(truth, 0.1)
    sound = frame_quality(truth, tracks, 640, 360)
    assert sound.confidence.min() > 0.95
    mine = tracks.frame == 5
    corner = mine & ~((tracks.xy < [80.0, 45.0]).all(1))
    few = mine & (tracks.track % 67 > 0)
    noisy = replace(tracks, sigma=np.where(mine, 12.0, tracks.sigma))
    for worse in (noisy, tracks.select(~corner), tracks.select(~few)):
        found = frame_quality(truth, worse, 640, 360).confidence
        assert found[5] < 0.5
        assert np.delete(found, 5).min() > 0.95
    gone = replace(truth, posed=np.arange(12) != 5)
    assert frame_quality(gone, tracks, 640, 360).confidence[5] == 0.0
