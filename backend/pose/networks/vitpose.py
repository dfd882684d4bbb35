"""ViTPose of transformers: heat maps of COCO's 17 joints.

Xu et al., "ViTPose" (NeurIPS 2022), "ViTPose++" (TPAMI 2023). The maps' maxima are refined as in Zhang et al.,
"Distribution-Aware Coordinate Representation" (DARK, CVPR 2020).
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.inference.checkpoint import load_checkpoint
from backend.inference.device import inference, torch_device
from shared.errors import EngineUnavailable

from ..job import Picture
from ..keypoints import Floats
from .boxes import Frame, cut, normalised
from .layouts import LAYOUTS

_USUAL = (192, 256)
_COCO = 0
"""Of the data sets that ViTPose++ has experts for."""

_BLUR, _LEAST = 0.8, 0.001


class VitposeNetwork:
    """Implements `engine.Network`. Raises `EngineUnavailable` for a damaged checkpoint or one of something else."""

    def __init__(self, folder: Path, device: str) -> None:
        self._device = torch_device(device)
        self._network = load_checkpoint("VitPoseForPoseEstimation", folder, self._device)
        self.width, self.height = _size(folder)
        self.count = int(self._network.config.num_labels)
        if self.count not in LAYOUTS:
            raise EngineUnavailable(
                f"The model in {folder} gives {self.count} keypoints; 17 were expected.",
                "Delete the folder and fetch the model again.",
            )
        self._experts = int(getattr(self._network.config.backbone_config, "num_experts", 1)) > 1

    def look(self, picture: Picture, frames: list[Frame]) -> tuple[Floats, Floats]:
        """xy [B, K, 2] in sizes of the frames, 0..1; score [B, K]."""
        torch: Any = importlib.import_module("torch")
        crops = [cut(picture, frame, self.width, self.height, corners=True) for frame in frames]
        pixels = torch.from_numpy(normalised(crops)).to(self._device)
        more = {"dataset_index": torch.full((len(crops),), _COCO, device=self._device)} if self._experts else {}
        with inference(self._device):
            maps = self._network(pixel_values=pixels, **more).heatmaps
        return decoded(maps.float().cpu().numpy())


def decoded(maps: Floats) -> tuple[Floats, Floats]:
    """Places [B, K, 2] and scores [B, K] of heat maps [B, K, h, w], whose outermost px are on the frame's sides."""
    height, width = maps.shape[2:]
    score = maps.max((2, 3))
    peaks = maps.reshape(*maps.shape[:2], -1).argmax(-1)
    places = np.stack([peaks % width, peaks // width], -1).astype(np.float32)
    for one in np.ndindex(maps.shape[:2]):
        places[one] += _refinement(maps[one], int(places[one][0]), int(places[one][1]))
    share = places / np.array([width - 1, height - 1], np.float32)
    return share.astype(np.float32), np.clip(score, 0.0, 1.0).astype(np.float32)


def _refinement(heat: Floats, x: int, y: int) -> Floats:
    """[2] px from the maximum to that of the Gaussian that the logarithm's second-order expansion belongs to."""
    smooth = cv2.GaussianBlur(heat, (3, 3), _BLUR, borderType=cv2.BORDER_REFLECT)
    log = np.log(np.clip(np.asarray(smooth), _LEAST, 50.0))
    log = np.pad(log, 1, mode="edge")[y : y + 3, x : x + 3].astype(np.float64)
    slope = 0.5 * np.array([log[1, 2] - log[1, 0], log[2, 1] - log[0, 1]])
    mixed = 0.5 * (log[2, 2] - log[1, 2] - log[2, 1] + 2.0 * log[1, 1] - log[1, 0] - log[0, 1] + log[0, 0])
    curve = np.array([[log[1, 2] - 2 * log[1, 1] + log[1, 0], mixed], [mixed, log[2, 1] - 2 * log[1, 1] + log[0, 1]]])
    if np.linalg.det(curve) <= 1e-12 or curve[0, 0] >= 0:
        return np.zeros(2, np.float32)  # no maximum there
    return np.clip(-np.linalg.solve(curve, slope), -1.0, 1.0).astype(np.float32)


def _size(folder: Path) -> tuple[int, int]:
    """Width and height that the checkpoint wants. Raises `EngineUnavailable`."""
    path = folder / "preprocessor_config.json"
    try:
        size = json.loads(path.read_text(encoding="utf-8")).get("size", {})
        return int(size.get("width", _USUAL[0])), int(size.get("height", _USUAL[1]))
    except (OSError, ValueError, TypeError, AttributeError) as bad:
        raise EngineUnavailable(
            f"{path} cannot be read: {bad}.", "Delete the folder and fetch the model again."
        ) from bad
