"""A ViTMatte checkpoint with random weights, a thousandth of the real one in size."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import VitDetConfig, VitMatteConfig, VitMatteForImageMatting

NAME = "vitmatte-small-composition-1k"


def save_vitmatte(folder: Path) -> Path:
    torch.manual_seed(0)
    backbone = VitDetConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=64, patch_size=16, num_channels=4,
        pretrain_image_size=64, use_relative_position_embeddings=True, out_features=["stage2"],
    )  # fmt: skip
    config = VitMatteConfig(
        backbone_config=backbone, hidden_size=32, convstream_hidden_sizes=[8, 8, 8], fusion_hidden_sizes=[16, 16, 8, 8],
        initializer_range=0.2,
    )  # fmt: skip
    VitMatteForImageMatting(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    inputs = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "size_divisor": 32}
    (folder / "preprocessor_config.json").write_text(json.dumps(inputs), encoding="utf-8")
    return folder
