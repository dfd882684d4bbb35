"""The engines of the mocap stage: which one runs. All but the research programs only see joints in the picture; the
body solver is the same for all of them."""

from __future__ import annotations

import contextlib

from backend.mocap_external import find_program
from backend.pipeline.fingerprint import of_files
from backend.pipeline.stage import Engine
from backend.pose.engines import ENGINES, ready_engine
from backend.pose.networks.choice import NETWORKS, choose
from shared.errors import EngineUnavailable, InvalidRequest
from shared.mocap_params import MocapParams

VERSION = 14


def engine_of(params: MocapParams) -> Engine:
    """The engine that will run. Raises `EngineUnavailable` when the one asked for cannot."""
    if params.engine in ("auto", *ENGINES):
        return Engine(ready_engine(params), VERSION)
    find_program(params.engine, params.command, non_commercial=params.allow_non_commercial)
    return Engine(params.engine, VERSION)


def weights_fingerprint(params: MocapParams) -> str:
    """Of the files of the network that sees the joints; "" where it has none of its own."""
    with contextlib.suppress(EngineUnavailable, InvalidRequest):
        name = ready_engine(params)
        if name in NETWORKS:
            chosen = choose(name, params)
            return of_files([chosen.folder / file for file in chosen.model.files], chosen.folder)
    return ""
