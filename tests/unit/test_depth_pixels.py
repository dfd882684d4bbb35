"""Depth between pixels: no surface is mixed with another, a lens moves places and not lengths, normals of planes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from backend.depth.edges import breaks, inverse_of
from backend.depth.frame import SKY, FrameDepth
from backend.depth.normals import normals_of
from backend.depth.outputs import DepthRange, confidence_levels, preview_levels
from backend.depth.resample import sampled_depth
from backend.depth.video import write_video
from backend.depth.working import WorkingPixels
from shared.camera_files import FrameIntrinsics, Intrinsics

LENS = FrameIntrinsics(1, 100.0, 100.0, 64.0, 36.0)


def intrinsics(k1: float = 0.0, width: int = 128, height: int = 72) -> Intrinsics:
    model = "BROWN" if k1 else "PINHOLE"
    return Intrinsics(1, width, height, "24", 1.0, model, k1, 0.0, 0.0, 0.0, "solved", (LENS,))


def ramp(height: int, width: int) -> np.ndarray:
    """A steep plane: inverse depth linear in the picture."""
    return (1.0 / (0.1 + 0.004 * np.arange(width)[None, :] + 0.002 * np.arange(height)[:, None])).astype(np.float32)


def test_a_steep_plane_has_no_edges_and_a_box_before_it_has() -> None:
    depth = ramp(40, 60)
    depth[0, :] = np.minimum(depth[0, :], 9e9)
    across, down = breaks(inverse_of(depth))
    assert not across.any() and not down.any()
    horizon = (1.0 / (0.0005 * (1 + np.arange(40)))[:, None] * np.ones((1, 8))).astype(np.float32)
    assert not breaks(inverse_of(horizon))[1].any()  # the depth doubles from row to row there
    depth[10:20, 10:20] = 1.0
    across, _ = breaks(inverse_of(depth))
    assert across[10:20, 9].all() and across[10:20, 19].all() and across.sum() == 20


def test_between_pixels_planes_are_exact_and_edges_stay_sharp() -> None:
    depth = np.full((20, 30), 10.0, np.float32)
    depth[:, 15:] = 2.0
    depth[:5] = SKY
    depth[15:] = 0.0
    sure = np.where(depth == 2.0, 0.9, 0.2).astype(np.float32)
    y, x = np.meshgrid(np.arange(20) + 0.8, np.arange(30) + 0.8, indexing="ij")
    found, confidence = sampled_depth(depth, sure, np.dstack((x, y)).astype(np.float32))
    lengths = np.unique(found)
    assert all(np.isclose(one, (0.0, 2.0, 10.0, SKY), rtol=1e-5).any() for one in lengths) and len(lengths) <= 6
    assert set(np.unique(confidence)) <= {np.float32(0.0), np.float32(0.2), np.float32(0.9)}
    plane = ramp(20, 30)
    places = np.dstack((x[:-1, :-1], y[:-1, :-1])).astype(np.float32)
    between, _ = sampled_depth(plane, np.ones_like(plane), places)
    truth = 1.0 / (0.1 + 0.004 * (x - 0.5) + 0.002 * (y - 0.5))[:-1, :-1]
    assert np.abs(between / truth - 1.0).max() < 2e-3


def test_outside_of_the_source_there_is_nothing() -> None:
    places = np.array([[[-0.1, 1.0], [np.nan, np.nan], [2.0, 2.0], [4.0, 4.2]]], np.float32)
    found, confidence = sampled_depth(np.full((4, 4), 3.0, np.float32), np.ones((4, 4), np.float32), places)
    assert found.tolist() == [[0.0, 0.0, 3.0, 0.0]] and confidence.tolist() == [[0.0, 0.0, 1.0, 0.0]]


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("k1", [-0.15, 0.1])
def test_through_a_lens_and_back_the_whole_plate_has_its_depth(k1: float, half: bool) -> None:
    """Depth of a plane of the world, made in working pixels, must be that plane in the plate's own rays."""
    working = WorkingPixels(intrinsics(k1), half=half)
    K = working.K(LENS)
    height, width = working.size
    x = (np.arange(width)[None, :] + 0.5 - K[0, 2]) / K[0, 0]
    y = (np.arange(height)[:, None] + 0.5 - K[1, 2]) / K[1, 1]
    depth = (1.0 / (0.2 + 0.1 * x + 0.05 * y)).astype(np.float32)
    found = working.to_plate(FrameDepth(1, depth, np.ones_like(depth)), LENS)
    rays = working.rays(LENS)
    truth = 1.0 / (0.2 + 0.1 * rays[..., 0] + 0.05 * rays[..., 1])
    assert found.depth.shape == (72, 128) and (found.depth > 0).all()
    shown = np.where(working.inside(LENS), depth, 0.0).astype(np.float32)
    assert (working.to_plate(FrameDepth(1, shown, np.ones_like(depth)), LENS).depth > 0).all()
    assert np.abs(found.depth / truth - 1.0).max() < 2e-3


