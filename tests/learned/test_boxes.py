"""Boxes of what words name: the library's own boxes, joined over time, and followed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import GroundingDinoProcessor
from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil

from backend.roto.job import RotoJob
from backend.roto_learned import finding, roto_frames
from backend.roto_learned.boxes import Detected, GroundingDino, Owlv2, load_finder, overlap
from backend.roto_learned.linking import BoxLinker, hints_of_tracks
from backend.roto_learned.sam2 import Picture
from shared.errors import EngineUnavailable, InvalidRequest
from tests.learned.tiny_roto_models import save_groundingdino, save_owlv2, save_sam2
from tests.learned.words_job import NUMBERS, SIZE, words_job

CPU = torch.device("cpu")
TEXTS = {"cast": "old man", "pet": "Dog"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("weights")
    save_groundingdino(folder)
    save_owlv2(folder)
    return folder


def picture(number: int = 1) -> Picture:
    return np.random.default_rng(number).integers(0, 256, (*SIZE, 3), np.uint8)


def in_library(found: list[Detected], scores: Any, boxes: Any) -> bool:
    """Every detection is one of the library's, and the surest is its surest."""
    clipped = np.clip(boxes, 0, (SIZE[1], SIZE[0]) * 2)
    same = [
        (np.abs(clipped - one.box).max(1) < 1e-2) & (np.abs(scores - one.score) < 1e-4) for one in found
    ]  # fmt: skip
    return all(each.any() for each in same) and found[0].score == pytest.approx(float(scores.max()), abs=1e-4)


def test_grounding_dino_finds_what_the_library_finds(weights: Path) -> None:
    finder = load_finder("groundingdino", weights / "groundingdino-tiny", CPU, TEXTS, 64)
    assert isinstance(finder, GroundingDino)
    found = finder.find(picture(), 0.0)
    pixels = torch.from_numpy(picture()).permute(2, 0, 1)[None]
    small = torch.nn.functional.interpolate(pixels, (64, 107), mode="bilinear", antialias=True)[0] / 255.0
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    words = {"input_ids": torch.tensor([[101, 1030, 1033, 1012, 1032, 1012, 102]])}  # [CLS] old man . dog . [SEP]
    with torch.inference_mode():
        out = finder._network(pixel_values=((small - mean) / std)[None], **words)
    chance = out.logits[0].sigmoid().numpy()
    of_label = {"cast": chance[:, 1:3].max(1), "pet": chance[:, 4]}
    out.logits = torch.logit(torch.from_numpy(np.maximum(*of_label.values())))[None, :, None]
    keep_tokens = SimpleNamespace(batch_decode=lambda ids: ids)
    (library,) = GroundingDinoProcessor.post_process_grounded_object_detection(
        keep_tokens, out, input_ids=words["input_ids"], threshold=0.0, target_sizes=[SIZE]
    )
    assert len(found) >= 3 and in_library(found, library["scores"].numpy(), library["boxes"].numpy())
    for one in found:
        assert one.score == pytest.approx(
            of_label[one.label][np.abs(of_label[one.label] - one.score).argmin()], abs=1e-4
        )
    assert {one.label for one in found} <= set(TEXTS)
    some = finder.find(picture(), found[1].score)
    assert [one.score for one in some] == [found[0].score, found[1].score]


def test_owlv2_finds_what_the_library_finds(weights: Path) -> None:
    finder = load_finder("owlv2", weights / "owlv2-base", CPU, TEXTS, 64)
    assert isinstance(finder, Owlv2)
    found = finder.find(picture(), 0.0)
    square = np.zeros((80, 80, 3), np.uint8)
    square[:48] = picture()
    pixels = torch.from_numpy(square).permute(2, 0, 1)[None]
    small = torch.nn.functional.interpolate(pixels, (64, 64), mode="bilinear", antialias=True)[0] / 255.0
    clip = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
    mean, std = (torch.tensor(v)[:, None, None] for v in clip)
    with torch.inference_mode():
        out = finder._network(pixel_values=((small - mean) / std)[None], **finder._words)
    (library,) = Owlv2ImageProcessorPil.post_process_object_detection(
        SimpleNamespace(), out, threshold=-1.0, target_sizes=torch.tensor([SIZE])
    )
    assert len(library["scores"]) == 16 and in_library(found, library["scores"].numpy(), library["boxes"].numpy())


