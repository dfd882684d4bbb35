"""Picks a network that is there and allowed, and loads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backend.inference.device import require_packages
from backend.weights.folder import non_commercial_allowed, require, weights_dir
from backend.weights.models import Model, model, models_of
from shared.errors import EngineUnavailable, InvalidRequest

from ..job import PoseParams
from .engine import Network, TopDownEngine
from .sessions import require_onnxruntime

RTMPOSE, DWPOSE, VITPOSE = "rtmpose", "dwpose", "vitpose"
NETWORKS = (DWPOSE, RTMPOSE, VITPOSE)
"""The best first: whole bodies with hands and feet, bodies with feet, bodies."""

DETECTOR = "yolox-l"


@dataclass(frozen=True)
class Chosen:
    """A model whose files are in `folder` and which may be used."""

    engine: str
    model: Model
    folder: Path


def choose(engine: str, params: PoseParams) -> Chosen:
    """The model of `params.model`, or for "auto" the first of the engine's that is there and allowed. Imports no model
    code. Raises `InvalidRequest` for a name that the engine does not have, and `EngineUnavailable`: with what the first
    model lacks."""
    require_packages() if engine == VITPOSE else require_onnxruntime()
    known = [one for one in models_of(engine) if one.name != DETECTOR]
    wanted = [one for one in known if params.model in ("auto", one.name)]
    if not wanted:
        there = ", ".join(one.name for one in known)
        raise InvalidRequest(f"Engine {engine} has no model named {params.model!r}.", f"It has: {there}.")
    refusals: list[EngineUnavailable] = []
    for one in wanted:
        try:
            return Chosen(engine, one, _folder(one, params))
        except EngineUnavailable as refused:
            refusals.append(refused)
    raise refusals[0]


def detector_file(params: PoseParams) -> Path:
    """The ONNX file that finds people. Raises `EngineUnavailable`."""
    require_onnxruntime()
    about = model(DETECTOR)
    return _folder(about, params) / about.files[0]


def load(chosen: Chosen, params: PoseParams, device: str, *, hands_and_face: bool) -> TopDownEngine:
    """Raises `EngineUnavailable` for files that are damaged or something else."""
    network: Network
    if chosen.engine == VITPOSE:
        from .vitpose import VitposeNetwork

        network = VitposeNetwork(chosen.folder, device)
    else:
        from .simcc import SimccNetwork

        network = SimccNetwork(chosen.folder / chosen.model.files[0], device)
    return TopDownEngine(chosen.engine, chosen.model.name, network, params.pose_mode, hands_and_face=hands_and_face)


def _folder(one: Model, params: PoseParams) -> Path:
    allowed = non_commercial_allowed(params.allow_non_commercial)
    return require(one, weights_dir(params.weights), non_commercial=allowed)
