"""SAM 3: what its detector finds is what the library's whole model finds, joined over time and followed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Sam3TrackerVideoModel, Sam3VideoModel

from backend.roto.cut import Hints
from backend.roto.job import RotoJob
from backend.roto_learned import roto_frames
from backend.roto_learned import sam3 as sam3_module
from backend.roto_learned.sam2 import Picture
from backend.roto_learned.sam3 import DetectedMask, Sam3Finder, load_sam3
from shared.errors import EngineUnavailable, InvalidRequest
from tests.learned.tiny_roto_models import SAM3_SIDE, save_sam3
from tests.learned.words_job import NUMBERS, SIZE, words_job

CPU = torch.device("cpu")
TEXTS = {"cast": "old man", "pet": "dog"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("weights")
    save_sam3(folder)
    return folder


def picture(number: int = 1) -> Picture:
    return np.random.default_rng(7).integers(0, 256, (*SIZE, 3), np.uint8)


def by_the_library(whole: Any, finder: Sam3Finder) -> list[tuple[str, float, Any, Any]]:
    """(label, score, box, mask logits) of every detection, by the model that has both parts."""
    whole.det_nms_thresh, whole.score_threshold_detection = 0.0, 0.0
    words = dict(enumerate(finder._words))
    session = SimpleNamespace(
        prompts=dict(enumerate(TEXTS.values())), prompt_embeddings={},
        prompt_input_ids={i: one["input_ids"] for i, one in words.items()},
        prompt_attention_masks={i: one["attention_mask"] for i, one in words.items()},
    )  # fmt: skip
    pixels = torch.nn.functional.interpolate(
        torch.from_numpy(picture()).permute(2, 0, 1)[None], (SAM3_SIDE, SAM3_SIDE), mode="bilinear", antialias=True
    )
    with torch.inference_mode():
        seen = whole.detector_model.get_vision_features(pixel_values=(pixels / 255.0 - 0.5) / 0.5)
        found = whole.run_detection(session, seen)
    return [
        (label, float(found[i]["scores"][k]), found[i]["bbox"][k].numpy(), found[i]["mask"][k])
        for i, label in enumerate(TEXTS)
        for k in range(len(found[i]["scores"]))
    ]


def test_the_detector_finds_what_the_whole_model_finds(weights: Path) -> None:
    finder = load_sam3(weights / "sam3", CPU, TEXTS)
    whole = Sam3VideoModel.from_pretrained(weights / "sam3")
    expected = by_the_library(whole, finder)
    found = finder.find(picture(), 0.0)
    assert found and max(one[1] for one in expected) >= found[0].score
    for one in found:
        assert isinstance(one, DetectedMask)
        box = one.box / (SIZE[1], SIZE[0], SIZE[1], SIZE[0])
        same = [
            logits
            for label, score, corners, logits in expected
            if label == one.label and abs(score - one.score) < 1e-5 and np.allclose(corners.clip(0, 1), box, atol=1e-4)
        ]
        assert len(same) == 1
        full = torch.nn.functional.interpolate(same[0][None, None], SIZE, mode="bilinear")[0, 0].numpy()
        clear = np.abs(full) > 0.1
        assert clear.mean() > 0.5 and np.array_equal(one.mask(*SIZE)[clear], (full > 0)[clear])
    assert finder.find(picture(), found[0].score + 1e-6) == []


def test_the_tracker_is_the_whole_models(weights: Path) -> None:
    whole = Sam3VideoModel.from_pretrained(weights / "sam3")
    tracker = Sam3TrackerVideoModel.from_pretrained(weights / "sam3")
    theirs, ours = dict(whole.tracker_model.named_parameters()), dict(tracker.named_parameters())
    assert set(theirs) <= set(ours) and all(torch.equal(theirs[name], ours[name]) for name in theirs)
    neck = dict(whole.tracker_neck.named_parameters())
    assert neck and all(torch.equal(neck[name], ours[f"vision_encoder.neck.{name}"]) for name in neck)


def job(weights: Path, scratch: Path, heard: list[str], threshold: float = 0.05, **hints: Any) -> RotoJob:
    return words_job("sam3", TEXTS, picture, weights, scratch, heard, threshold, **hints)


def test_instances_are_followed_and_corrected(weights: Path, tmp_path: Path) -> None:
    found = load_sam3(weights / "sam3", CPU, TEXTS).find(picture(), 0.05)
    heard: list[str] = []
    frames = list(roto_frames(job(weights, tmp_path, heard)))
    assert [one.number for one in frames] == list(NUMBERS)
    keys = set(frames[0].soft)
    assert keys and {key.split("#")[0] for key in keys} == {one.label for one in found} and len(keys) == len(found)
    assert any("gets no mask" in sentence for sentence in heard) == (len({one.label for one in found}) == 1)
    mask = frames[0].soft[f"{found[0].label}#0"] >= 0.5
    assert isinstance(found[0], DetectedMask)
    assert (mask & found[0].mask(*SIZE)).sum() >= 0.5 * (mask | found[0].mask(*SIZE)).sum()
    gone = {f"{found[0].label}_00": {1001: Hints(absent=True)}}
    corrected = list(roto_frames(job(weights, tmp_path, heard, **gone)))
    assert corrected[0].state[f"{found[0].label}#0"] == "hidden" and set(corrected[0].soft) == keys


def test_words_that_nothing_answers_to_are_an_error(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="sam3 found nothing in frames 1001 to 1004"):
        list(roto_frames(job(weights, tmp_path, [], threshold=0.95)))


def test_a_smaller_picture_when_memory_is_short(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(sam3_module, "SAM3_SIZES", (SAM3_SIDE, 28))
    monkeypatch.setattr("backend.roto_learned.following.SAM3_SIZES", (SAM3_SIDE, 28))
    run = Sam3Finder.find

    def greedy(self: Sam3Finder, *given: Any) -> Any:
        if self._plan.size[0] == SAM3_SIDE:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return run(self, *given)

    monkeypatch.setattr(Sam3Finder, "find", greedy)
    heard: list[str] = []
    assert len(list(roto_frames(job(weights, tmp_path, heard, threshold=0.05)))) == len(NUMBERS)
    assert heard[0] == f"The device has too little memory for SAM 3 at {SAM3_SIDE} px: it sees 28 px from now on."


def test_without_weights_the_licence_and_the_command_are_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="SAM 3") as error:
        list(roto_frames(job(tmp_path, tmp_path, [])))
    assert "build.py models --get sam3" in error.value.remedy
