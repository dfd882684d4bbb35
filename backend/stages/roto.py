"""The roto stage: a mask of every prompted object for every frame."""

from __future__ import annotations

from collections.abc import Mapping

from backend.pipeline.context import StageContext
from backend.pipeline.stage import Engine
from backend.roto.engines import engine_of
from shared.artifacts import StageResult
from shared.roto_params import RotoParams
from shared.shot import ShotFolder


def engine(params: RotoParams) -> Engine:
    return engine_of(params)


def inputs(params: RotoParams, shot: ShotFolder, footage: str) -> Mapping[str, str]:
    return {}


def run(params: RotoParams, context: StageContext) -> StageResult:
    """Raises `EngineUnavailable`."""
    engine_of(params)
    return StageResult("roto", params.engine, 0)
