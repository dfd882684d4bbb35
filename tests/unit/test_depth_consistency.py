"""The consistency step on a room with exact depth: calmer, not less accurate, honest about what it does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.depth.consistency.fill import filled
from backend.depth.consistency.half import halved
from backend.depth.consistency.settings import ConsistencySettings
from backend.depth.consistency.sight import centres, sight, table_of
from backend.depth.consistency.stream import consistent
from backend.depth.consistency.surfaces import slopes, surface_of
from backend.depth.frame import SKY, FrameDepth
from tests.unit.depth_scene import BOX, SIZE, WALL, Image, Room, network_like, stereo_like

Maps = tuple[dict[int, FrameDepth], dict[int, FrameDepth]]
"""Raw maps by index, and what the step makes of them."""

ROOM = Room()
SETTINGS = ConsistencySettings(reach=4, iterations=1, half_resolution=False)


def _raw(make: Callable[[Image, int], FrameDepth]) -> dict[int, FrameDepth]:
    return {i: make(ROOM.truth(i), i + 1) for i in range(ROOM.frames)}


def _made(raw: dict[int, FrameDepth], settings: ConsistencySettings = SETTINGS) -> dict[int, FrameDepth]:
    out = consistent(ROOM.poses(), raw.__getitem__, ROOM.view, lambda _: None, settings)
    return {found.number - 1: found for found in out}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tests fill all cores already, and threads that wait for each other on small maps take many times longer."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def stereo() -> Maps:
    """Raw maps like a stereo engine's, and what a round makes of them."""
    raw = _raw(stereo_like)
    return raw, _made(raw)


def _solid(index: int) -> np.ndarray:
    """Pixels with a finite truth."""
    return np.asarray(ROOM.truth(index) < SKY)


def _error(frames: dict[int, FrameDepth], raw: dict[int, FrameDepth]) -> float:
    """AbsRel over the pixels that the raw maps measured."""
    return float(np.mean([
        np.abs(frames[i].depth / ROOM.truth(i) - 1.0)[_solid(i) & (raw[i].confidence >= 0.5)].mean() for i in raw
    ]))  # fmt: skip


def _flicker(frames: dict[int, FrameDepth], raw: dict[int, FrameDepth]) -> float:
    """Mean change of depth over truth between frames, on what does not move in the picture's rows: floor and wall are
    the same along a row, so a pixel stands for its point in the next frame."""
    total = []
    for i in range(1, ROOM.frames):
        there = [ROOM.truth(k) for k in (i - 1, i)]
        same = (there[0] == there[1]) & _solid(i) & (raw[i].confidence >= 0.5) & (raw[i - 1].confidence >= 0.5)
        ratio = [frames[k].depth / there[n] for n, k in enumerate((i - 1, i))]
        total.append(np.abs(np.log(ratio[1] / ratio[0]))[same].mean())
    return float(np.mean(total))


def test_stereo_maps_get_calm_and_not_less_accurate(
    stereo: Maps,
) -> None:
    raw, found = stereo
    assert _flicker(found, raw) < 0.5 * _flicker(raw, raw)
    assert _error(found, raw) < 0.8 * _error(raw, raw)


def test_a_networks_waves_get_calm_and_not_less_accurate() -> None:
    raw = _raw(network_like)
    found = _made(raw)
    assert _flicker(found, raw) < 0.5 * _flicker(raw, raw)
    assert _error(found, raw) < 0.7 * _error(raw, raw)


def test_at_half_resolution_it_is_nearly_as_calm_and_keeps_the_edges(stereo: Maps) -> None:
    raw, full = stereo
    found = _made(raw, replace(SETTINGS, half_resolution=True))
    assert found[6].depth.shape == SIZE
    assert _flicker(found, raw) < 0.5 * _flicker(raw, raw)
    assert _error(found, raw) < 0.9 * _error(raw, raw)
    truth = ROOM.truth(6)
    edges = (np.abs(np.diff(truth, axis=1)) > 1.0)[40:56]
    for side in (found[6].depth[40:56, :-1][edges], full[6].depth[40:56, :-1][edges]):
        assert (np.abs(side / truth[40:56, :-1][edges] - 1.0) < 0.05).mean() > 0.8


