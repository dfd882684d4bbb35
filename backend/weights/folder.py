"""The folder that holds model weights, and what is in it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from shared.build_command import build_command
from shared.errors import EngineUnavailable

from .models import MODELS, Model

VARIABLE = "BACKLOT_WEIGHTS"
_ALLOW_FLAGS = {
    "sfm-learned": "--allow-non-commercial",
    "depth-learned": "--depth-non-commercial",
    **dict.fromkeys(("sam2", "sam3", "groundingdino", "owlv2"), "--roto-non-commercial"),
    "vitmatte": "--matte-non-commercial",
    **dict.fromkeys(("dwpose", "rtmpose", "vitpose"), "--mocap-non-commercial"),
}
ALLOW_VARIABLE = "BACKLOT_ALLOW_NON_COMMERCIAL"


def weights_dir(chosen: str | None = None) -> Path:
    """`chosen` if given (a stage's parameter), else `BACKLOT_WEIGHTS`, else the user's data folder: weights are
    gigabytes that survive updates and may be shared by several versions of Backlot."""
    named = chosen or os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "Backlot/weights"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/Backlot/weights"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "backlot/weights"


def non_commercial_allowed(asked: bool = False) -> bool:
    """Whether models for non-commercial use may be loaded: the job says so, or the computer's environment."""
    return asked or os.environ.get(ALLOW_VARIABLE, "") == "1"


@dataclass(frozen=True)
class ModelState:
    """A model and what of its files is missing in `folder`."""

    model: Model
    folder: Path
    missing: tuple[str, ...]

    @property
    def ready(self) -> bool:
        return not self.missing

    @property
    def bytes(self) -> int:
        """Of its files that are there."""
        places = (self.folder / name for name in self.model.files if name not in self.missing)
        return sum(place.stat().st_size for place in places)


def state_of(model: Model, weights: Path) -> ModelState:
    folder = weights / model.name
    missing = tuple(name for name in model.files if not _has_content(folder / name))
    return ModelState(model, folder, missing)


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def states(weights: Path) -> tuple[ModelState, ...]:
    """Every model as it is in the folder."""
    return tuple(state_of(model, weights) for model in MODELS)


def require(model: Model, weights: Path, *, non_commercial: bool) -> Path:
    """The model's folder. Raises `EngineUnavailable` when files are missing, or when its licence needs an
    explicit yes that was not given."""
    if not model.commercial and not non_commercial:
        raise EngineUnavailable(
            f"{model.title} may not be used for commercial work ({model.weights_licence}). {model.note}".strip(),
            f"If this work is not commercial, allow it: {_ALLOW_FLAGS[model.engine]}, or {ALLOW_VARIABLE}=1.",
        )
    state = state_of(model, weights)
    if not state.ready:
        raise EngineUnavailable(
            f"The weights of {model.title} are not there: {state.folder} lacks {', '.join(state.missing)}.",
            f"Run `{get_command(model)}`, or put the files of {model.repository} into that folder.",
        )
    return state.folder


def get_command(model: Model) -> str:
    licence = "" if model.commercial else " --accept-licence"
    return build_command(f"models --get {model.name}{licence}")
