"""Engines rtmpose, dwpose and vitpose: tiny networks loaded from files by the real loaders, and what becomes of what
they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from transformers.models.vitpose.image_processing_pil_vitpose import VitPoseImageProcessorPil

from backend.pose import PoseJob, pose_tracks
from backend.pose.engines import ready_engine
from backend.pose.job import Mask, Picture
from backend.pose.networks.boxes import cut, frame_around, normalised
from backend.pose.networks.engine import TopDownEngine
from backend.pose.networks.simcc import SimccNetwork
from backend.pose.networks.vitpose import VitposeNetwork, decoded
from backend.pose.networks.yolox import YoloxFinder
from backend.pose.places import Place
from backend.roto.people.environment import VARIABLE
from backend.weights.models import model
from shared.errors import EngineUnavailable, InvalidRequest
from tests.learned.tiny_pose_models import save_simcc, save_vitpose, save_yolox

HEIGHT, WIDTH = 240, 320
BOX = (120.0, 60.0, 200.0, 180.0)
SPOT = (150.5, 100.5)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Params:
    engine: str = "auto"
    pose_mode: str = "balanced"
    model: str = "auto"
    weights: str | None = None
    allow_non_commercial: bool = False


def spot(x: float = SPOT[0], y: float = SPOT[1]) -> Picture:
    """A soft bright spot on black."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    light = 255.0 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 6.0**2))
    return np.repeat(light[..., None], 3, 2).astype(np.uint8)


def place() -> Place:
    return Place(BOX, (160.0, 120.0, 160.0, 0.0))


@pytest.mark.parametrize("count", [17, 26, 133])
def test_a_bright_spot_is_found_where_it_is(count: int, tmp_path: Path) -> None:
    network = SimccNetwork(save_simcc(tmp_path / "end2end.onnx", count), "cpu")
    for mode in ("lightweight", "performance"):
        engine = TopDownEngine("rtmpose", "tiny", network, mode, hands_and_face=True)
        seen = engine.keypoints(spot(), place(), None)
        assert seen is not None and np.abs(seen.xy - SPOT).max() < 0.6
        assert seen.score.min() > 0.2 and np.isfinite(seen.sd_px).all() and seen.relative is None
        assert (seen.hands is not None) == (seen.face is not None) == (count == 133)
        assert ("left_heel" in seen.names) == (count > 17)
    assert seen.face is None or (seen.face.shape == (70, 3) and seen.hands is not None and seen.hands.shape[1] == 21)


def test_large_plates_do_not_alias(tmp_path: Path) -> None:
    network = SimccNetwork(save_simcc(tmp_path / "end2end.onnx", 17), "cpu")
    large = np.repeat(np.repeat(spot(), 4, 0), 4, 1)
    frame = frame_around(tuple(4.0 * side for side in BOX), 0.75)  # type: ignore[arg-type]
    share, _ = network.look(large, [frame])
    assert np.abs(frame.plate_xy(share[0]) - 4.0 * np.array(SPOT)).max() < 2.4


def test_a_black_picture_has_nobody(tmp_path: Path) -> None:
    network = SimccNetwork(save_simcc(tmp_path / "end2end.onnx", 17), "cpu")
    engine = TopDownEngine("rtmpose", "tiny", network, "balanced", hands_and_face=True)
    assert engine.keypoints(np.zeros((HEIGHT, WIDTH, 3), np.uint8), place(), None) is None


def test_damaged_and_other_files_are_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"not a model")
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        SimccNetwork(damaged, "cpu")
    with pytest.raises(EngineUnavailable, match="another one"):
        SimccNetwork(save_simcc(tmp_path / "nine.onnx", 9), "cpu")
    with pytest.raises(EngineUnavailable, match="another one"):
        SimccNetwork(save_yolox(tmp_path / "yolox.onnx", []), "cpu")


def test_yolox_finds_people_once(tmp_path: Path) -> None:
    boxes = [(20.0, 30.0, 16.0, 30.0, 0.9), (28.0, 30.0, 16.0, 30.0, 0.1), (50.0, 28.0, 10.0, 24.0, 0.6)]
    people = YoloxFinder(save_yolox(tmp_path / "yolox_l.onnx", boxes), "cpu").find(np.zeros((128, 128, 3), np.uint8))
    assert np.abs(np.array([one.box for one in people]) - [(24, 30, 56, 90), (90, 32, 110, 80)]).max() <= 1
    assert people[0].score == pytest.approx(0.9, abs=1e-3)


