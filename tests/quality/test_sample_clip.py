"""The shipped sample's truth is true: depth, cameras and picture agree to a fraction of a pixel."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "sample"
PAIRS = ((1, 14), (14, 42), (1, 56), (56, 28))


@pytest.fixture(scope="module")
def truth() -> dict[str, NDArray[np.float64]]:
    with np.load(SAMPLE / "gt/camera.npz") as file:
        return {name: np.asarray(file[name], np.float64) for name in file.files}


@pytest.fixture(scope="module")
def frames() -> list[NDArray[np.uint8]]:
    with av.open(str(SAMPLE / "clip.mp4")) as file:
        assert file.streams.video[0].average_rate == 24
        return [frame.to_ndarray(format="gray") for frame in file.decode(video=0)]


def depth_of(frame: int) -> NDArray[np.float64]:
    with np.load(SAMPLE / f"gt/depth/{frame:04d}.npz") as file:
        return np.asarray(file["depth"], np.float64)


def seen_from(truth: dict[str, NDArray[np.float64]], first: int, other: int) -> tuple[NDArray[np.float64], ...]:
    """For every pixel centre of `first`: where `other` sees that point (x, y, z), and its depth map there."""
    depth, pixel_depth = depth_of(first), depth_of(other)
    k, poses = truth["K"][0], truth["world_from_camera"]
    v, u = np.mgrid[0 : depth.shape[0], 0 : depth.shape[1]] + 0.5
    rays = np.stack([(u - k[0, 2]) / k[0, 0], (v - k[1, 2]) / k[1, 1], np.ones_like(u)], -1)
    relative = np.linalg.inv(poses[other - 1]) @ poses[first - 1]
    points = (rays * depth[..., None]) @ relative[:3, :3].T + relative[:3, 3]
    x = k[0, 0] * points[..., 0] / points[..., 2] + k[0, 2]
    y = k[1, 1] * points[..., 1] / points[..., 2] + k[1, 2]
    found = cv2.remap(
        pixel_depth.astype(np.float32), (x - 0.5).astype(np.float32), (y - 0.5).astype(np.float32), cv2.INTER_NEAREST,
        borderValue=0.0,
    )  # fmt: skip
    return x, y, points[..., 2], found.astype(np.float64)


def test_clip_and_truth_have_the_same_frames(
    truth: dict[str, NDArray[np.float64]], frames: list[NDArray[np.uint8]]
) -> None:
    assert len(frames) == len(truth["K"]) == len(truth["world_from_camera"]) >= 48
    assert frames[0].shape == (360, 640) == (truth["height"], truth["width"])
    assert np.allclose(truth["K"][:, :2, 2], (320, 180))
    turns = truth["world_from_camera"][:, :3, :3]
    assert np.allclose(turns @ turns.transpose(0, 2, 1), np.eye(3), atol=1e-6)
    assert np.allclose(np.linalg.det(turns), 1, atol=1e-6)


def test_there_is_real_parallax(truth: dict[str, NDArray[np.float64]]) -> None:
    centres = truth["world_from_camera"][:, :3, 3]
    travelled = np.linalg.norm(np.diff(centres, axis=0), axis=1).sum()
    near, far = np.quantile(depth_of(28), (0.05, 0.95))
    assert travelled > 0.3 * near
    assert far > 1.3 * near


@pytest.mark.parametrize(("first", "other"), PAIRS)
def test_depth_is_planar_and_cameras_fit(truth: dict[str, NDArray[np.float64]], first: int, other: int) -> None:
    x, y, z, found = seen_from(truth, first, other)
    inside = (x > 2) & (x < 638) & (y > 2) & (y < 358) & np.isfinite(z)
    error = np.abs(found[inside] / z[inside] - 1)
    assert inside.mean() > 0.4
    # Hidden points and edges are the rest; ray length in place of depth would be off by up to 20 % in the corners.
    assert np.median(error) < 0.002
    assert (error < 0.01).mean() > 0.8


@pytest.mark.parametrize(("first", "other"), PAIRS)
def test_pictures_agree_to_a_fraction_of_a_pixel(
    truth: dict[str, NDArray[np.float64]], frames: list[NDArray[np.uint8]], first: int, other: int
) -> None:
    x, y, z, found = seen_from(truth, first, other)
    there = frames[other - 1].astype(np.float32)
    warped = cv2.remap(there, (x - 0.5).astype(np.float32), (y - 0.5).astype(np.float32), cv2.INTER_LINEAR)
    visible = (x > 2) & (x < 638) & (y > 2) & (y < 358) & (np.abs(found / z - 1) < 0.01)
    here = frames[first - 1].astype(np.float32)
    shift = least_squares_shift(here, warped, visible)
    # Half a pixel is what a wrong pixel convention costs.
    assert np.hypot(*shift) < 0.12
    assert np.corrcoef(here[visible], warped[visible])[0, 1] > 0.85


def least_squares_shift(a: NDArray[np.float32], b: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The one translation (dx, dy) in px of b against a (Lucas and Kanade 1981), over the masked pixels."""
    a, b = cv2.GaussianBlur(a, (0, 0), 1.0), cv2.GaussianBlur(b, (0, 0), 1.0)
    gx, gy = cv2.Sobel(b, cv2.CV_64F, 1, 0) / 8, cv2.Sobel(b, cv2.CV_64F, 0, 1) / 8
    inner = cv2.erode(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    design = np.stack([gx[inner], gy[inner], np.ones(inner.sum())], 1)
    found: NDArray[np.float64] = np.linalg.lstsq(design, (a - b)[inner].astype(np.float64), rcond=None)[0]
    return found[:2]
