"""Boxes of what words name, by open-vocabulary detectors of transformers.

Liu et al., "Grounding DINO" (ECCV 2024); Minderer et al., "Scaling Open-Vocabulary Object Detection" (OWLv2, NeurIPS
2023).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backend.depth_learned.inputs import InputPlan, normalised, read_plan
from backend.inference.checkpoint import load_checkpoint
from backend.inference.device import inference
from shared.errors import EngineUnavailable

from .sam2 import Picture

Boxes = NDArray[np.float64]

_OVERLAP = 0.6
_CLIP_MEAN, _CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class Detected:
    """box [4]: x0, y0, x1, y1 in px of the picture, inside of it. score: 0..1."""

    label: str
    score: float
    box: Boxes


class BoxFinder(Protocol):
    """A detector that was told what to look for."""

    def find(self, picture: Picture, threshold: float) -> list[Detected]:
        """What scores at least `threshold`, the surest first, each thing once."""
        ...


class GroundingDino:
    """All words go into one sentence; a box is of the label that has the word it answers to most. short_side: px that
    the picture's shorter side is scaled to, the longer one to 5/3 of it at most."""

    def __init__(
        self, network: Any, tokenizer: Any, plan: InputPlan, device: Any, texts: Mapping[str, str], short_side: int
    ) -> None:
        torch: Any = importlib.import_module("torch")
        self._network, self._device, self._plan, self._labels = network, device, plan, tuple(texts)
        self._short = short_side
        sentence, spans = _sentence(list(texts.values()))
        words = tokenizer(sentence, return_offsets_mapping=True, return_tensors="pt")
        offsets = words.pop("offset_mapping")[0].tolist()
        self._words = {name: values.to(device) for name, values in words.items()}
        self._of_label = torch.tensor(
            [[start < end and low <= start and end <= high for start, end in offsets] for low, high in spans]
        )

    def find(self, picture: Picture, threshold: float) -> list[Detected]:
        torch: Any = importlib.import_module("torch")
        height, width = picture.shape[:2]
        pixels = _scaled(picture, self._size(height, width), self._plan).to(self._device)
        mask = torch.ones((1, *pixels.shape[-2:]), dtype=torch.int64, device=self._device)
        with inference(self._device, mixed=False):
            out = self._network(pixel_values=pixels, pixel_mask=mask, **self._words)
        chance = out.logits[0].sigmoid().float().cpu()[:, : self._of_label.shape[1]]
        scores = torch.stack([(chance * own).max(1).values for own in self._of_label], 1).numpy()
        return _detected(scores, out.pred_boxes[0].float().cpu().numpy(), (width, height), self._labels, threshold)

    def _size(self, height: int, width: int) -> tuple[int, int]:
        scale = min(self._short / min(height, width), self._short * 5 / 3 / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))


class Owlv2:
    """Each label is a query of its own. The picture is squared by a black strip at the right or below."""

    def __init__(self, network: Any, tokenizer: Any, plan: InputPlan, device: Any, texts: Mapping[str, str]) -> None:
        self._network, self._device, self._plan, self._labels = network, device, plan, tuple(texts)
        length = int(network.config.text_config.max_position_embeddings)
        queries = [f"a photo of a {words}" for words in texts.values()]
        words = tokenizer(queries, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        self._words = {name: words[name].to(device) for name in ("input_ids", "attention_mask")}

    def find(self, picture: Picture, threshold: float) -> list[Detected]:
        side = max(picture.shape[:2])
        square = np.zeros((side, side, 3), np.uint8)
        square[: picture.shape[0], : picture.shape[1]] = picture
        pixels = _scaled(square, self._plan.size, self._plan).to(self._device)
        with inference(self._device):
            out = self._network(pixel_values=pixels, **self._words)
        scores = out.logits[0].float().sigmoid().cpu().numpy()
        boxes = out.pred_boxes[0].float().cpu().numpy()
        return _detected(scores, boxes, (side, side), self._labels, threshold, picture.shape[1::-1])


def load_finder(engine: str, folder: Path, device: Any, texts: Mapping[str, str], short_side: int) -> BoxFinder:
    """The detector of a local checkpoint, told what to look for (label -> words). Raises `EngineUnavailable`."""
    tokenizer = load_tokenizer(folder)
    if engine == "owlv2":
        network = load_checkpoint("Owlv2ForObjectDetection", folder, device)
        side = int(network.config.vision_config.image_size)
        plan = read_plan(folder, InputPlan((side, side), False, 1, "bilinear", _CLIP_MEAN, _CLIP_STD))
        return Owlv2(network, tokenizer, replace(plan, size=(side, side)), device, texts)
    network = load_checkpoint("GroundingDinoForObjectDetection", folder, device)
    return GroundingDino(network, tokenizer, _dino_plan(folder), device, texts, short_side)


def _dino_plan(folder: Path) -> InputPlan:
    """Mean and deviation; the size is the engine's matter (its file gives a shortest and a longest edge)."""
    default = InputPlan((800, 1333), True, 1, "bilinear")
    try:
        return read_plan(folder, default)
    except EngineUnavailable as bad:
        if "KeyError" in bad.message:  # sizes by edges
            return default
        raise


def load_tokenizer(folder: Path) -> Any:
    transformers: Any = importlib.import_module("transformers")
    try:
        return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers and tokenizers each have errors of their own
        raise EngineUnavailable(
            f"The words of the model in {folder} cannot be loaded: {(str(error).splitlines() or [''])[0]}",
            "Delete the folder and fetch the model again.",
        ) from error


def _sentence(texts: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """ "bag. old man." and where each text is in it."""
    sentence, spans = "", []
    for text in texts:
        words = text.strip().rstrip(".").casefold()
        spans.append((len(sentence), len(sentence) + len(words)))
        sentence += f"{words}. "
    return sentence.strip(), spans


def _scaled(picture: Picture, size: tuple[int, int], plan: InputPlan) -> Any:
    """Tensor [1, 3, h, w], normalised."""
    torch: Any = importlib.import_module("torch")
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    small = torch.nn.functional.interpolate(pixels, size, mode=plan.mode, antialias=True, align_corners=False)
    return normalised(small[0].float() / 255.0, plan)[None]


def _detected(
    scores: NDArray[np.float32],
    boxes: NDArray[np.float32],
    scale: tuple[int, int],
    labels: Sequence[str],
    threshold: float,
    limit: tuple[int, ...] | None = None,
) -> list[Detected]:
    """scores [N, L]. boxes [N, 4]: centre and size in parts of `scale` (width, height). limit: width, height of the
    picture where that is less."""
    centre, half = boxes[:, :2].astype(np.float64), boxes[:, 2:] / 2.0
    corners = np.concatenate([centre - half, centre + half], 1) * (*scale, *scale)
    corners = np.clip(corners, 0.0, (*(limit or scale), *(limit or scale)))
    best, score = scores.argmax(1), scores.max(1)
    kept: list[Detected] = []
    for i in np.argsort(-score, kind="stable"):
        box = corners[i]
        if score[i] < threshold or (box[2:] - box[:2]).min() < 1.0:
            continue
        label = labels[best[i]]
        if all(overlap(box, other.box) < _OVERLAP for other in kept):
            kept.append(Detected(label, float(score[i]), box))
    return kept


def overlap(one: Boxes, other: Boxes) -> float:
    """Intersection over union."""
    shared = np.prod(np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0.0))
    areas = np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])
    return float(shared / max(areas - shared, 1e-9))
