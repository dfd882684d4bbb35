"""The devices of this computer that stages may run on."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

from shared.errors import EngineUnavailable


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA device as its driver reports it. memory_bytes: all and free."""

    name: str
    index: int
    model: str
    memory_bytes: int
    free_bytes: int
    driver: str


def gpus() -> tuple[Gpu, ...]:
    """NVIDIA devices; none without the driver or without the package nvidia-ml-py."""
    if importlib.util.find_spec("pynvml") is None:
        return ()
    pynvml: Any = importlib.import_module("pynvml")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        driver = str(pynvml.nvmlSystemGetDriverVersion())
        return tuple(_gpu(pynvml, index, driver) for index in range(pynvml.nvmlDeviceGetCount()))
    finally:
        pynvml.nvmlShutdown()


def _gpu(pynvml: Any, index: int, driver: str) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    model = str(pynvml.nvmlDeviceGetName(handle))
    return Gpu(f"cuda:{index}", index, model, int(memory.total), int(memory.free), driver)


def resolve_device(device: str) -> str:
    """The device that "auto" means: the first GPU if the installed torch can use one, else the processor. Imports
    neither torch nor anything else heavy: the server asks too."""
    if device != "auto":
        return device
    return "cuda:0" if gpus() and _torch_has_cuda() else "cpu"


def _torch_has_cuda() -> bool:
    from importlib import metadata  # here: the server should start in half a second

    try:
        return "cpu" not in metadata.version("torch")
    except metadata.PackageNotFoundError:
        return False


def check_device(device: str) -> None:
    """Raises `EngineUnavailable` for a device that this computer does not have."""
    if device in ("auto", "cpu"):
        return
    present = ["cpu", *(gpu.name for gpu in gpus())]
    if device not in present:
        raise EngineUnavailable(
            f"This computer has no device {device}.", f"It has: {', '.join(present)}. Choose one of them, or auto."
        )
