"""SuperPoint keypoints matched by LightGlue, as transformers has them.

DeTone et al., "SuperPoint: Self-Supervised Interest Point Detection and Description", CVPRW 2018; Lindenberger et al.,
"LightGlue: Local Feature Matching at Light Speed", ICCV 2023.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend.inference.checkpoint import load_checkpoint
from backend.inference.device import inference
from backend.sfm.frames import Floats, WorkingFrame

from .matches import PairMatches, no_matches, usable_at

_BATCH_ON_GPU = 8


@dataclass(frozen=True)
class _Described:
    """keypoints float32 [N, 2] px (pixel centres at integers) and descriptors [N, D], on the device. size: (w, h)."""

    keypoints: Any
    descriptors: Any
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.keypoints)


class LightGlueMatcher:
    """Keypoints are found once in every frame and matched as often as the frame has partners: the model's own
    `forward` would find them again for each pair."""

    name = "lightglue-superpoint"
    merge_px = 0.5
    sigma_px = 1.0

    def __init__(self, model: Any, device: Any, most_keypoints: int) -> None:
        self._model, self._device = model, device
        model.keypoint_detector.keypoint_decoder.max_keypoints = most_keypoints
        self.batch = _BATCH_ON_GPU if device.type == "cuda" else 1
        if self.batch > 1:
            # Pairs of a batch that stop early come back out of order (transformers 5.23), so that in a batch every
            # pair runs through all layers.
            model.depth_confidence = model.width_confidence = -1.0

    def describe(self, frame: WorkingFrame) -> _Described:
        height, width = frame.gray.shape
        with inference(self._device):
            found = self._model.keypoint_detector(self._pixels(frame))
            at = found.keypoints[0].float() * found.keypoints.new_tensor([width, height])
            allowed = usable_at(frame.usable, _array(at) + 0.5) & (_array(found.mask[0]) > 0)
            keep = self._torch.from_numpy(allowed).to(self._device)
            return _Described(at[keep], found.descriptors[0][keep], (width, height))

    def match(self, pairs: Sequence[tuple[Any, Any]]) -> list[PairMatches]:
        matches = [no_matches() for _ in pairs]
        filled = [i for i, (a, b) in enumerate(pairs) if len(a) and len(b)]
        if not filled:
            return matches
        most = max(len(side) for i in filled for side in pairs[i])
        with inference(self._device):
            keypoints, descriptors, mask = self._padded([pairs[i] for i in filled], most)
            width, height = pairs[filled[0]][0].size
            # The step of the model's forward that follows keypoint detection.
            partner, score, *_ = self._model._match_image_pair(keypoints, descriptors, height, width, mask=mask)
            partners = _array(partner.reshape(len(filled), 2, -1)[:, 0]).astype(np.int64)
            scores = _array(score.reshape(len(filled), 2, -1)[:, 0].float()).astype(np.float64)
        for i, best, certain in zip(filled, partners, scores, strict=True):
            matches[i] = _chosen(pairs[i][0], pairs[i][1], best, certain)
        return matches

    @property
    def _torch(self) -> Any:
        return importlib.import_module("torch")

    def _pixels(self, frame: WorkingFrame) -> Any:
        """float32 [1, 3, H, W] 0..1; the model reads the first channel."""
        gray = self._torch.from_numpy(np.ascontiguousarray(frame.gray)).to(self._device).float() / 255.0
        return gray[None, None].expand(1, 3, -1, -1)

    def _padded(self, pairs: Sequence[tuple[_Described, _Described]], most: int) -> tuple[Any, Any, Any]:
        """keypoints [B, 2, most, 2], descriptors [B, 2, most, D], mask int [B, 2, most]."""
        like = pairs[0][0]
        keypoints = like.keypoints.new_zeros((len(pairs), 2, most, 2))
        descriptors = like.descriptors.new_zeros((len(pairs), 2, most, like.descriptors.shape[1]))
        mask = self._torch.zeros((len(pairs), 2, most), dtype=self._torch.int, device=self._device)
        for i, pair in enumerate(pairs):
            for side, described in enumerate(pair):
                keypoints[i, side, : len(described)] = described.keypoints
                descriptors[i, side, : len(described)] = described.descriptors
                mask[i, side, : len(described)] = 1
        return keypoints, descriptors, mask


def _chosen(a: _Described, b: _Described, best: Any, certain: Floats) -> PairMatches:
    """best: for each (padded) keypoint of a the number of its partner in b, or -1."""
    best, certain = best[: len(a)], certain[: len(a)]
    paired = (best >= 0) & (best < len(b))
    xy_a = _array(a.keypoints).astype(np.float64) + 0.5
    xy_b = _array(b.keypoints).astype(np.float64) + 0.5
    return PairMatches(xy_a[paired], xy_b[best[paired]], certain[paired])


def _array(tensor: Any) -> Any:
    return tensor.detach().cpu().numpy()


def load_lightglue(folder: Path, device: Any, most_keypoints: int) -> LightGlueMatcher:
    """The matcher from a local checkpoint. Raises `EngineUnavailable`."""
    return LightGlueMatcher(load_checkpoint("LightGlueForKeypointMatching", folder, device), device, most_keypoints)
