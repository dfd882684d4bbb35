"""Depth networks on a real GPU: the same maps as on the processor, in mixed precision, and real out-of-memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this computer"),
]

from backend.depth_learned.networks import FAMILIES, load_network  # noqa: E402  (torch is asked for first)
from backend.inference.device import torch_device  # noqa: E402
from backend.inference.memory import Batches  # noqa: E402
from tests.learned.tiny_depth_models import SAVERS  # noqa: E402

SIZE = (180, 320)


def picture(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.asarray(np.kron(rng.integers(0, 256, (18, 32, 3)), np.ones((10, 10, 1))), np.uint8)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_gpu_sees_what_the_processor_sees(family: str, tmp_path: Path) -> None:
    folder = SAVERS[family](tmp_path)
    on_cpu = load_network(family, family, folder, torch_device("cpu"))
    on_gpu = load_network(family, family, folder, torch_device("cuda:0"))
    assert on_cpu.batch == 1 and {one.device.type for one in on_gpu._network.parameters()} == {"cuda"}
    (ours,), (theirs,) = on_gpu.predict([picture(1)]), on_cpu.predict([picture(1)])
    assert np.isfinite(ours.values).all() and ours.values.dtype == np.float32
    assert np.corrcoef(ours.values.ravel(), theirs.values.ravel())[0, 1] > 0.99


@pytest.fixture
def little_memory() -> Iterator[None]:
    """This process may use about 256 MiB of the GPU."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, 256 * 2**20 / total))
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def test_a_full_gpu_means_smaller_chunks(tmp_path: Path, little_memory: None) -> None:
    network = load_network("depth-pro", "depth-pro", SAVERS["depth-pro"](tmp_path), torch_device("cuda:0"))
    heard: list[str] = []
    batches = Batches(256, "frames", heard.append)
    found = list(batches.over([picture(i % 4) for i in range(256)], network.predict))
    assert len(found) == 256 and batches.size < 256 and heard