def test_pictures_and_depth_are_in_the_same_pixels() -> None:
    """A bright square of the plate and its depth end up at the same place, at half resolution and odd size."""
    working = WorkingPixels(intrinsics(-0.15, 129, 73), half=True)
    plate = np.zeros((73, 129), np.uint8)
    plate[8:24, 90:114] = 255
    picture = working.image(plate, LENS)
    depth = np.where(picture > 127, 2.0, 10.0).astype(np.float32)
    back = working.to_plate(FrameDepth(1, depth, np.ones_like(depth)), LENS).depth
    wrong = (back == 2.0) != (plate > 0)
    assert wrong.mean() < 0.01 and (back[10:22, 92:112] == 2.0).all()
    mask = working.mask(plate > 0, LENS)
    assert (mask | (picture < 128)).all() and mask.sum() < 1.4 * (picture > 127).sum()
    assert 0.9 < working.inside(LENS).mean() < 1.0


def test_a_straight_lens_at_full_resolution_changes_nothing() -> None:
    working = WorkingPixels(intrinsics())
    found = FrameDepth(1, ramp(72, 128), np.ones((72, 128), np.float32))
    assert working.to_plate(found, LENS) is found and working.size == (72, 128) and working.inside(LENS).all()


def test_normals_of_noisy_planes_and_no_normal_where_nothing_is() -> None:
    working = WorkingPixels(intrinsics())
    rays = working.rays(LENS)
    true = np.array([0.3, -0.6, -0.742])
    true /= np.linalg.norm(true)
    depth = (-3.0 / (rays @ true[:2] + true[2])).astype(np.float32)
    depth *= 1.0 + np.random.default_rng(0).normal(0.0, 0.0005, depth.shape).astype(np.float32)
    depth[:, 100:] = 50.0
    depth[:10] = 0.0
    depth[10:20] = SKY
    normals = normals_of(FrameDepth(1, depth, np.ones_like(depth)), rays)
    assert np.allclose(np.linalg.norm(normals[25:], axis=-1), 1.0, atol=1e-5) and (normals[:20] == 0.0).all()
    off = np.degrees(np.arccos(np.clip(normals[25:68, 4:95] @ true, -1.0, 1.0)))
    assert np.median(off) < 3.0 and np.percentile(off, 99) < 10.0
    assert (normals[25:68, 103:124, 2] < -0.99).all()  # the wall behind faces the camera right up to the edge


def test_levels_of_confidence_keep_what_was_measured_apart() -> None:
    depth = np.array([[0.0, 1.0, 1.0, 1.0, 1.0, SKY]], np.float32)
    sure = np.array([[0.9, 0.001, 0.4999, 0.5, 1.0, 0.7]], np.float32)
    levels = confidence_levels(FrameDepth(1, depth, sure))[0].tolist()
    assert levels[0] == 0 and levels[1] == 1 and levels[2] == 127 and levels[3] == 128 and levels[4] == 255
    assert 128 < levels[5] < 255


def test_one_range_holds_the_clip_and_near_is_bright() -> None:
    lengths = DepthRange()
    for number in range(10):
        lengths.add(np.linspace(1.0 + number, 2.0 + number, 1000, dtype=np.float32).reshape(20, 50))
    lengths.add(np.array([[0.0, SKY] * 100], np.float32))
    near, far = lengths.between(0.005, 0.995)
    assert near == pytest.approx(1.05, rel=0.01) and far == pytest.approx(10.95, rel=0.01)
    assert lengths.known == pytest.approx(10000 / 10200)
    levels = preview_levels(np.array([[0.0, near, 3.0, far, SKY]], np.float32), near, far)[0].tolist()
    assert levels[0] == 0 and levels[1] == 255 and 1 < levels[2] < 255 and levels[3:] == [1, 1]


def test_a_video_of_odd_size_and_wide_pixels(tmp_path: Path) -> None:
    picture = np.tile(np.arange(95, dtype=np.uint8) * 2, (53, 1))
    path = tmp_path / "depth.mp4"
    write_video(path, iter([picture, 255 - picture]), (53, 95), Fraction(25), Fraction(2))
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        shown = [frame.to_ndarray(format="gray").astype(int) for frame in file.decode(stream)]
        assert stream.sample_aspect_ratio == 2 and stream.average_rate == 25
    assert [one.shape for one in shown] == [(54, 96)] * 2
    assert np.abs(shown[0][:53, :95] - picture).mean() < 3.0 and np.abs(shown[1][:53, :95] - 255 + picture).mean() < 3.0
