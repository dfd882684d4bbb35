"""Picks a roto model that is there and allowed. Imports no model code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backend.inference.device import require_packages
from backend.weights.folder import non_commercial_allowed, require, weights_dir
from backend.weights.models import Model, models_of
from shared.errors import EngineUnavailable, InvalidRequest
from shared.roto_params import RotoParams

ENGINES = ("sam2", "sam3", "groundingdino", "owlv2")


@dataclass(frozen=True)
class Chosen:
    """A model whose files are in `folder` and which may be used."""

    model: Model
    folder: Path


def choose(engine: str, params: RotoParams) -> Chosen:
    """The model of `params.model`, or for "auto" the first of the engine's that is there and allowed.

    Raises `InvalidRequest` for a name that the engine does not have, and `EngineUnavailable`: with what the first
    model lacks that anybody may use.
    """
    require_packages()
    wanted = [known for known in models_of(engine) if params.model in ("auto", known.name)]
    if not wanted:
        there = ", ".join(known.name for known in models_of(engine))
        raise InvalidRequest(f"Engine {engine} has no model named {params.model!r}.", f"It has: {there}.")
    place = weights_dir(params.weights)
    allowed = non_commercial_allowed(params.allow_non_commercial)
    refusals: list[tuple[bool, EngineUnavailable]] = []
    for model in wanted:
        try:
            return Chosen(model, require(model, place, non_commercial=allowed))
        except EngineUnavailable as refused:
            refusals.append((not model.commercial, refused))
    raise min(refusals, key=lambda one: one[0])[1]