@pytest.mark.parametrize("experts", [1, 6])
def test_vitpose_agrees_with_the_librarys_own_processing(experts: int, tmp_path: Path) -> None:
    network = VitposeNetwork(save_vitpose(tmp_path, experts=experts), "cpu")
    rng = np.random.default_rng(0)
    shown = np.kron(rng.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    shown = cv2.GaussianBlur(shown, (0, 0), 4.0)
    small = (150.0, 90.0, 180.0, 130.0)
    frame = frame_around(small, 0.75)
    share, score = network.look(shown, [frame])
    assert share.shape == (1, 17, 2) and score.shape == (1, 17)
    processor = VitPoseImageProcessorPil(size={"height": 64, "width": 48})
    # Theirs has the centre of the first px at 0.
    box = [small[0] - 0.5, small[1] - 0.5, small[2] - small[0], small[3] - small[1]]
    pixels = processor(images=[shown], boxes=[[box]], return_tensors="pt")["pixel_values"]
    ours = normalised([cut(shown, frame, 48, 64, corners=True)])
    assert np.abs(ours - pixels.numpy()).mean() < 0.03  # they keep fractions of levels
    more = {"dataset_index": torch.tensor([0])} if experts > 1 else {}
    with torch.inference_mode():
        found = network._network(pixel_values=pixels, **more)
    (theirs,) = processor.post_process_pose_estimation(found, boxes=[[box]])[0]
    share, score = decoded(found.heatmaps.numpy())
    assert np.abs(score[0] - np.clip(theirs["scores"].numpy(), 0, 1)).max() < 1e-5
    apart = np.linalg.norm(frame.plate_xy(share[0]) - (theirs["keypoints"].numpy() + 0.5), axis=1)
    assert np.median(apart) < 0.3


def test_the_maximum_of_a_gaussian_is_found_between_px() -> None:
    rows, columns = np.mgrid[:64, :48]
    heat = np.exp(-((columns - 20.3) ** 2 + (rows - 31.6) ** 2) / 8.0).astype(np.float32)
    share, score = decoded(heat[None, None])
    assert share[0, 0] * (47, 63) == pytest.approx((20.3, 31.6), abs=0.03) and score[0, 0] > 0.9


def _masks(label: str, number: int) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[int(BOX[1]) : int(BOX[3]), int(BOX[0]) : int(BOX[2])] = 255
    return mask


@pytest.mark.parametrize("engine", ["rtmpose", "dwpose", "vitpose"])
def test_a_clip_goes_through_with_masks_and_without_mediapipe(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "no python"))
    params = Params(engine=engine, weights=str(tmp_path / "weights"))
    with pytest.raises(EngineUnavailable, match="are not there"):
        ready_engine(params)
    with pytest.raises(InvalidRequest, match="no model named"):
        ready_engine(Params(engine=engine, model="nothing"))
    name = {"rtmpose": "rtmpose-m-body26", "dwpose": "dwpose-l-384", "vitpose": "vitpose-base"}[engine]
    folder = tmp_path / "weights" / name
    save_vitpose(folder) if engine == "vitpose" else save_simcc(folder / model(name).files[0], 133)
    assert ready_engine(Params(weights=params.weights)) == engine
    notices: list[str] = []
    job = PoseJob((1, 2), lambda number: spot(150 + number), 24.0, params, tmp_path / "store", ("anna",), _masks,
                  notice=notices.append)  # fmt: skip
    result = pose_tracks(job)
    assert (result.engine, result.model) == (engine, name) and "depth" in notices[0]
    if engine != "vitpose":  # random weights see nobody for certain
        assert result.tracks["anna"].frames == (1, 2)
        assert result.tracks["anna"].by_frame[2].xy[0] == pytest.approx((152, SPOT[1]), abs=0.6)


def test_without_masks_and_mediapipe_yolox_finds_the_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "no python"))
    params = Params(engine="rtmpose", weights=str(tmp_path))
    save_simcc(tmp_path / "rtmpose-m-body26" / "end2end.onnx", 26)
    job = PoseJob((1, 2, 3), lambda number: spot(), 24.0, params, tmp_path / "store")
    with pytest.raises(EngineUnavailable, match="MediaPipe"):
        pose_tracks(job)
    save_yolox(tmp_path / "yolox-l" / "yolox_l.onnx", [(32.0, 24.0, 16.0, 24.0, 0.9)])
    result = pose_tracks(job)
    assert list(result.tracks) == ["person_00"] and result.tracks["person_00"].frames == (1, 2, 3)
    assert np.abs(result.tracks["person_00"].keypoints[0].xy - SPOT).max() < 0.7