def test_a_wrong_patch_in_one_frame_is_set_right() -> None:
    raw = _raw(lambda truth, number: FrameDepth(number, truth, np.full(SIZE, 0.8, np.float32)))
    patch = (slice(8, 16), slice(10, 20))
    depth = raw[6].depth.copy()
    depth[patch] = 3.0
    raw[6] = replace(raw[6], depth=depth)
    found = _made(raw)
    assert np.abs(found[6].depth[patch] / ROOM.truth(6)[patch] - 1.0).max() < 0.01


def test_contradicted_depths_lose_confidence_and_confirmed_ones_gain() -> None:
    raw = _raw(lambda truth, number: FrameDepth(number, truth, np.full(SIZE, 0.7, np.float32)))
    rng = np.random.default_rng(0)
    patch = (slice(50, 70), slice(5, 40))
    for i in raw:
        depth = raw[i].depth.copy()
        depth[patch] *= rng.uniform(0.3, 0.6, depth[patch].shape)
        raw[i] = replace(raw[i], depth=depth)
    found = _made(raw)[6]
    assert np.median(found.confidence[patch]) < 0.6
    calm = np.isclose(ROOM.truth(6), WALL)
    assert np.median(found.confidence[calm]) > 0.85


def test_edges_stay_where_they_are(stereo: Maps) -> None:
    """Nothing between box and wall comes out of two maps that disagree about the edge."""
    found = stereo[1][6]
    truth = ROOM.truth(6)
    upper = slice(40, 56)
    between = (found.depth[upper] > 1.1 * BOX) & (found.depth[upper] < 0.9 * WALL)
    assert between[truth[upper] < SKY].mean() < 0.01


def test_no_depth_where_something_moves_and_none_of_it_next_to_it() -> None:
    raw = _raw(lambda truth, number: FrameDepth(number, truth.copy(), np.full(SIZE, 0.8, np.float32)))
    masks = {}
    for i in raw:
        masks[i] = np.zeros(SIZE, bool)
        masks[i][10:25, 6 * i : 6 * i + 10] = True
        raw[i].depth[masks[i]] = 2.0
    out = list(consistent(ROOM.poses(), raw.__getitem__, ROOM.view, masks.__getitem__, SETTINGS))
    for i, found in enumerate(out):
        assert not found.depth[masks[i]].any() and not found.confidence[masks[i]].any()
        solid = _solid(i) & ~masks[i]
        assert np.abs(found.depth[solid] / ROOM.truth(i)[solid] - 1.0).mean() < 0.003


def test_frames_without_a_pose_are_left_out_and_a_stage_can_go_on(
    stereo: Maps,
) -> None:
    raw = stereo[0]
    poses = ROOM.poses()
    poses[3] = None
    whole = list(consistent(poses, raw.__getitem__, ROOM.view, lambda _: None, SETTINGS))
    rest = list(consistent(poses, raw.__getitem__, ROOM.view, lambda _: None, SETTINGS, first=10))
    assert [one.number for one in whole] == [i + 1 for i in range(ROOM.frames) if i != 3]
    assert [one.number for one in rest] == [i + 1 for i in range(10, ROOM.frames)]
    for late, full in zip(rest, whole[-len(rest) :], strict=True):
        np.testing.assert_array_equal(late.depth, full.depth)


def test_the_window_bounds_what_is_read_ahead() -> None:
    raw = _raw(stereo_like)
    read: list[int] = []
    stream = consistent(
        ROOM.poses(), lambda i: read.append(i) or raw[i], ROOM.view, lambda _: None, replace(SETTINGS, reach=2)
    )
    next(stream)
    assert max(read) <= 3


