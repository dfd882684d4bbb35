"""Depth of what moves, on the room of the depth tests with a person-sized board that goes through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from backend.depth.frame import FrameDepth, Mask
from backend.depth.movers import Movers, WatchedFrame, watched, with_movers
from backend.depth.movers_path import smoothed
from backend.depth.movers_pieces import PieceNames
from tests.unit.depth_scene import BOX, EYE, SIZE, Image, K, Room

ROOM = Room(frames=16, step=0.05)
TALL, BROAD = 1.6, 0.3


def _board(index: int, x: float, z: float) -> Mask:
    """Where the upright board at world x, z ahead covers the picture, if nothing were before it."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    left = ROOM.pose(index).world_from_camera[0, 3] + (columns - K[0, 2]) / K[0, 0] * z
    height = EYE - (rows - K[1, 2]) / K[1, 1] * z
    return np.asarray((np.abs(left - x) < BROAD / 2) & (height >= 0) & (height < TALL))


def _static(index: int, moving: Mask, noise: float = 0.01) -> FrameDepth:
    truth = ROOM.truth(index)
    depth = truth * (1.0 + noise * np.random.default_rng(index).standard_normal(SIZE))
    depth = np.where(moving, 0.0, depth).astype(np.float32)
    return FrameDepth(index + 1, depth, np.where(moving, 0.0, 0.8).astype(np.float32))


def _clip(z: Callable[[int], float], x: float = 1.9, known: bool = False) -> list[WatchedFrame]:
    frames = []
    for i in range(ROOM.frames):
        board = _board(i, x, z(i)) & (ROOM.truth(i) > z(i))
        frames.append(WatchedFrame(_static(i, board), board, ROOM.pose(i), [board] if known else []))
    return frames


def _depths(clip: list[WatchedFrame]) -> Image:
    """Median depth [T] of what moves, NaN in frames where it stays unknown."""
    movers = watched(clip)
    found = []
    for one in clip:
        made = with_movers(one, movers)
        inside = made.depth[one.moving]
        found.append(np.median(inside) if inside.all() else np.nan)
        assert (made.confidence[one.moving] < 0.5).all()
        np.testing.assert_array_equal(made.depth[~one.moving], one.frame.depth[~one.moving])
    return np.array(found)


@pytest.mark.parametrize("known", [False, True])
def test_a_thing_is_where_it_touches_the_ground(known: bool) -> None:
    def truth(index: int) -> float:
        return 6.2 - 0.1 * index

    found = _depths(_clip(truth, known=known))
    ratio = found / [truth(i) for i in range(ROOM.frames)]
    assert np.abs(ratio - 1.0).max() < 0.05
    assert np.abs(np.diff(np.log(ratio))).max() < 0.01


def test_with_its_feet_below_the_picture_its_size_tells() -> None:
    """It comes nearer, until its feet are out of the picture."""

    def truth(index: int) -> float:
        return 5.4 - 0.12 * index

    clip = _clip(truth, x=1.5)
    assert clip[-1].moving[-1].any() and not clip[0].moving[-2:].any()
    ratio = _depths(clip) / [truth(i) for i in range(ROOM.frames)]
    assert np.abs(ratio - 1.0).max() < 0.08


def test_never_on_its_feet_its_build_tells() -> None:
    found = _depths(_clip(lambda _: 3.0, x=1.2))
    nearest = EYE * K[1, 1] / (SIZE[0] - K[1, 2])
    assert (found <= 1.02 * nearest).all()
    assert np.abs(found / 3.0 - 1.0).max() < 0.2


def test_broader_than_tall_it_is_before_the_ground_that_it_hides() -> None:
    clip = []
    for one in _clip(lambda _: 3.0, x=0.0):
        broad = np.zeros(SIZE, bool)
        broad[50:, 20:90] = True
        still = _static(one.frame.number - 1, broad)
        clip.append(replace(one, frame=still, moving=broad))
    nearest = EYE * K[1, 1] / (SIZE[0] - K[1, 2])
    assert (_depths(clip) <= 1.02 * nearest).all()


def test_behind_the_box_it_is_farther_than_the_box() -> None:
    clip = _clip(lambda _: 6.0, x=0.0)
    assert clip[8].moving.any()
    assert (_depths(clip) > BOX).all()


def _seen(one: WatchedFrame, depth: float) -> WatchedFrame:
    """With a network's map that has the thing at about `depth`."""
    shape = depth * (1.0 + 0.02 * np.random.default_rng(0).random(SIZE))
    return replace(one, raw=FrameDepth(one.frame.number, shape.astype(np.float32), np.full(SIZE, 0.8, np.float32)))


def test_a_networks_shape_is_kept() -> None:
    clip = [_seen(one, 5.0) for one in _clip(lambda _: 5.5)]
    one = clip[4]
    assert one.raw is not None
    made, shape = with_movers(one, watched(clip)).depth[one.moving], one.raw.depth[one.moving]
    np.testing.assert_allclose(made / np.median(made), shape / np.median(shape), rtol=1e-4)
    assert np.median(made) == pytest.approx(5.5, rel=0.05)


def test_with_its_feet_never_seen_a_networks_depth_counts() -> None:
    assert _depths([_seen(one, 2.0) for one in _clip(lambda _: 2.0, x=0.6)]) == pytest.approx(2.0, rel=0.03)


def test_a_thing_over_nothing_known_stays_unknown() -> None:
    (one,) = _clip(lambda _: 5.0)[:1]
    empty = replace(one, frame=FrameDepth(1, np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32)))
    made = with_movers(empty, watched([empty]))
    assert not made.depth.any() and not made.confidence.any()
    assert with_movers(one, Movers({})) is one.frame


def test_names_last_while_two_things_cross() -> None:
    names = PieceNames()
    rows, columns = np.mgrid[:60, :120]
    seen = []
    for i in range(21):
        discs = [np.hypot(rows - y, columns - x) < 12 for x, y in ((15 + 4.5 * i, 24), (105 - 4.5 * i, 36))]
        labels = names.named((), discs[0] | discs[1]).labels
        seen.append(
            [np.bincount(labels[disc & ~other]).argmax() for disc, other in zip(discs, discs[::-1], strict=True)]
        )
    assert seen[0] == seen[9] == seen[-1] and seen[0][0] != seen[0][1]


def test_a_way_bridges_what_is_not_seen_and_outliers() -> None:
    truth = np.stack([np.linspace(0, 3, 40), np.full(40, 5.0), np.zeros(40)], 1)
    places, weights = truth + 0.05 * np.random.default_rng(0).standard_normal(truth.shape), np.ones(40)
    weights[10:15] = 0.0
    places[10:15] = 99.0
    places[25] += 4.0
    assert np.abs(smoothed(places, weights) - truth).max() < 0.08
