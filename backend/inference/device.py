"""Where a model runs, and in which precision."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.build_command import build_command
from shared.errors import EngineUnavailable

_SET_UP = f"Run `{build_command('setup --extra learned')}` in Backlot's folder."
PACKAGES = ("torch", "transformers", "safetensors")
"""What engines that load public weights import."""


def require_packages() -> None:
    """Raises `EngineUnavailable` when a package that runs models is not installed. Imports none of them."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineUnavailable(f"What runs public models is not installed: {', '.join(missing)}.", _SET_UP)


def torch_device(name: str) -> Any:
    """The `torch.device` of "cpu" or "cuda:N". Raises `EngineUnavailable` when torch cannot use it."""
    torch: Any = importlib.import_module("torch")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise EngineUnavailable(
            f"The installed torch {torch.__version__} cannot use {name}.",
            "Choose the device cpu, or install a torch with CUDA into Backlot's .venv and update the GPU's driver.",
        )
    return torch.device(name)


@contextmanager
def inference(device: Any, *, mixed: bool = True) -> Iterator[None]:
    """Within it models run without gradients: in float32 on the processor, in mixed precision on a GPU if `mixed`.

    Mixed (autocast to float16), not half throughout: keypoint coordinates beyond 1024 px have no fraction in
    float16, so inputs, coordinates and scores stay float32.
    """
    torch: Any = importlib.import_module("torch")
    with (
        torch.inference_mode(),
        torch.autocast(device_type=device.type, dtype=torch.float16, enabled=mixed and device.type == "cuda"),
    ):
        yield
