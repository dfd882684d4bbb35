"""Depth networks aligned to a solve: scale within 1 %, whatever scale and shift each frame's map has."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from backend.depth.consistency.settings import ConsistencySettings
from backend.depth.consistency.stream import consistent
from backend.depth.frame import FrameDepth
from backend.depth_learned.alignment import align
from backend.depth_learned.clip import Prepared, frames, prepare
from backend.depth_learned.confirm import lifted, settled
from backend.depth_learned.edges import sharpened
from backend.depth_learned.fits import applied
from backend.depth_learned.maps import METRIC, RELATIVE
from backend.depth_learned.measure import measure
from backend.depth_learned.predictions import PredictionStore
from backend.depth_learned.settings import LearnedSettings
from backend.depth_learned.sparse import NO_POINTS
from backend.mvs.views import View
from shared.errors import SolveError
from tests.quality.depth_room import SIZE, Room, WrongTruth, pose, render

FRAMES = 16


@pytest.fixture(scope="module")
def room() -> Room:
    return Room([pose(1 + i, -0.6 + 0.05 * i, 0.02 * i) for i in range(FRAMES)])


def jumping(room: Room, kind: str, seed: int = 1, **noise: float) -> WrongTruth:
    """A model that chooses another scale and shift in every frame."""
    rng = np.random.default_rng(seed)
    scale = np.exp(rng.uniform(-0.4, 0.4, FRAMES))
    return WrongTruth(room, kind, scale, rng.uniform(-0.04, 0.04, FRAMES), **noise)


def steady(room: Room, kind: str, **noise: float) -> WrongTruth:
    return WrongTruth(room, kind, np.full(FRAMES, 0.7), np.full(FRAMES, 0.02), **noise)


def ready(room: Room, model: WrongTruth, folder: Path, unseen: tuple[int, ...] = (), every: int = 1) -> Prepared:
    said: list[str] = []
    prepared = prepare(
        room.poses, room.points(unseen), room.pictures, model, LearnedSettings(every), PredictionStore(folder),
        notice=said.append,
    )  # fmt: skip
    assert tuple(said) == prepared.alignment.notices
    return prepared


def scale_errors(room: Room, found: list[FrameDepth]) -> NDArray[np.float64]:
    """[T] how far each frame's depth is from the truth as a whole: median over the pixels of the log ratio."""
    ratios = [np.log(one.depth / room.depths[i])[one.known] for i, one in enumerate(found)]
    return np.array([np.median(ratio) for ratio in ratios])


