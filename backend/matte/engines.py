"""The engines of the matte stage: which one runs, and how.

"auto" is `vitmatte` where its weights are there and allowed, else `banded`, which needs none. The others run only when
they are chosen.
"""

from __future__ import annotations

from collections.abc import Callable

from backend.pipeline.stage import Engine
from shared.errors import EngineUnavailable
from shared.matte_params import MatteParams

from .banded import Banded, BandedSettings
from .clip import Alpha
from .job import MatteJob

BANDED = Engine("banded", 1)

Matter = Callable[[int], Alpha]
"""The matte of one frame of one object, by index."""


def engine_of(params: MatteParams) -> Engine:
    """The engine that will run. Raises `EngineUnavailable` when the one asked for cannot."""
    if params.engine in ("auto", BANDED.name):
        return BANDED
    raise EngineUnavailable(f"There is no matte engine {params.engine!r}.")


def engine_fingerprint(params: MatteParams) -> dict[str, str]:
    """What an engine reads besides masks and pictures, as an input of the stage."""
    return {}


def matter_of(engine: Engine, job: MatteJob, label: str) -> Matter:
    """Raises `EngineUnavailable`."""
    return Banded(job.clips[label], job.motion, BandedSettings(reach=job.reach)).alpha