def test_sky_stays_sky(stereo: Maps) -> None:
    found = stereo[1][6]
    sky = ~_solid(6)
    sky[10:] = False
    assert sky.any() and (found.depth[sky] == SKY).mean() > 0.97


def test_a_slanted_floor_is_seen_alike_from_two_frames() -> None:
    """To a small part of what one pixel is worth there."""
    surfaces = []
    for i in (2, 9):
        inverse = 1.0 / torch.from_numpy(ROOM.truth(i))
        surfaces.append(surface_of(ROOM.view(i), inverse, torch.ones(SIZE), torch.zeros(SIZE, dtype=torch.bool)))
    own, other = surfaces
    seen = sight(own, centres(own), own.inverse, other, table_of(other))
    floor = torch.zeros(SIZE, dtype=torch.bool)
    floor[64:] = True
    floor &= seen.trust > 0
    assert floor.any()
    apart = (seen.candidate - own.inverse).abs()[floor]
    assert float(apart.median()) < 0.02 * float(slopes(own.inverse)[1][floor].median())


def test_holes_are_filled_up_to_the_edges_of_the_picture_and_not_across() -> None:
    truth = ROOM.truth(6)
    inverse = np.where(truth < SKY, 1.0 / truth, 0.0).astype(np.float32)
    known = np.ones(SIZE, bool)
    known[42:56, 20:90] = False  # over both edges of the box and the wall on either side
    known[46:52, 50:60] = True
    known[55:66, 10:30] = False
    broken = np.where(known, inverse, 9.0).astype(np.float32)
    confidence = torch.full(SIZE, 0.8)
    found = filled(torch.from_numpy(broken), torch.from_numpy(known), confidence, torch.from_numpy(ROOM.gray(6)))
    error = np.abs(found.numpy() / np.maximum(inverse, 1e-9) - 1.0)
    assert (error[42:56, 20:90] < 0.01).mean() > 0.97
    assert error[55:66, 10:30].max() < 0.05 and np.median(error[55:66, 10:30]) < 0.005
    np.testing.assert_array_equal(found.numpy()[known], inverse[known])


def test_a_blank_area_keeps_the_guess_of_the_engine() -> None:
    """Where the picture has texture, a hole is filled from around instead, unless the engine says something
    for its guess."""
    area = (slice(20, 50), slice(30, 80))
    depth, confidence = np.full(SIZE, 2.0, np.float32), np.full(SIZE, 0.8, np.float32)
    depth[area] = 8.0
    plain = torch.full(SIZE, 0.5)
    textured = plain + 0.1 * torch.sin(0.5 * torch.arange(SIZE[1]))
    for gray, sure, expected in ((plain, 0.02, 8.0), (textured, 0.02, 2.0), (textured, 0.3, 8.0)):
        confidence[area] = sure
        view = replace(ROOM.view(6), gray=gray)
        (found,) = consistent(
            [ROOM.poses()[6]],
            lambda _: FrameDepth(7, depth, confidence),
            lambda _, view=view: view,
            lambda _: None,
            replace(SETTINGS, iterations=0),
        )
        assert np.median(np.abs(found.depth[area] / expected - 1.0)) < 0.01
        assert (found.confidence[area] < 0.5).all()


def test_a_slant_is_halved_in_its_place_whichever_pixels_are_sure() -> None:
    y, x = (axis.to(torch.float32) for axis in torch.meshgrid(torch.arange(12), torch.arange(16), indexing="ij"))
    slant = 0.2 + 0.01 * x + 0.02 * y
    confidence = torch.from_numpy(np.random.default_rng(0).uniform(0.2, 0.9, slant.shape).astype(np.float32))
    half, _, _ = halved(slant, confidence, torch.zeros(slant.shape, dtype=torch.bool))
    expected = torch.nn.functional.avg_pool2d(slant[None], 2)[0]
    np.testing.assert_allclose(half[1:-1, 1:-1], expected[1:-1, 1:-1], rtol=1e-5)