def test_a_model_without_its_words_is_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        load_finder("owlv2", tmp_path, CPU, TEXTS, 64)


# -- over time -----------------------------------------------------------------------------------------------


def box(x: float, score: float = 0.9, label: str = "bag") -> Detected:
    return Detected(label, score, np.array([x, 10.0, x + 16.0, 40.0]))


def shown(*things: tuple[float, tuple[int, int, int]]) -> NDArray[np.uint8]:
    plate = np.full((*SIZE, 3), 128, np.uint8)
    for x, colour in things:
        plate[10:40, int(x) : int(x) + 16] = colour
    return plate


def test_boxes_that_cross_stay_whose_they_are() -> None:
    linker = BoxLinker(24.0)
    for step in range(7):
        red, blue = 4.0 + 10 * step, 60.0 - 9 * step
        linker.add(step * 12, [box(blue), box(red)], shown((blue, (40, 60, 200)), (red, (200, 40, 40))))
    long = [track for track in linker.tracks if len(track.seen) > 1]
    assert sorted(len(track.seen) for track in long) == [6, 7]  # the one behind is not known while it is covered
    for track in long:
        steps = np.diff([found.box[0] for _, found in track.seen])
        assert (np.sign(steps) == np.sign(steps[0])).all()
    count = len(linker.tracks)
    other = box(4.0, label="dog")
    linker.add(84, [other], shown((4.0, (200, 40, 40))))
    assert len(linker.tracks) == count + 1


def test_the_surest_box_of_every_two_seconds_is_a_hint() -> None:
    linker = BoxLinker(24.0)
    for index, score in ((0, 0.5), (12, 0.9), (24, 0.6), (48, 0.4), (60, 0.7)):
        linker.add(index, [box(20.0, score)], shown((20.0, (200, 40, 40))))
    ((label, hints),) = hints_of_tracks(linker.tracks, range(1001, 1101), 24.0)
    assert label == "bag" and list(hints) == [1013, 1061]
    assert hints[1013].boxes.tolist() == [[20.0, 10.0, 36.0, 40.0]] and hints[1013].frame == 1013
    assert overlap(box(0.0).box, box(8.0).box) == pytest.approx(1 / 3)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "SHORT_SIDES", (64,))


def job(engine: str, weights: Path, scratch: Path, heard: list[str], threshold: float = 0.05) -> RotoJob:
    return words_job(engine, TEXTS, lambda number: picture(), weights, scratch, heard, threshold)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("engine", ["groundingdino", "owlv2"])
def test_boxes_are_followed_by_sam2_when_it_is_there(
    engine: str, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    heard: list[str] = []
    handed: list[RotoJob] = []
    monkeypatch.setattr(finding.flow, "roto_frames", lambda job: handed.append(job) or iter(()))
    list(roto_frames(job(engine, weights, tmp_path, heard)))
    (given,) = handed
    assert given.hints and all(key.split("#")[0] in TEXTS for key in given.hints)
    assert any("optical flow" in sentence and "sam2.1-hiera" in sentence for sentence in heard)
    whole = tmp_path / "weights"
    whole.mkdir()
    for name in ("groundingdino-tiny", "owlv2-base"):
        (whole / name).symlink_to(weights / name)
    save_sam2(whole)
    frames = list(roto_frames(job(engine, whole, tmp_path, heard)))
    assert [one.number for one in frames] == list(NUMBERS) and set(frames[0].soft) == set(given.hints)
    assert len(handed) == 1


@pytest.mark.usefixtures("small")
def test_words_that_nothing_answers_to_are_an_error(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="found nothing in frames 1001 to 1004 that answers to 'old man', 'Dog'"):
        list(roto_frames(job("groundingdino", weights, tmp_path, [], threshold=0.95)))
