"""The engines of the solve stage: which one runs, and how.

"auto" is engine `sfm`: its accuracy is measured, and it needs nothing. Where it finds too little to go on, engine
`sfm-learned` takes over if its weights are there and allowed, and the result says so.
"""

from __future__ import annotations

from dataclasses import replace

from backend.pipeline.context import StageContext
from backend.pipeline.fingerprint import of_files
from backend.pipeline.stage import Engine
from backend.sfm.frames import FrameSource
from backend.sfm.result import CameraSolve
from backend.sfm.settings import SfmSettings
from backend.sfm.solver import solve
from backend.sfm_learned.engine import Chosen, choose, matcher_for, solve_learned
from backend.weights.folder import non_commercial_allowed
from shared.errors import EngineUnavailable, SolveDiverged, TooFewFeatures
from shared.stages import SolveParams

SFM = Engine("sfm", 2)
LEARNED = Engine("sfm-learned", 1)


def engine_of(params: SolveParams) -> Engine:
    """The engine that will run first. Raises `EngineUnavailable` when the one asked for cannot."""
    if params.engine == LEARNED.name:
        chosen_model(params)
        return LEARNED
    return SFM


def chosen_model(params: SolveParams) -> Chosen:
    """The model that engine sfm-learned would run. Raises `EngineUnavailable`."""
    allowed = non_commercial_allowed(params.allow_non_commercial)
    return choose(params.matcher, params.weights, non_commercial=allowed)


def weights_fingerprint(params: SolveParams) -> dict[str, str]:
    """The model's files as an input of the stage; nothing when no model is asked for."""
    if params.engine != LEARNED.name:
        return {}
    chosen = chosen_model(params)
    return {"weights": of_files([chosen.folder / name for name in chosen.model.files], chosen.folder)}


def run_engine(
    params: SolveParams, plate: FrameSource, settings: SfmSettings, context: StageContext
) -> tuple[CameraSolve, Engine]:
    """The camera, and the engine that found it."""
    if params.engine == LEARNED.name:
        return _learned(params, plate, settings, context), LEARNED
    try:
        return solve(plate, settings, context), SFM
    except (TooFewFeatures, SolveDiverged) as failed:
        if params.engine != "auto" or not _learned_is_ready(params):
            raise
        context.notice(f"{failed.message} Learned matches are tried instead.")
        return _learned(params, plate, settings, context), LEARNED


def _learned_is_ready(params: SolveParams) -> bool:
    try:
        chosen_model(params)
    except EngineUnavailable:
        return False
    return True


def _learned(params: SolveParams, plate: FrameSource, settings: SfmSettings, context: StageContext) -> CameraSolve:
    chosen = chosen_model(params)
    context.log.info("matching with %s on %s", chosen.model.title, context.device)
    files = of_files([chosen.folder / name for name in chosen.model.files], chosen.folder)
    keyed = replace(settings, checkpoint_key=f"{settings.checkpoint_key}:{files}")
    return solve_learned(plate, keyed, matcher_for(keyed, chosen, context.device), context, context.notice)
