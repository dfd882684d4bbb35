"""Corners, patches and tracks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from backend.sfm.bridge import LONGEST, carried, describe, match
from backend.sfm.features import detect_corners
from backend.sfm.frames import Picture, WorkingFrame, working_size
from backend.sfm.patches import PatchAligner, smoothed
from backend.sfm.settings import PRESETS, longest_side
from backend.sfm.tracker import Tracker, TrackerSettings
from backend.sfm.tracks import build_tracks, load_tracks, save_tracks


@pytest.fixture(scope="module")
def big() -> Picture:
    """Smooth noise, 600x900, of several scales."""
    rng = np.random.default_rng(0)
    total = np.zeros((600, 900))
    for cells in (12, 40, 110):
        total += cv2.resize(rng.random((cells, cells)).astype(np.float32), (900, 600), interpolation=cv2.INTER_CUBIC)
    return np.clip((total - total.min()) / np.ptp(total) * 255, 0, 255).astype(np.uint8)


def window(picture: Picture, x: float, y: float, size: tuple[int, int] = (320, 240)) -> Picture:
    """The part of `picture` whose top-left pixel centre is at (x, y). scipy, since OpenCV's cubic warps round
    positions to a fraction of a pixel that these tests would see."""
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]].astype(float)
    return np.clip(map_coordinates(picture.astype(float), [rows + y, columns + x], order=3), 0, 255).astype(np.uint8)


def test_corners_are_spread_and_keep_their_distance(big: Picture) -> None:
    gray = window(big, 100, 100)
    taken = np.array([[50.0, 50.0]])
    found = detect_corners(gray, 120, taken=taken, usable=None, distance=7, margin=8)
    assert 60 < len(found) <= 120
    quarters = np.histogram2d(found[:, 0], found[:, 1], bins=2, range=[[0, 320], [0, 240]])[0]
    assert quarters.min() > 0.1 * len(found)
    assert np.linalg.norm(found - taken, axis=1).min() > 6


def test_corners_avoid_what_is_masked(big: Picture) -> None:
    usable = np.ones((240, 320), bool)
    usable[:, :160] = False
    found = detect_corners(window(big, 0, 0), 100, taken=np.zeros((0, 2)), usable=usable, distance=7, margin=8)
    assert len(found)
    assert found[:, 0].min() > 160


def test_a_flat_picture_has_no_corners() -> None:
    flat = np.full((240, 320), 90, np.uint8)
    assert not len(detect_corners(flat, 50, taken=np.zeros((0, 2)), usable=None, distance=7, margin=8))


@pytest.mark.parametrize("shift", [(0.3, -0.4), (1.2, 0.7)])
def test_patches_find_a_shift_to_a_fiftieth_pixel(big: Picture, shift: tuple[float, float]) -> None:
    aligner = PatchAligner(7)
    first, second = smoothed(window(big, 200, 150)), smoothed(window(big, 200 - shift[0], 150 - shift[1]))
    corners = detect_corners(window(big, 200, 150), 60, taken=np.zeros((0, 2)), usable=None, distance=9, margin=14)
    anchors = aligner.anchor(first, corners)
    straight = np.broadcast_to(np.eye(2), (len(corners), 2, 2))
    found = aligner.align(anchors, second, corners, straight, iterations=12)
    off = np.linalg.norm(found.centre - corners - shift, axis=1)
    assert np.median(off) < 0.02
    assert found.likeness.min() > 0.9


def test_patches_follow_scale_turn_and_brightness(big: Picture) -> None:
    aligner = PatchAligner(7)
    turn = cv2.getRotationMatrix2D((160.0, 120.0), 6.0, 1.12)
    before = window(big, 200, 150)
    after = (cv2.warpAffine(before, turn, (320, 240), flags=cv2.INTER_CUBIC) * 0.7 + 20).astype(np.uint8)
    corners = detect_corners(before, 60, taken=np.zeros((0, 2)), usable=None, distance=9, margin=50)
    truth = corners @ turn[:, :2].T + turn[:, 2]
    anchors = aligner.anchor(smoothed(before), corners)
    straight = np.broadcast_to(np.eye(2), (len(corners), 2, 2))
    found = aligner.align(anchors, smoothed(after), truth + 0.5, straight, iterations=20)
    off = np.linalg.norm(found.centre - truth, axis=1)
    assert np.median(off) < 0.05
    assert np.allclose(np.median(found.affine, axis=0), turn[:, :2], atol=0.03)


def follow(pictures: list[Picture], masks: list[np.ndarray | None] | None = None) -> Tracker:
    tracker = Tracker(TrackerSettings(200, 7, 2.0, 2.0))
    for index, picture in enumerate(pictures):
        tracker.step(WorkingFrame(index, picture, masks[index] if masks else None))
    tracker.finish()
    return tracker


def observations(tracker: Tracker) -> dict[int, dict[int, np.ndarray]]:
    found: dict[int, dict[int, np.ndarray]] = {}
    for numbers, frame, xy, _ in tracker.observations:
        for number, place in zip(numbers.tolist(), xy, strict=True):
            found.setdefault(number, {})[frame] = place
    return found


def test_tracks_do_not_drift(big: Picture) -> None:
    rng = np.random.default_rng(1)
    path = np.cumsum(rng.uniform(0.5, 3.0, (25, 2)), axis=0)
    pictures = [window(big, 100 + x, 100 + y) for x, y in path]
    noisy = [np.clip(p + rng.normal(0, 3, p.shape), 0, 255).astype(np.uint8) for p in pictures]
    tracks = observations(follow(noisy))
    early, late = (median_error(tracks, path, age) for age in (2, 24))
    assert late < 1.5 * early
    assert late < 0.15


def median_error(tracks: dict[int, dict[int, np.ndarray]], path: np.ndarray, age: int) -> float:
    """How far, in working pixels, tracks from frame 0 are off after `age` frames."""
    moved = np.array([t[age] - t[0] for t in tracks.values() if 0 in t and age in t])
    assert len(moved) > 50
    return float(np.median(np.linalg.norm(moved / 2.0 + (path[age] - path[0]), axis=1)))


def test_positions_are_plate_pixels_with_edges_at_integers(big: Picture) -> None:
    tracker = follow([window(big, 100, 100)])
    _, _, xy, _ = tracker.observations[0]
    assert xy[:, 0].min() > 2.0 * 8
    assert xy[:, 0].max() > 330


def test_a_hidden_view_is_found_again(big: Picture) -> None:
    white = np.full((240, 320), 255, np.uint8)
    pictures = [window(big, 100 + 2 * i, 100) for i in range(6)]
    tracker = follow([*pictures[:3], white, white, *pictures[3:]])
    assert tracker.breaks == []
    both = [t for t in observations(tracker).values() if 1 in t and 6 in t]
    assert len(both) > 50
    assert not any(3 in t or 4 in t for t in both)


def test_a_cut_is_a_break(big: Picture) -> None:
    first = [window(big, 50 + 2 * i, 60) for i in range(5)]
    second = [np.ascontiguousarray(window(big, 500 + i, 330)[:, ::-1]) for i in range(5)]
    assert follow([*first, *second]).breaks == [5]


def test_a_fast_pan_is_no_break(big: Picture) -> None:
    pictures = [window(big, 20 + x, 100) for x in (0, 10, 90, 190, 300, 330, 335)]
    assert follow(pictures).breaks == []


def test_sift_matches_carry_points_along(big: Picture) -> None:
    a, b = match(describe(window(big, 100, 100)), describe(window(big, 190, 60)), 1.5)
    assert len(a) > 20
    points = np.array([[200.0, 100.0], [250.0, 90.0]])
    assert np.allclose(carried(points, a, b), points + np.array([-90.0, 40.0]), atol=1.0)


def test_large_pictures_are_matched_small(big: Picture) -> None:
    """Shrinking moves no feature: eight times the size, eight times the shift."""
    first, second = (np.kron(window(big, x, y), np.ones((8, 8), np.uint8)) for x, y in ((100, 100), (190, 60)))
    usable = np.ones(first.shape, bool)
    usable[:, : first.shape[1] // 2] = False
    assert max(first.shape) > LONGEST
    a, b = match(describe(first), describe(second), 12.0)
    points = np.array([[1600.0, 800.0], [2000.0, 720.0]])
    assert len(a) > 20 and np.allclose(carried(points, a, b), points + np.array([-720.0, 320.0]), atol=8.0)
    assert describe(first, usable).xy[:, 0].min() > first.shape[1] // 2 - 1


def test_tracks_survive_the_disk_and_only_under_their_key(tmp_path: Path) -> None:
    tracks = build_tracks(np.array([1, 0, 0]), np.array([2, 1, 0]), np.arange(6.0).reshape(3, 2), np.ones(3), 5)
    path = tmp_path / "tracks.npz"
    save_tracks(path, tracks, "key")
    again = load_tracks(path, "key")
    assert again is not None
    assert np.array_equal(again.xy, tracks.xy)
    assert (again.frames, again.count) == (5, 2)
    assert load_tracks(path, "other") is None
    assert load_tracks(tmp_path / "missing.npz", "key") is None
    path.write_bytes(path.read_bytes()[:100])
    assert load_tracks(path, "key") is None
    assert list(tmp_path.iterdir()) == [path]


def test_short_tracks_go_and_numbers_close_up() -> None:
    tracks = build_tracks(
        np.array([0, 1, 1, 1, 2, 2]), np.array([0, 0, 1, 2, 3, 4]), np.zeros((6, 2)), np.ones(6), 5
    )  # fmt: skip
    kept = tracks.longer_than(3)
    assert kept.count == 1
    assert kept.track.tolist() == [0, 0, 0]
    assert kept.frame.tolist() == [0, 1, 2]


def test_presets_choose_the_tracking_resolution() -> None:
    assert longest_side(PRESETS["low"], 1920, 1080) == 960
    assert longest_side(PRESETS["low"], 640, 360) == 480
    assert longest_side(PRESETS["medium"], 3840, 2160) == 1920
    assert longest_side(PRESETS["medium"], 640, 360) == 640
    assert working_size(3840, 2160, 1920) == (1920, 1080)
