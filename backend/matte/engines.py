"""The engines of the matte stage: which one runs, and how.

"auto" is `vitmatte` where its weights are there and allowed, else `banded`, which needs none. The others run only when
they are chosen.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from backend.free_memory import free_bytes
from backend.pipeline.fingerprint import of_files
from backend.pipeline.stage import Engine
from backend.weights.folder import non_commercial_allowed
from shared.errors import EngineUnavailable
from shared.matte_params import MatteParams

from . import vitmatte
from .banded import Banded, BandedSettings
from .clip import Alpha
from .external import External, ExternalRun, find_program, first_chunk
from .job import MatteJob
from .pymatting_engines import PymattingMatter, require_pymatting

BANDED = Engine("banded", 2)
CLOSED_FORM, KNN = Engine("closed-form", 1), Engine("knn", 1)
VITMATTE = Engine("vitmatte", 1)
EXTERNAL = Engine("external", 1)

Matter = Callable[[int], Alpha]
"""The matte of one frame of one object, by index."""


def engine_of(params: MatteParams) -> Engine:
    """The engine that will run. Raises `EngineUnavailable` when the one asked for cannot, `InvalidRequest`."""
    if params.engine == BANDED.name:
        return BANDED
    if params.engine in (CLOSED_FORM.name, KNN.name):
        require_pymatting()
        return CLOSED_FORM if params.engine == CLOSED_FORM.name else KNN
    if params.engine == VITMATTE.name:
        _model(params)
        return VITMATTE
    if params.engine == EXTERNAL.name:
        _program(params)
        return EXTERNAL
    try:
        _model(params)
    except EngineUnavailable:
        return BANDED
    return VITMATTE


def engine_fingerprint(params: MatteParams) -> dict[str, str]:
    """What an engine reads besides masks and pictures, as an input of the stage."""
    engine = engine_of(params)
    if engine == VITMATTE:
        chosen = _model(params)
        return {"weights": of_files([chosen.folder / name for name in chosen.model.files], chosen.folder)}
    return {"program": " ".join(_program(params).parts)} if engine == EXTERNAL else {}


def _model(params: MatteParams) -> vitmatte.Chosen:
    allowed = non_commercial_allowed(params.allow_non_commercial)
    return vitmatte.choose(params.model, params.weights, non_commercial=allowed)


def _program(params: MatteParams) -> Any:
    return find_program(params.command, non_commercial=non_commercial_allowed(params.allow_non_commercial))


def matters_of(engine: Engine, job: MatteJob) -> Mapping[str, Matter]:
    """Label -> what makes its mattes. Raises `EngineUnavailable`."""
    if engine == VITMATTE:
        network = vitmatte.VitMatte(_model(job.params).folder, job.device, job.notice)
        return {label: network.matter(clip) for label, clip in job.clips.items()}
    if engine == EXTERNAL:
        return {label: External(clip, _external_run(job, label)).alpha for label, clip in job.clips.items()}
    if engine == BANDED:
        settings = BandedSettings(reach=job.reach)
        return {label: Banded(clip, job.motion, settings).alpha for label, clip in job.clips.items()}
    return {label: PymattingMatter(engine.name, clip).alpha for label, clip in job.clips.items()}


def _external_run(job: MatteJob, label: str) -> ExternalRun:
    chunk = job.params.chunk or first_chunk(job.size, _free_memory(job.device))
    return ExternalRun(
        program=_program(job.params),
        device=job.device,
        chunk=chunk,
        chosen=job.chosen,
        numbers=job.numbers,
        kept=job.scratch / "external" / label,
        notice=job.notice,
        check_cancelled=job.check_cancelled,
    )


def _free_memory(device: str) -> int:
    """Free bytes of the device."""
    if device.startswith("cuda"):
        torch: Any = importlib.import_module("torch")
        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    return int(free_bytes())
