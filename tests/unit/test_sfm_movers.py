"""Tracks on things that move: found before there is a camera and after, without losing what stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.sfm.frames import Flags, Floats, Indices
from backend.sfm.initial import look_at_pairs
from backend.sfm.motion_masks import confirmed_by_tracks
from backend.sfm.movers import moving_tracks, without
from backend.sfm.refine import Refined
from backend.sfm.scene import Scene
from backend.sfm.sense import require_agreement
from backend.sfm.track_motion import TrackMotion, judge_tracks, whole_track_residual
from backend.sfm.tracks import TrackCare, Tracks, build_tracks
from shared.errors import SolveDiverged
from tests.quality.synthetic_set import Footage
from tests.unit.sfm_scene import LENS, seen, travelling

FRAMES = 16
NOISE_PX = 0.2
DIAGONAL = float(np.hypot(2 * LENS.cx, 2 * LENS.cy))


def nothing() -> None:
    return None


def crowd(share: float, path: Floats, seed: int = 3) -> tuple[Scene, Tracks, Flags]:
    """A still cloud and, in a block of the picture, points that move along path [FRAMES, 3] (world units); which
    tracks [T] they are. The scene knows the still points and every pose."""
    rng = np.random.default_rng(seed)
    still, moving = round(600 * (1.0 - share)), round(600 * share)
    scene = travelling(FRAMES, still, seed=seed)
    world = seen(scene, NOISE_PX, seed)
    body = rng.uniform([-1.2, -1.0, 3.6], [0.6, 1.0, 4.2], (moving, 3))
    track, frame = np.repeat(np.arange(moving), FRAMES), np.tile(np.arange(FRAMES), moving)
    # Each part sways a little of its own: nothing alive is rigid.
    sway = 0.03 * rng.normal(size=(moving, 3))[track] * np.sin(0.9 * frame + rng.uniform(0, 6, moving)[track])[:, None]
    place = body[track] + path[frame] + sway
    camera = np.einsum("mij,mj->mi", scene.rotation[frame], place) + scene.translation[frame]
    xy = LENS.project(camera) + rng.normal(0.0, NOISE_PX, (len(track), 2))
    inside = (camera[:, 2] > 0.1) & (xy > 0).all(1) & (xy < [2 * LENS.cx, 2 * LENS.cy]).all(1)
    world = hidden_behind(world, xy[inside], frame[inside])
    both = build_tracks(
        np.concatenate([world.track, track[inside] + still]), np.concatenate([world.frame, frame[inside]]),
        np.concatenate([world.xy, xy[inside]]), np.full(len(world.track) + int(inside.sum()), NOISE_PX), FRAMES,
    )  # fmt: skip
    count = still + moving
    whole = replace(
        scene, points=np.concatenate([scene.points, np.zeros((moving, 3))]),
        known=np.concatenate([scene.known, np.zeros(moving, bool)]),
    )  # fmt: skip
    return whole, replace(both, count=count), np.arange(count) >= still


def hidden_behind(world: Tracks, xy: Floats, frame: Indices) -> Tracks:
    """The still tracks less what the block of movers covers: one cannot see through people."""
    keep = np.ones(len(world.track), bool)
    for t in range(FRAMES):
        block = xy[frame == t]
        if len(block):
            here = world.frame == t
            keep &= ~(here & (world.xy > block.min(0)).all(1) & (world.xy < block.max(0)).all(1))
    return world.select(keep)


def walk(seed: int = 5) -> Floats:
    """Up, down and sideways against the camera's travel, with stops."""
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal([0.02, 0.03, 0.0], [0.05, 0.04, 0.03], (FRAMES, 3)), axis=0)


def along_the_epipolar_line() -> Floats:
    """Exactly with the camera's own travel, hurrying and dawdling: any two frames agree with a still point."""
    steps = 0.15 * (1.0 + 0.9 * np.sin(1.3 * np.arange(FRAMES)))
    return np.cumsum(steps)[:, None] * np.array([1.0, 0.0, 0.3])


def scores(found: Flags, truth: Flags, seen_often: Flags) -> tuple[float, float]:
    """Precision and recall among tracks seen often enough to be judged."""
    right = (found & truth & seen_often).sum()
    return float(right / max((found & seen_often).sum(), 1)), float(right / max((truth & seen_often).sum(), 1))


@pytest.mark.parametrize("share", [0.1, 0.25, 0.4])
def test_movers_are_found_before_there_is_a_camera(share: float) -> None:
    _, tracks, truth = crowd(share, walk())
    views = look_at_pairs(tracks, list(range(0, FRAMES, 2)), NOISE_PX, nothing)
    found = moving_tracks(tracks, views, NOISE_PX, DIAGONAL, nothing)
    precision, recall = scores(found, truth, tracks.lengths() >= 8)
    assert precision > 0.95
    assert recall > 0.85


