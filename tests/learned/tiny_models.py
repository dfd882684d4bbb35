"""Checkpoints with random weights, a thousandth of the real ones in size, as `save_pretrained` writes them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from transformers import (
    EfficientLoFTRConfig,
    EfficientLoFTRForKeypointMatching,
    LightGlueConfig,
    LightGlueForKeypointMatching,
    SuperPointConfig,
)

from backend.sfm.frames import Flags, WorkingFrame


def save_lightglue(weights: Path, seed: int = 0) -> Path:
    """SuperPoint that finds a keypoint wherever it can, and a LightGlue that accepts every mutual match."""
    torch.manual_seed(seed)
    detector = SuperPointConfig(
        encoder_hidden_sizes=[8, 8, 16, 16], decoder_hidden_size=16, descriptor_decoder_dim=32, keypoint_threshold=0.0
    )
    config = LightGlueConfig(
        keypoint_detector_config=detector, descriptor_dim=32, num_hidden_layers=3, num_attention_heads=2,
        filter_threshold=0.0, initializer_range=0.1,
    )  # fmt: skip
    return _save(LightGlueForKeypointMatching(config), weights / "lightglue-superpoint")


def save_efficientloftr(weights: Path, seed: int = 0) -> Path:
    """Batch normalisation starts at one, not near zero, so that pictures make a difference."""
    torch.manual_seed(seed)
    config = EfficientLoFTRConfig(
        stage_num_blocks=[1, 1, 1, 1], out_features=[16, 16, 16, 32], hidden_size=32, num_attention_layers=1,
        num_attention_heads=8, coarse_matching_threshold=0.0, coarse_matching_border_removal=1,
        fine_matching_slice_dim=4, initializer_range=0.15,
    )  # fmt: skip
    model = EfficientLoFTRForKeypointMatching(config)
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(part.weight)
    return _save(model, weights / "efficientloftr")


def _save(model: torch.nn.Module, folder: Path) -> Path:
    model.save_pretrained(folder)  # type: ignore[operator]
    return folder


def picture(
    seed: int, size: tuple[int, int] = (160, 96), shift: int = 0, usable: Flags | None = None
) -> WorkingFrame:  # fmt: skip
    """A textured picture of size (w, h), moved to the left by `shift` px."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((size[1] // 4, size[0] // 4)).astype(np.float32)
    gray = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    return WorkingFrame(0, np.roll((np.clip(gray, 0, 1) * 255).astype(np.uint8), -shift, 1), usable)
