"""Learned matching on a real GPU: same matches as on the processor, mixed precision, and real out-of-memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this computer"),
]

from backend.devices import resolve_device  # noqa: E402  (torch is asked for first)
from backend.inference.device import inference, torch_device  # noqa: E402
from backend.inference.memory import Batches  # noqa: E402
from backend.sfm_learned.efficientloftr import load_efficientloftr  # noqa: E402
from backend.sfm_learned.lightglue import load_lightglue  # noqa: E402
from backend.sfm_learned.matches import PairMatches  # noqa: E402
from tests.learned.tiny_models import picture, save_efficientloftr, save_lightglue  # noqa: E402

Load = Callable[[str], Any]


@pytest.fixture(params=["lightglue", "efficientloftr"])
def load(request: pytest.FixtureRequest, tmp_path: Path) -> Load:
    """Loads one of the matchers, with tiny random weights, on a device."""
    if request.param == "lightglue":
        folder = save_lightglue(tmp_path)
        return lambda device: load_lightglue(folder, torch_device(device), 200)
    folder = save_efficientloftr(tmp_path)
    return lambda device: load_efficientloftr(folder, torch_device(device))


def near(one: PairMatches, other: PairMatches, px: float) -> float:
    """Part of `one` that `other` has too, within px in both pictures."""
    if not len(one.a) or not len(other.a):
        return 0.0
    apart = np.linalg.norm(np.hstack([one.a, one.b])[:, None] - np.hstack([other.a, other.b])[None], axis=2)
    return float((apart.min(1) < px).mean())


def test_auto_means_the_gpu() -> None:
    assert resolve_device("auto").startswith("cuda:")


def test_models_and_their_output_live_on_the_gpu(load: Load) -> None:
    matcher = load("cuda:0")
    assert {parameter.device.type for parameter in matcher._model.parameters()} == {"cuda"}
    assert matcher.batch > 1
    before = torch.cuda.max_memory_allocated()
    (found,) = matcher.match([(matcher.describe(picture(1)), matcher.describe(picture(1, shift=2)))])
    assert torch.cuda.max_memory_allocated() >= before > 0
    assert isinstance(found.a, np.ndarray) and found.a.dtype == np.float64 and len(found.a)


def test_networks_run_in_half_precision_and_coordinates_do_not(load: Load) -> None:
    device = torch_device("cuda:0")
    with inference(device):
        assert (torch.ones(4, 4, device=device) @ torch.ones(4, 4, device=device)).dtype == torch.float16
    with inference(device, mixed=False):
        assert (torch.ones(4, 4, device=device) @ torch.ones(4, 4, device=device)).dtype == torch.float32
    matcher = load("cuda:0")
    size = (3200, 64)  # half precision has steps of 2 px here
    described = matcher.describe(picture(1, size))
    (found,) = matcher.match([(described, described)])
    far = found.a[found.a[:, 0] > 2100]
    assert len(far)
    steps = np.unique(np.round(far[:, 0] % 2.0, 2))
    assert len(steps) > 1


def test_the_gpu_finds_what_the_processor_finds(load: Load) -> None:
    """Random weights leave near ties that rounding turns: most matches, not all."""
    shared = []
    for seed in range(4):
        found = []
        for device in ("cpu", "cuda:0"):
            matcher = load(device)
            matcher._model.depth_confidence = matcher._model.width_confidence = -1.0
            pair = (matcher.describe(picture(seed)), matcher.describe(picture(seed)))
            found.append(matcher.match([pair])[0])
        shared.append(near(found[0], found[1], 2.0))
    assert np.mean(shared) > 0.5


@pytest.fixture
def little_memory() -> Iterator[None]:
    """This process may use about half a GiB of the GPU."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, 0.5 * 2**30 / total))
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def test_a_full_gpu_means_smaller_batches(tmp_path: Path, little_memory: None) -> None:
    """1/8 of 640 x 384 has 3840 cells: their likeness alone takes 59 MB a pair, three times over."""
    matcher = load_efficientloftr(save_efficientloftr(tmp_path), torch_device("cuda:0"))
    described = [matcher.describe(picture(seed, (640, 384))) for seed in range(8)]
    heard: list[str] = []
    batches = Batches(8, "pairs of frames", heard.append)
    found = list(batches.over([(one, one) for one in described], matcher.match))
    assert len(found) == 8 and all(len(pair.a) for pair in found)
    assert batches.size < 8 and heard
