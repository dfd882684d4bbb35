"""ONNX files run by onnxruntime."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

from shared.build_command import build_command
from shared.errors import EngineUnavailable

_AGAIN = "Delete the folder and fetch the model again."


def require_onnxruntime() -> None:
    """Raises `EngineUnavailable`. Imports nothing."""
    if importlib.util.find_spec("onnxruntime") is None:
        raise EngineUnavailable(
            "What runs ONNX models is not installed: onnxruntime.",
            f"Run `{build_command('setup --extra learned')}` in Backlot's folder.",
        )


def open_session(path: Path, device: str) -> Any:
    """An `onnxruntime.InferenceSession`. device: "cpu" or "cuda:N"; without a build for CUDA it runs on the processor.
    Raises `EngineUnavailable` when the file is damaged."""
    require_onnxruntime()
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.startswith("cuda") and "CUDAExecutionProvider" in runtime.get_available_providers():
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": int(device.partition(":")[2] or 0)}))
    try:
        return runtime.InferenceSession(str(path), sess_options=options, providers=providers)
    except Exception as error:  # onnxruntime's errors have no common base but this
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EngineUnavailable(f"The model {path} cannot be loaded: {said}", _AGAIN) from error


def refuse(path: Path, what: str) -> EngineUnavailable:
    """The error for a model of another kind."""
    return EngineUnavailable(f"The model {path} is another one than expected: {what}.", _AGAIN)
