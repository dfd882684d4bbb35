"""Depth checkpoints with random weights, a thousandth of the real ones in size, as their repositories lay them out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import (
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    DepthProConfig,
    DepthProForDepthEstimation,
    DPTConfig,
    DPTForDepthEstimation,
    ZoeDepthConfig,
    ZoeDepthForDepthEstimation,
)

_HALF = [0.5, 0.5, 0.5]


def save_depth_anything(folder: Path, *, metric: bool = False) -> Path:
    torch.manual_seed(0)
    backbone = {
        "model_type": "dinov2", "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 56,
        "out_indices": [1, 2, 3, 4], "reshape_hidden_states": False, "apply_layernorm": True,
    }  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=32, neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=16,
        head_hidden_size=8, depth_estimation_type="metric" if metric else "relative", max_depth=20 if metric else 1,
        initializer_range=0.2,
    )  # fmt: skip
    inputs = {"size": {"height": 56, "width": 56}, "keep_aspect_ratio": True, "ensure_multiple_of": 14, "resample": 3,
              "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}  # fmt: skip
    return _save(DepthAnythingForDepthEstimation(config), folder, inputs)


def save_dpt(folder: Path) -> Path:
    torch.manual_seed(0)
    config = DPTConfig(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=64, image_size=64, patch_size=16,
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=16,
        initializer_range=0.2,
    )  # fmt: skip
    return _save(DPTForDepthEstimation(config), folder, {"size": 64, "image_mean": _HALF, "image_std": _HALF})


def save_zoedepth(folder: Path) -> Path:
    torch.manual_seed(0)
    backbone = {
        "model_type": "beit", "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 64,
        "intermediate_size": 64, "out_indices": [1, 2, 3, 4], "reshape_hidden_states": False,
        "use_relative_position_bias": True,
    }  # fmt: skip
    config = ZoeDepthConfig(
        backbone_config=backbone, neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=16, bottleneck_features=16,
        num_relative_features=8, bin_embedding_dim=8, num_attractors=[4, 2, 2, 1], num_patch_transformer_layers=1,
        patch_transformer_hidden_size=8, patch_transformer_intermediate_size=16,
        patch_transformer_num_attention_heads=2, initializer_range=0.3,
        bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0, "name": "nyu"}],
    )  # fmt: skip
    inputs = {"size": {"height": 64, "width": 96}, "keep_aspect_ratio": True, "ensure_multiple_of": 32, "resample": 2,
              "image_mean": _HALF, "image_std": _HALF, "do_pad": True}  # fmt: skip
    return _save(ZoeDepthForDepthEstimation(config), folder, inputs)


def save_depth_pro(folder: Path) -> Path:
    torch.manual_seed(0)
    encoder = {
        "model_type": "dinov2", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32,
        "patch_size": 8,
    }  # fmt: skip
    config = DepthProConfig(
        image_model_config=encoder, patch_model_config=encoder, fov_model_config=encoder, patch_size=32,
        intermediate_hook_ids=[1, 0], intermediate_feature_dims=[8, 8], scaled_images_ratios=[0.25, 0.5, 1],
        scaled_images_overlap_ratios=[0.0, 0.5, 0.25], scaled_images_feature_dims=[16, 16, 8], fusion_hidden_size=16,
        use_fov_model=True, num_fov_head_layers=1, initializer_range=0.1,
    )  # fmt: skip
    inputs = {"size": {"height": 128, "width": 128}, "resample": 2, "image_mean": _HALF, "image_std": _HALF}
    return _save(DepthProForDepthEstimation(config), folder, inputs)


SAVERS: dict[str, Callable[[Path], Path]] = {
    "depth-anything": save_depth_anything,
    "dpt": save_dpt,
    "zoedepth": save_zoedepth,
    "depth-pro": save_depth_pro,
}


def _save(model: torch.nn.Module, folder: Path, inputs: dict[str, object]) -> Path:
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(part.weight)
    model.save_pretrained(folder)  # type: ignore[operator]
    (folder / "preprocessor_config.json").write_text(json.dumps(inputs), encoding="utf-8")
    return folder
