"""The engines of the mocap stage: which one runs. All but the research programs only see joints in the picture; the
body solver is the same for all of them."""

from __future__ import annotations

from backend.pipeline.stage import Engine
from backend.roto.people.environment import mocap_python
from shared.errors import EngineUnavailable
from shared.mocap_params import MocapParams

MEDIAPIPE = Engine("mediapipe", 2)


def engine_of(params: MocapParams) -> Engine:
    """The engine that will run. Raises `EngineUnavailable` when the one asked for cannot."""
    if params.engine in ("auto", MEDIAPIPE.name):
        mocap_python()
        return MEDIAPIPE
    raise EngineUnavailable(
        f"The engine {params.engine} is not ready: its weights or its program are not here.",
        "Choose mediapipe, which needs no weights.",
    )
