"""SAM 3 (Carion et al., "SAM 3: Segment Anything with Concepts", 2025): its detector finds every instance of what words
name, on key frames; instances are joined over time and followed by its own tracker, forward and backward.

transformers' `Sam3VideoModel` has both, but keeps what it saw of every frame and goes forward only. Its checkpoint is
loaded here as its two parts, `Sam3Model` and `Sam3TrackerVideoModel`, the second by sam2.py.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.depth_learned.inputs import InputPlan, dpt_input
from backend.inference.checkpoint import load_checkpoint
from backend.inference.device import inference, torch_device
from backend.roto.corrections import with_found
from backend.roto.cut import Hints
from backend.roto.job import RotoJob
from backend.roto.lazy_hints import FoundHints
from backend.roto.propagation import FrameMasks

from .boxes import Detected, load_tokenizer
from .choice import choose
from .finding import Found, look_through, nothing_found, real_tracks, say_what_is_missing
from .following import sam2_frames, with_less
from .linking import BoxTrack, surest
from .sam2 import SAM3_FAMILY, SAM3_SIZES, Picture, shrink

Bools = NDArray[np.bool_]

_DOUBLE = 0.5
"""Intersection over union of two masks from which on they are one thing."""

_LEVELS = 8.0
"""Steps of a logit of 1 in kept masks; they reach to 16."""


@dataclass(frozen=True)
class DetectedMask(Detected):
    """packed: the mask's logits as 8-bit levels [rows, columns], compressed."""

    packed: bytes
    shape: tuple[int, int]

    def mask(self, height: int, width: int) -> Bools:
        """bool [height, width]."""
        levels = np.frombuffer(zlib.decompress(self.packed), np.int8).reshape(self.shape)
        logits = levels.astype(np.float32)
        return np.asarray(cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR) > 0.0)


class Sam3Finder:
    """Implements `boxes.BoxFinder`: the detector, told what to look for. The picture's features serve all texts."""

    def __init__(self, network: Any, tokenizer: Any, side: int, device: Any, texts: Mapping[str, str]) -> None:
        self._network, self._device, self._labels = network, device, tuple(texts)
        self._plan = InputPlan((side, side), False, 1, "bilinear", SAM3_FAMILY.mean, SAM3_FAMILY.std)
        length = int(network.config.text_config.max_position_embeddings)
        words = tokenizer(
            list(texts.values()), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        )
        self._words = [
            {name: words[name][i : i + 1].to(device) for name in ("input_ids", "attention_mask")}
            for i in range(len(texts))
        ]

    def find(self, picture: Picture, threshold: float) -> list[Detected]:
        """Instances of all texts, the surest first; one of several masks of the same thing."""
        pixels = dpt_input(picture, self._plan)[None].to(self._device)
        found: list[tuple[float, DetectedMask, Bools]] = []
        with inference(self._device):
            seen = self._network.get_vision_features(pixel_values=pixels)
            for label, words in zip(self._labels, self._words, strict=True):
                out = self._network(vision_embeds=seen, **words)
                found += _instances(label, out, picture.shape[:2], threshold)
        kept: list[tuple[DetectedMask, Bools]] = []
        for _, one, small in sorted(found, key=lambda entry: -entry[0]):
            if all(_shared(small, other) < _DOUBLE for _, other in kept):
                kept.append((one, small))
        return [one for one, _ in kept]


def _instances(
    label: str, out: Any, size: tuple[int, ...], threshold: float
) -> list[tuple[float, DetectedMask, Bools]]:
    """(score, instance, its mask at the network's size), as the library's `post_process_instance_segmentation` scores
    them."""
    scores = (out.pred_logits[0].sigmoid() * out.presence_logits[0].sigmoid()).float().cpu().numpy()
    boxes = out.pred_boxes[0].float().cpu().numpy().astype(np.float64)
    found = []
    for i in np.flatnonzero(scores > threshold):
        logits = out.pred_masks[0, i].float().cpu().numpy()
        box = boxes[i].clip(0.0, 1.0) * np.array([size[1], size[0], size[1], size[0]])
        if not (logits > 0).any() or (box[2:] - box[:2]).min() < 1.0:
            continue
        levels = np.clip(np.rint(logits * _LEVELS), -127, 127).astype(np.int8)
        packed = zlib.compress(levels.tobytes(), 1)
        found.append((float(scores[i]), DetectedMask(label, float(scores[i]), box, packed, logits.shape), logits > 0))
    return found


def _shared(one: Bools, other: Bools) -> float:
    return float(np.count_nonzero(one & other)) / max(1, int(np.count_nonzero(one | other)))


def sam3_frames(job: RotoJob) -> Iterator[FrameMasks]:
    """The objects that the job's texts name, corrected by its hints. Raises `InvalidRequest` when none is found."""
    chosen = choose("sam3", job.params)
    fps = float(job.shot.read().facts.rate)

    def run(side: int) -> Found:
        smaller = None if side == SAM3_SIZES[0] else side
        finder = load_sam3(chosen.folder, torch_device(job.device), job.texts, smaller)
        return look_through(finder, job.numbers, job.picture, fps, job.params.threshold, job.checkpoint)

    found = with_less(SAM3_SIZES, SAM3_FAMILY.title, run, job.notice) if job.texts else Found((), 0)
    hinted = [(track.label, mask_hints(track, job, fps)) for track in real_tracks(found)]
    say_what_is_missing(job, {label for label, _ in hinted})
    hints = with_found(job.hints, job.texts, hinted)
    if not hints:
        raise nothing_found(job)
    yield from sam2_frames(job, hints, chosen, SAM3_FAMILY)


def load_sam3(folder: Path, device: Any, texts: Mapping[str, str], side: int | None = None) -> Sam3Finder:
    """The detector of a local checkpoint. Raises `EngineUnavailable`."""
    configure: Callable[[Any], None] | None = None if side is None else lambda config: shrink(config, side)
    network = load_checkpoint("Sam3Model", folder, device, configure)
    seen = int(network.config.vision_config.image_size)
    return Sam3Finder(network, load_tokenizer(folder), seen, device, texts)


def mask_hints(track: BoxTrack, job: RotoJob, fps: float) -> Mapping[int, Hints]:
    """Plate number -> hints: the surest mask of every two seconds."""
    masks = {job.numbers[index]: one for index, one in surest(track, fps) if isinstance(one, DetectedMask)}

    def made(number: int) -> Bools:
        return masks[number].mask(job.height, job.width)

    return {number: FoundHints(track.label, number, made) for number in masks}
