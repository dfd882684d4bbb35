"""Roto checkpoints with random weights, a thousandth of the real ones in size, as `save_pretrained` writes them."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import Sam2VideoConfig, Sam2VideoModel

SIDE = 64


def save_sam2(weights: Path, name: str = "sam2.1-hiera-tiny") -> Path:
    """SAM 2 that sees 64 px. Its weights are large enough for the memory to make a difference."""
    torch.manual_seed(0)
    backbone = {
        "model_type": "sam2_hiera_det_model", "hidden_size": 16, "num_attention_heads": 1, "image_size": [SIDE, SIDE],
        "blocks_per_stage": [1, 1, 2, 1], "embed_dim_per_stage": [16, 32, 64, 128],
        "num_attention_heads_per_stage": [1, 2, 2, 2], "window_size_per_stage": [4, 4, 4, 4],
        "global_attention_blocks": [3], "window_positional_embedding_background_size": [4, 4],
        "initializer_range": 0.2,
    }  # fmt: skip
    vision = {
        "model_type": "sam2_vision_model", "backbone_config": backbone, "backbone_channel_list": [128, 64, 32, 16],
        "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]], "fpn_hidden_size": 128, "initializer_range": 0.2,
    }  # fmt: skip
    config = Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": 128, "image_size": SIDE, "mask_input_channels": 8},
        mask_decoder_config={"hidden_size": 128, "mlp_dim": 64, "num_attention_heads": 2, "iou_head_hidden_dim": 32},
        image_size=SIDE, memory_attention_hidden_size=128, memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64, memory_attention_rope_feat_sizes=[4, 4],
        memory_encoder_hidden_size=128, memory_encoder_output_channels=64, mask_downsampler_embed_dim=128,
        memory_fuser_embed_dim=128, memory_fuser_intermediate_dim=64, initializer_range=0.2,
    )  # fmt: skip
    model = Sam2VideoModel(config)
    with torch.no_grad():
        model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(20.0)  # the object is always to be seen
        for part, values in model.memory_attention.named_parameters():
            if "q_proj" in part or "k_proj" in part:
                values.mul_(0.05)  # attends to all of its memory, not to the one loudest token
    return _save(model, weights / name)


def _save(model: torch.nn.Module, folder: Path) -> Path:
    """With numbers where models begin with zeros: what is zero has no part in the result."""
    with torch.no_grad():
        for values in model.parameters():
            if not values.any():
                values.normal_(std=0.2)
    model.save_pretrained(folder)  # type: ignore[operator]
    return folder
