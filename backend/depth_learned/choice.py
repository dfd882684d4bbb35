"""Picks a depth model that is there and allowed, and loads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.inference.device import require_packages, torch_device
from backend.weights.folder import require, weights_dir
from backend.weights.models import Model, models_of
from shared.errors import EngineUnavailable, InvalidRequest

from .networks import FAMILIES, NetworkDepth, load_network

ENGINE = "depth-learned"


@dataclass(frozen=True)
class Chosen:
    """A model whose files are in `folder` and which may be used."""

    model: Model
    folder: Path


def family_of(model: Model) -> str:
    """The architecture of a model: its name begins with it."""
    return next(family for family in FAMILIES if model.name.startswith(family))


def choose(name: str, weights: str | None, *, non_commercial: bool) -> Chosen:
    """The model of that name; with the name of an architecture, or "auto", the first of its that is there and allowed.
    Imports no model code.

    Raises `InvalidRequest` for an unknown name, and `EngineUnavailable`: with what the first model lacks that anybody
    may use.
    """
    require_packages()
    wanted = [known for known in models_of(ENGINE) if name in ("auto", known.name)]
    wanted = wanted or [known for known in models_of(ENGINE) if family_of(known) == name]
    if not wanted:
        there = ", ".join(known.name for known in models_of(ENGINE))
        raise InvalidRequest(f"There is no depth model named {name!r}.", f"There is: {there}.")
    place = weights_dir(weights)
    refusals: list[tuple[bool, EngineUnavailable]] = []
    for model in wanted:
        try:
            return Chosen(model, require(model, place, non_commercial=non_commercial))
        except EngineUnavailable as refused:
            refusals.append((not model.commercial, refused))
    raise min(refusals, key=lambda one: one[0])[1]


def load(chosen: Chosen, device: str, notice: Callable[[str], None] = lambda sentence: None) -> NetworkDepth:
    """The network on a device ("cpu", "cuda:0"). Raises `EngineUnavailable`."""
    return load_network(chosen.model.name, family_of(chosen.model), chosen.folder, torch_device(device), notice)
