"""Checkpoints that are not what they should be are refused with a remedy, never run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.inference.device import torch_device
from backend.sfm.settings import SfmSettings
from backend.sfm_learned.engine import choose, matcher_for
from backend.sfm_learned.lightglue import load_lightglue
from shared.errors import EngineUnavailable
from tests.learned.tiny_models import save_efficientloftr, save_lightglue

CPU = torch.device("cpu")


def test_a_checkpoint_without_some_weights_is_refused(tmp_path: Path) -> None:
    folder = save_lightglue(tmp_path)
    kept = load_file(folder / "model.safetensors")
    kept.pop("transformer_layers.1.self_attention.q_proj.weight")
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EngineUnavailable, match=r"transformer_layers\.1\.self_attention\.q_proj\.weight"):
        load_lightglue(folder, CPU, 100)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    folder = save_lightglue(tmp_path)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        load_lightglue(folder, CPU, 100)


def test_another_models_folder_is_refused(tmp_path: Path) -> None:
    folder = save_efficientloftr(tmp_path)
    with pytest.raises(EngineUnavailable):
        load_lightglue(folder, CPU, 100)


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    folder = save_lightglue(tmp_path)
    marker = tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w')\nclass Config: pass\n", encoding="utf-8")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["auto_map"] = {"AutoConfig": "evil.Config", "AutoModel": "evil.Config"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    load_lightglue(folder, CPU, 100)
    assert not marker.exists()


def test_auto_takes_the_model_that_is_there_and_allowed(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="efficientloftr"):
        choose("auto", str(tmp_path), non_commercial=False)
    save_lightglue(tmp_path)
    with pytest.raises(EngineUnavailable, match="commercial"):
        choose("lightglue-superpoint", str(tmp_path), non_commercial=False)
    allowed = choose("auto", str(tmp_path), non_commercial=True)
    assert allowed.model.name == "lightglue-superpoint"
    assert matcher_for(SfmSettings(quality="low"), allowed, "cpu").name == "lightglue-superpoint"
    save_efficientloftr(tmp_path)
    assert choose("auto", str(tmp_path), non_commercial=True).model.name == "efficientloftr"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this torch has a GPU")
def test_a_gpu_that_torch_cannot_use_is_an_error_with_a_remedy() -> None:
    with pytest.raises(EngineUnavailable, match="device cpu"):
        torch_device("cuda:0")