def alignment_errors(model: WrongTruth, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """[T] the same for what parameters [T, k] would make of maps without noise: what alignment alone gets wrong."""
    inverse = [applied(model.kind, value, model.clean(i)) for i, value in enumerate(values)]
    ratios = [np.log(np.maximum(w, 1e-9) * model.room.depths[i]) for i, w in enumerate(inverse)]
    return np.array([np.median(ratio) for ratio in ratios])


@pytest.mark.parametrize("kind", [METRIC, RELATIVE])
def test_a_new_scale_and_shift_in_every_frame_is_found(kind: str, room: Room, tmp_path: Path) -> None:
    """Maps with 1.5 % of noise over regions and 2 % in each pixel, points with 0.5 % and a tenth of them wrong."""
    model = jumping(room, kind, regions=0.015)
    prepared = ready(room, model, tmp_path)
    aligned = np.abs(alignment_errors(model, prepared.alignment.smoothed.value))
    whole = np.abs(scale_errors(room, list(frames(prepared))))
    value = prepared.alignment.smoothed.value[:, 0]
    found = np.exp(-value) if kind == METRIC else value
    assert np.median(aligned) < 0.004 and aligned.max() < 0.01
    assert np.median(whole) < 0.004 and whole.max() < 0.01
    assert np.median(np.abs(found / model.scale - 1.0)) < 0.01
    assert set(prepared.alignment.origin) == {"own"} and prepared.alignment.unit == "world"


@pytest.mark.parametrize("kind", [METRIC, RELATIVE])
def test_smoothing_helps_a_steady_model(kind: str, room: Room, tmp_path: Path) -> None:
    """Few points in each frame: what single frames say scatters, and all together are better."""
    sparse = Room(room.poses, points_per_frame=25)
    model = steady(sparse, kind, regions=0.06)
    points, store = sparse.points(), PredictionStore(tmp_path)
    facts = measure(
        sparse.poses, points, sparse.pictures, model, LearnedSettings(), store, lambda index: None, lambda text: None
    )
    smoothed = align(kind, model.name, sparse.pictures.numbers, facts).smoothed.value
    alone = np.abs(alignment_errors(model, np.array([one.fit.value for one in facts if one.fit is not None])))
    together = np.abs(alignment_errors(model, smoothed))
    assert len(alone) == FRAMES and alone.max() > 0.025
    assert together.max() < 0.025 and together.max() < 0.6 * alone.max()


def test_frames_without_points_follow_their_neighbours_and_it_is_said(room: Room, tmp_path: Path) -> None:
    """The model's scale drifts by 2 % a frame: what links the pictures carries it through the gap."""
    drift = np.exp(0.02 * np.arange(FRAMES))
    model = WrongTruth(room, RELATIVE, drift, np.full(FRAMES, 0.02), regions=0.01, white=0.01)
    prepared = ready(room, model, tmp_path, unseen=(6, 7, 8, 9))
    assert prepared.alignment.notices == (
        "Frames 7-10 see too few solved points that wrong-truth agrees with: the frames around give their scale.",
    )
    assert np.abs(alignment_errors(model, prepared.alignment.smoothed.value))[6:10].max() < 0.02
    sure = [float(np.median(one.confidence)) for one in frames(prepared, [3, 8])]
    assert all(0.3 < one < 0.5 for one in sure)


def test_every_fourth_frame_is_enough_for_a_steady_model(room: Room, tmp_path: Path) -> None:
    model = steady(room, RELATIVE, regions=0.01)
    prepared = ready(room, model, tmp_path, every=4)
    assert prepared.alignment.origin[:5] == ("own", "between", "between", "between", "own")
    assert not prepared.alignment.notices
    assert np.abs(alignment_errors(model, prepared.alignment.smoothed.value)).max() < 0.01


@pytest.mark.parametrize("kind", [METRIC, RELATIVE])
def test_three_frames_are_enough(kind: str, room: Room, tmp_path: Path) -> None:
    """Too few to know how a model's scale changes: each is believed."""
    few = Room(room.poses[:3])
    model = WrongTruth(few, kind, np.array([0.7, 1.4, 0.9]), np.array([0.03, -0.02, 0.0]), regions=0.01)
    prepared = ready(few, model, tmp_path)
    assert np.abs(alignment_errors(model, prepared.alignment.smoothed.value)).max() < 0.01


def test_a_wrong_frame_is_overruled(room: Room, tmp_path: Path) -> None:
    """All points of one frame lie on something else, half as far: the frames around know better."""
    model = steady(room, METRIC, regions=0.01)
    points = room.points()
    assert points.seen is not None
    camera = room.poses[12]
    rows = points.seen[camera.number]
    eye = camera.world_from_camera[:3, 3]
    points.xyz[rows] = eye + 0.5 * (points.xyz[rows] - eye)
    prepared = prepare(room.poses, points, room.pictures, model, LearnedSettings(), PredictionStore(tmp_path))
    assert np.abs(alignment_errors(model, prepared.alignment.smoothed.value)).max() < 0.02


def test_the_consistency_step_takes_the_noise_out_and_promises_no_more_than_it_knows(
    room: Room, tmp_path: Path
) -> None:
    few = Room(room.poses[:8])
    raw = list(frames(ready(few, jumping(few, RELATIVE, regions=0.03), tmp_path)))

    def view(index: int) -> View:
        gray = torch.from_numpy(few.shown[index][..., 0].astype(np.float32) / 255.0)
        camera = few.poses[index]
        return View(camera.number, gray, torch.ones_like(gray), camera.K, camera.world_from_camera)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small maps: threads wait for each other
    stream = consistent(few.poses, lambda i: lifted(raw[i]), view, lambda i: None, ConsistencySettings())
    found = [settled(one, raw[i]) for i, one in enumerate(stream)]
    torch.set_num_threads(threads)
    before, after = (
        np.array([np.abs(one.depth / few.depths[i] - 1.0) for i, one in enumerate(maps)]) for maps in (raw, found)
    )
    assert np.minimum(after, 1.0).mean() < 0.6 * np.minimum(before, 1.0).mean()
    measured = np.array([one.measured for one in found])
    assert measured.mean() > 0.05 and np.percentile(after[measured], 95) < 0.03
    assert max(float(one.confidence.max()) for one in raw) < 0.5


def test_a_cut_is_not_smoothed_over(room: Room, tmp_path: Path) -> None:
    """Two takes whose maps differ by a factor of three."""
    far = [pose(100 + i, 30.0 + 0.05 * i, -6.0) for i in range(FRAMES // 2)]
    two = Room([*room.poses[: FRAMES // 2], *far], points_per_frame=40)
    scale = np.repeat([1.0, 3.0], FRAMES // 2)
    model = WrongTruth(two, METRIC, scale, np.zeros(FRAMES), regions=0.03)
    prepared = ready(two, model, tmp_path)
    errors = np.abs(alignment_errors(model, prepared.alignment.smoothed.value))
    assert errors[FRAMES // 2 - 2 : FRAMES // 2 + 2].max() < 0.02


def test_a_metric_model_proposes_the_scale_of_the_world(room: Room, tmp_path: Path) -> None:
    """The world is 0.7 of the model's metres: times 1/0.7 it would be in metres."""
    model = steady(room, METRIC, regions=0.05)
    proposal = ready(room, model, tmp_path).alignment.proposal
    assert proposal is not None and "--metric-depth" in proposal.sentence
    assert abs(proposal.scale * 0.7 - 1.0) < 0.01
    assert 0.01 < proposal.spread < 0.1 and proposal.frame_spread < 0.03
    assert ready(room, steady(room, RELATIVE), tmp_path / "relative").alignment.proposal is None


@pytest.mark.parametrize(("kind", "unit"), [(METRIC, "metres"), (RELATIVE, "arbitrary")])
def test_a_locked_shot_needs_no_solve_and_flickers_less_than_its_maps(kind: str, unit: str, tmp_path: Path) -> None:
    still = Room([pose(1 + i, 0.0) for i in range(FRAMES)])
    rng = np.random.default_rng(3)
    model = WrongTruth(still, kind, np.exp(rng.normal(0, 0.05, FRAMES)), np.full(FRAMES, -0.02), 0.01, 0.01)
    said: list[str] = []
    prepared = prepare(
        [None] * FRAMES, NO_POINTS, still.pictures, model, LearnedSettings(), PredictionStore(tmp_path),
        notice=said.append,
    )  # fmt: skip
    assert prepared.alignment.unit == unit and "No solved point" in said[0]
    found = list(frames(prepared))
    change = np.abs(np.diff(scale_errors(still, found)))
    raw = np.abs(np.diff(np.log(model.scale)))
    assert np.median(change) < 0.25 * np.median(raw)
    assert max(float(one.confidence.max()) for one in found) < 0.1
    if kind == METRIC:
        assert np.abs(scale_errors(still, found)).max() < 0.05


def test_a_model_that_contradicts_the_solve_is_an_error(room: Room, tmp_path: Path) -> None:
    upside_down = WrongTruth(room, RELATIVE, np.full(FRAMES, -1.0), np.full(FRAMES, 0.5))
    with pytest.raises(SolveError, match="agrees with the solved points in none"):
        ready(room, upside_down, tmp_path)


def test_maps_on_disk_are_not_made_again(room: Room, tmp_path: Path) -> None:
    model = steady(room, RELATIVE)
    first = [one.depth for one in frames(ready(room, model, tmp_path), [0, 15])]
    assert model.asked == FRAMES
    PredictionStore(tmp_path).path(room.poses[7].number).unlink()
    again = [one.depth for one in frames(ready(room, model, tmp_path), [0, 15])]
    assert model.asked == FRAMES + 1
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_depth_edges_follow_the_picture(tmp_path: Path) -> None:
    """A network at a quarter of the size; its resized map has pixels half-way between ball and wall."""
    camera = pose(1, 0.0)
    depth, picture = render(camera)
    ball = depth < 4.0
    picture[ball & (np.arange(SIZE[0]) < 60)[:, None]] //= 3
    small = cv2.resize((1.0 / depth).astype(np.float32), (SIZE[1] // 4, SIZE[0] // 4), interpolation=cv2.INTER_AREA)
    resized = cv2.resize(small, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    sharp = sharpened(RELATIVE, small, resized, picture)
    rim = cv2.dilate(ball.astype(np.uint8), np.ones((7, 7))) - cv2.erode(ball.astype(np.uint8), np.ones((7, 7)))
    rim[58:] = 0
    wrong = [float((np.abs(one * depth - 1.0)[rim > 0] > 0.2).mean()) for one in (resized, sharp)]
    assert wrong[1] < 0.6 * wrong[0]
    assert np.isin(sharp[sharp != resized], small).all()