@pytest.mark.parametrize("share", [0.1, 0.25, 0.4])
def test_movers_are_found_by_the_camera(share: float) -> None:
    scene, tracks, truth = crowd(share, walk())
    motion = judge_tracks(scene, tracks, 1.0, DIAGONAL)
    precision, recall = scores(motion.moving, truth, tracks.lengths() >= 8)
    assert precision > 0.97
    assert recall > 0.97
    assert 0.7 * NOISE_PX < motion.noise_px < 1.5 * NOISE_PX


def test_whoever_walks_along_the_epipolar_line_is_found_over_time() -> None:
    scene, tracks, truth = crowd(0.25, along_the_epipolar_line())
    motion = judge_tracks(scene, tracks, 1.0, DIAGONAL)
    precision, recall = scores(motion.moving, truth, tracks.lengths() >= 8)
    assert precision > 0.97
    assert recall > 0.97


def test_in_a_still_world_nothing_moves() -> None:
    scene, tracks, _ = crowd(0.0, walk())
    views = look_at_pairs(tracks, list(range(0, FRAMES, 2)), NOISE_PX, nothing)
    assert not moving_tracks(tracks, views, NOISE_PX, DIAGONAL, nothing).any()
    assert judge_tracks(scene, tracks, 1.0, DIAGONAL).moving.mean() < 0.005


def test_a_point_at_infinity_stands() -> None:
    scene = travelling(FRAMES, 60)
    far = replace(scene, points=scene.points * 1e6)
    rms, judged = whole_track_residual(scene, seen(far, NOISE_PX))
    assert judged.any()
    assert np.quantile(rms[judged], 0.95) < 2.0 * NOISE_PX


def test_what_the_artist_holds_is_never_left_out() -> None:
    _, tracks, truth = crowd(0.25, walk())
    held = np.zeros(tracks.count, bool)
    held[np.nonzero(truth)[0][0]] = True
    kept = without(replace(tracks, care=TrackCare(np.ones(tracks.count), held, held)), truth)
    assert set(kept.track[truth[kept.track]]) == {int(np.nonzero(truth)[0][0])}
    assert without(tracks, None) is tracks


@pytest.mark.parametrize(
    ("moving", "still", "left_px", "expected"),
    [(8, 0, 6.0, True), (8, 3, 6.0, True), (5, 0, 6.0, False), (8, 12, 6.0, False), (8, 0, 0.5, False)],
)
def test_a_region_moves_when_most_of_its_tracks_do_so_clearly(
    moving: int, still: int, left_px: float, expected: bool
) -> None:
    plate, region = (1280, 720), np.zeros((90, 160), bool)
    region[20:60, 40:80] = True
    count = moving + still
    xy = np.random.default_rng(1).uniform([330.0, 170.0], [630.0, 470.0], (count, 2))
    tracks = build_tracks(np.arange(count), np.zeros(count, np.int64), xy, np.full(count, 0.1), 1)
    moves = np.arange(count) < moving
    motion = TrackMotion(np.where(moves, 3.0, -3.0), np.ones(count, bool), 0.2, np.where(moves, left_px, 0.2))
    found = confirmed_by_tracks(region, tracks, motion, 0, plate, 6)
    assert np.array_equal(found, region if expected else np.zeros_like(region))


def plate() -> Footage:
    return Footage([np.zeros((round(2 * LENS.cy), round(2 * LENS.cx), 3), np.uint8)], np.eye(4)[None], np.eye(3))


def shifted(scene: Scene) -> Scene:
    """A wrong camera."""
    return replace(scene, translation=scene.translation[::-1])


def test_a_camera_that_most_tracks_disagree_with_is_an_error() -> None:
    scene, tracks, _ = crowd(0.3, walk())
    assert require_agreement(plate(), Refined(scene, tracks, tracks, True), NOISE_PX * 1.5) == ()
    with pytest.raises(SolveDiverged, match=r"only \d+% of the tracks") as caught:
        require_agreement(plate(), Refined(shifted(scene), tracks, tracks, True), NOISE_PX * 1.5)
    assert "Mask" in caught.value.remedy


def test_a_camera_of_the_few_that_reach_round_the_picture_is_only_doubted() -> None:
    scene, tracks, moves = crowd(0.8, walk())
    middle = np.abs(tracks.xy / [2 * LENS.cx, 2 * LENS.cy] - 0.5).max(1) < 0.38
    tracks = tracks.select(~moves[tracks.track] | middle)
    (notice,) = require_agreement(plate(), Refined(scene, tracks, tracks, True), NOISE_PX * 1.5)
    assert "of the tracks agree" in notice


def test_a_camera_that_the_artist_holds_tracks_for_is_only_doubted() -> None:
    scene, tracks, _ = crowd(0.3, walk())
    held = np.arange(tracks.count) < 20
    tracks = replace(tracks, care=TrackCare(np.ones(tracks.count), held, held))
    assert require_agreement(plate(), Refined(shifted(scene), tracks, tracks, True), NOISE_PX * 1.5)
