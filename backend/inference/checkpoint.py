"""Loads a model of transformers from a local folder, or says what is wrong with it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shared.errors import EngineUnavailable

from .device import require_packages


def load_checkpoint(class_name: str, folder: Path, device: Any, configure: Callable[[Any], None] | None = None) -> Any:
    """The model `transformers.<class_name>` saved in `folder`, on `device`, ready to run. configure: changes the
    checkpoint's configuration before the model is made.

    Never goes to the network and never runs code from the folder. Raises `EngineUnavailable` when the files are
    damaged, of another model, or lack weights: transformers would fill those in at random.
    """
    require_packages()
    transformers: Any = importlib.import_module("transformers")
    transformers.utils.logging.disable_progress_bar()  # it would fill the job's log
    kind = getattr(transformers, class_name)
    try:
        model, report = kind.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **_configured(transformers, folder, configure),
        )
    except Exception as error:  # transformers, safetensors and its config checks each have errors of their own
        raise EngineUnavailable(
            f"The model in {folder} cannot be loaded: {_first_line(error)}",
            "Delete the folder and fetch the model again.",
        ) from error
    wrong = sorted(map(str, [*report.get("missing_keys", ()), *report.get("mismatched_keys", ())]))
    if wrong:
        raise EngineUnavailable(
            f"The model in {folder} is not a whole {class_name}: {len(wrong)} weights are missing or of another "
            f"shape, such as {wrong[0]}.",
            "Delete the folder and fetch the model again.",
        )
    return model.eval().to(device)


def _configured(transformers: Any, folder: Path, configure: Callable[[Any], None] | None) -> dict[str, Any]:
    if configure is None:
        return {}
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    configure(config)
    return {"config": config}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
