"""The engines of the roto stage: which one runs, and how."""

from __future__ import annotations

from backend.pipeline.stage import Engine
from shared.errors import EngineUnavailable
from shared.roto_params import RotoParams


def engine_of(params: RotoParams) -> Engine:
    """The engine that will run. Raises `EngineUnavailable` when the one asked for cannot."""
    raise EngineUnavailable(f"The roto engine {params.engine!r} is not part of this version.", "Update Backlot.")
