"""Roto networks on a real GPU: the masks that the processor gives, in mixed precision, and a memory that stays flat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this computer"),
]

from backend.inference.device import torch_device  # noqa: E402  (torch is asked for first)
from backend.roto.cut import Hints  # noqa: E402
from backend.roto_learned.boxes import load_finder  # noqa: E402
from backend.roto_learned.clip import Clip, FollowedObject, follow  # noqa: E402
from backend.roto_learned.keep import ObjectFolder  # noqa: E402
from backend.roto_learned.sam2 import SAM2_FAMILY, SAM3_FAMILY, Family, Followed, load_sam2  # noqa: E402
from backend.roto_learned.sam3 import load_sam3  # noqa: E402
from tests.learned.tiny_roto_models import save_groundingdino, save_owlv2, save_sam2, save_sam3  # noqa: E402

SIZE = (48, 80)
TEXTS = {"cast": "old man", "pet": "dog"}


def picture(number: int) -> np.ndarray:
    rng = np.random.default_rng(number)
    return np.asarray(np.kron(rng.integers(0, 256, (6, 10, 3)), np.ones((8, 8, 1))), np.uint8)


def followed(family: Family, folder: Path, scratch: Path, device: str, count: int) -> tuple[list[Followed], list[int]]:
    """An object's masks, and the bytes on the GPU after each picture."""
    held: list[int] = []

    def checkpoint(what: str, done: int, total: int) -> None:
        if device != "cpu":
            held.append(torch.cuda.memory_allocated())

    network = load_sam2(folder, torch_device(device), lambda sentence: None, family=family)
    one = FollowedObject("bag", {5: Hints(boxes=np.array([[10.0, 5.0, 60.0, 40.0]]))}, ObjectFolder(scratch))
    follow(network, Clip(range(count), picture, SIZE, 0, checkpoint), [one])
    return [one.folder.get(index) for index in range(count)], held


@pytest.mark.parametrize("family", [SAM2_FAMILY, SAM3_FAMILY], ids=lambda family: family.title)
def test_the_gpu_follows_as_the_processor_does(family: Family, tmp_path: Path) -> None:
    folder = save_sam2(tmp_path) if family == SAM2_FAMILY else save_sam3(tmp_path)
    ours, _ = followed(family, folder, tmp_path / "gpu", "cuda:0", 8)
    theirs, _ = followed(family, folder, tmp_path / "cpu", "cpu", 8)
    for one, other in zip(ours[5:], theirs[5:], strict=True):
        clear = np.abs(other.logits) > 0.1 * np.abs(other.logits).max()
        assert np.isfinite(one.logits).all()
        assert ((one.logits > 0) == (other.logits > 0))[clear].mean() > 0.95


def test_memory_on_the_gpu_does_not_grow(tmp_path: Path) -> None:
    _, held = followed(SAM2_FAMILY, save_sam2(tmp_path), tmp_path / "gpu", "cuda:0", 60)
    assert max(held[40:60]) <= max(held[20:40]) + 64 * 1024


@pytest.mark.parametrize("engine, save", [("groundingdino", save_groundingdino), ("owlv2", save_owlv2)])
def test_boxes_are_those_of_the_processor(engine: str, save: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = save(tmp_path)
    ours, theirs = (
        load_finder(engine, folder, torch_device(d), TEXTS, 64).find(picture(1), 0.0) for d in ("cuda:0", "cpu")
    )
    assert ours and ours[0].score == pytest.approx(theirs[0].score, abs=0.02)
    assert np.abs(ours[0].box - theirs[0].box).max() < 2.0


def test_instances_are_those_of_the_processor(tmp_path: Path) -> None:
    folder = save_sam3(tmp_path)
    found: list[Any] = [load_sam3(folder, torch_device(d), TEXTS).find(picture(1), 0.0) for d in ("cuda:0", "cpu")]
    assert found[0] and found[0][0].score == pytest.approx(found[1][0].score, abs=0.02)
