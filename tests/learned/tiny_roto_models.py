"""Roto checkpoints with random weights, a thousandth of the real ones in size, as `save_pretrained` writes them."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, pre_tokenizers, processors
from tokenizers.models import WordLevel
from transformers import (
    CLIPTokenizer,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    Owlv2Config,
    Owlv2ForObjectDetection,
    PreTrainedTokenizerFast,
    Sam2VideoConfig,
    Sam2VideoModel,
    Sam3VideoConfig,
    Sam3VideoModel,
)

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


def save_groundingdino(weights: Path, name: str = "groundingdino-tiny") -> Path:
    """Grounding DINO whose words are few, with the numbers of BERT's special ones, as its code expects."""
    torch.manual_seed(0)
    backbone = {
        "model_type": "swin", "embed_dim": 16, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 2, 2], "window_size": 4,
        "image_size": 64, "out_indices": [2, 3, 4],
    }  # fmt: skip
    words = {
        "model_type": "bert", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 32, "vocab_size": 1040, "max_position_embeddings": 64,
    }  # fmt: skip
    config = GroundingDinoConfig(
        backbone_config=backbone, text_config=words, d_model=32, num_queries=12, encoder_layers=1, decoder_layers=2,
        encoder_ffn_dim=32, decoder_ffn_dim=32, encoder_attention_heads=2, decoder_attention_heads=2, max_text_len=64,
    )  # fmt: skip
    model = GroundingDinoForObjectDetection(config)
    with torch.no_grad():
        for part in (model.model.text_projection, model.model.decoder.layers[0].fc2):
            part.weight.mul_(4.0)
    folder = _save(model, weights / name)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"size": {"shortest_edge": 64, "longest_edge": 128}}), encoding="utf-8"
    )
    known = {"[CLS]": 101, "[SEP]": 102, ".": 1012, "?": 1029, "[PAD]": 0, "[UNK]": 100}
    known |= {word: 1030 + i for i, word in enumerate(("old", "bag", "dog", "man"))}
    free = (number for number in range(1040) if number not in known.values())
    known |= {f"[unused{number}]": number for number in free}
    tokens = Tokenizer(WordLevel(known, unk_token="[UNK]"))
    tokens.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokens.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 101), ("[SEP]", 102)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokens, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    return folder


def save_owlv2(weights: Path, name: str = "owlv2-base") -> Path:
    torch.manual_seed(0)
    config = Owlv2Config(
        text_config={"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
                     "vocab_size": 600, "max_position_embeddings": 16},
        vision_config={"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
                       "image_size": 64, "patch_size": 16},
        projection_dim=32,
    )  # fmt: skip
    model = Owlv2ForObjectDetection(config)
    with torch.no_grad():
        model.box_head.dense2.weight.mul_(0.02)  # boxes here and there, not one over another
        model.class_head.logit_scale.weight.zero_()
        model.class_head.logit_scale.bias.fill_(1.5)
    folder = _save(model, weights / name)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"size": {"height": 64, "width": 64}}), encoding="utf-8"
    )
    letters = [chr(code) for code in range(33, 127)]
    known = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(known)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 16, "pad_token": "!"}), encoding="utf-8"
    )
    return folder


SAM3_SIDE = 56


def save_sam3(weights: Path, name: str = "sam3") -> Path:
    """Detector and tracker in one file, as the published checkpoint has them."""
    torch.manual_seed(0)
    vit = {
        "model_type": "sam3_vit_model", "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "image_size": SAM3_SIDE, "patch_size": 14, "window_size": 2,
        "global_attn_indexes": [1], "pretrain_image_size": 28,
    }  # fmt: skip
    vision = {
        "model_type": "sam3_vision_model", "backbone_config": vit, "fpn_hidden_size": 128,
        "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
    }  # fmt: skip
    words = {
        "model_type": "clip_text_model", "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "vocab_size": 600, "max_position_embeddings": 16, "projection_dim": 32,
    }  # fmt: skip
    part = {"hidden_size": 128, "num_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    detector = {
        "model_type": "sam3", "vision_config": vision, "text_config": words, "geometry_encoder_config": part,
        "detr_encoder_config": part, "detr_decoder_config": {**part, "num_queries": 6},
        "mask_decoder_config": {"hidden_size": 128, "num_attention_heads": 2},
    }  # fmt: skip
    tracker = {
        "model_type": "sam3_tracker_video", "vision_config": vision, "image_size": SAM3_SIDE,
        "prompt_encoder_config": {
            "hidden_size": 128, "image_size": SAM3_SIDE, "patch_size": 14, "mask_input_channels": 8
        },
        "mask_decoder_config": {
            "hidden_size": 128, "mlp_dim": 64, "num_attention_heads": 2, "iou_head_hidden_dim": 32
        },
        "memory_attention_hidden_size": 128, "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": 64, "memory_attention_rope_feat_sizes": [4, 4],
        "memory_encoder_hidden_size": 128, "memory_encoder_output_channels": 64, "mask_downsampler_embed_dim": 128,
        "memory_fuser_embed_dim": 128, "memory_fuser_intermediate_dim": 64,
    }  # fmt: skip
    model = Sam3VideoModel(Sam3VideoConfig(detector_config=detector, tracker_config=tracker, low_res_mask_size=16))
    with torch.no_grad():
        for part_name, values in model.named_parameters():
            if values.dim() > 1 and not (
                "memory_attention" in part_name and ("q_proj" in part_name or "k_proj" in part_name)
            ):
                values.mul_(6.0)  # begins a sixth as large as SAM 2's above
        model.tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(20.0)
    folder = _save(model, weights / name)
    letters = [chr(code) for code in range(33, 127)]
    known = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    tokens = CLIPTokenizer(vocab={word: i for i, word in enumerate(known)}, merges=[], pad_token="!")
    tokens.save_pretrained(folder)
    return folder
