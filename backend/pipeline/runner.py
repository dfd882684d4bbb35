"""Brings stages of a shot up to date: what a worker, the command line and tests all call."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shared.artifacts import StageResult
from shared.errors import (
    ArtifactMissing,
    BacklotError,
    DiskFull,
    FootageNotFound,
    InternalError,
    InvalidParameter,
    InvalidRequest,
    OutOfMemory,
)
from shared.messages import JobRequest
from shared.params import recorded_values, to_values
from shared.shot import ShotFolder, document_text
from shared.stages import StageInfo, in_order, stage_info, stage_params

from ..devices import resolve_device
from . import manifest
from .atomic import disk_errors, translate, write_text
from .context import JobObserver, StageContext
from .disk_need import explained
from .fingerprint import key_of
from .manifest import MANIFEST_VERSION, Manifest
from .shot_lock import shot_lock
from .stage import Engine, StageModule, load

LOG = logging.getLogger("backlot")

STAGE_WEIGHTS = {"ingest": 1.0, "roto": 4.0, "solve": 3.0, "depth": 12.0, "mocap": 6.0}
"""Rough share of the time each stage takes, for the progress of the whole job."""


@dataclass(frozen=True)
class PlannedStage:
    """A stage with everything that decides whether it must run."""

    info: StageInfo
    module: StageModule
    params: Any
    engine: Engine
    inputs: Mapping[str, str]
    key: str


def run_job(request: JobRequest, observer: JobObserver) -> tuple[StageResult, ...]:
    """The results of every stage the request names or needs, in order. Holds the shot's lock meanwhile.

    Raises only `BacklotError`s: foreign errors are translated here, and their traceback goes to the log.
    """
    try:
        return _run_job(request, observer)
    except BacklotError:
        raise
    except MemoryError as error:
        LOG.exception("out of memory")
        raise OutOfMemory("This computer ran out of memory.") from error
    except OSError as error:
        LOG.exception("operating system error")
        raise translate(error, Path(error.filename or request.shot)) from error
    except Exception as error:
        LOG.exception("unexpected error")
        raise InternalError(f"Backlot met an unexpected error: {type(error).__name__}: {error}") from error


def _run_job(request: JobRequest, observer: JobObserver) -> tuple[StageResult, ...]:
    stages = in_order(request.stages)
    _check_params(request)
    shot = ShotFolder(Path(request.shot))
    if not shot.root.is_absolute():
        raise InvalidRequest(f"The shot folder {request.shot!r} is not an absolute path.", "Give its whole path.")
    known = shot.find()
    footage = request.footage or _known_footage(shot)
    same_clip = known is not None and known.footage == footage
    named = {stage_info(name).name for name in request.stages}
    results: list[StageResult] = []
    with shot_lock(shot):
        for info, span in zip(stages, _spans(stages), strict=True):
            last = recorded_params(info, shot) if same_clip and info.name not in named else {}
            planned = plan(info, request.params.get(info.name, last), shot, footage)
            context = _context(planned, shot, footage, request, observer, span)
            with _staying(shot):
                result = _bring_up_to_date(planned, context, forced=request.force and info.name in named)
            observer.stage_done(result)
            results.append(result)
    return tuple(results)


@contextlib.contextmanager
def _staying(shot: ShotFolder) -> Iterator[None]:
    """What fails because somebody moved the folder meanwhile says that. Raises `ArtifactMissing`."""
    was_there = shot.shot_json.is_file()
    try:
        yield
    except (BacklotError, OSError) as error:
        if not was_there or shot.shot_json.is_file():
            raise
        raise ArtifactMissing(
            f"The shot folder {shot.root} was moved or deleted while the job ran.",
            "Put it back, or find it again in the Backlot tab; then run the stage again.",
        ) from error


def _check_params(request: JobRequest) -> None:
    """Every parameter of the request, before any stage spends time."""
    for stage, values in request.params.items():
        stage_params(stage, values)


def recorded_params(info: StageInfo, shot: ShotFolder) -> Mapping[str, Any]:
    """What the stage last finished with, for a job that only needs its files: an export must not solve anew because
    the solve was not the default one. {} when it never ran, or when this version knows the parameters no more."""
    done = manifest.find(shot, info.name)
    if done is None:
        return {}
    try:
        stage_params(info.name, done.params)
    except InvalidParameter:
        return {}
    return done.params


def _known_footage(shot: ShotFolder) -> str:
    known = shot.find()
    if known is None:
        raise FootageNotFound(f"{shot.root} has no plate yet and no footage was given.", "Pick a clip.")
    return known.footage


def _spans(stages: tuple[StageInfo, ...]) -> list[tuple[float, float]]:
    weights = [STAGE_WEIGHTS.get(info.name, 1.0) for info in stages]
    whole, start, spans = sum(weights), 0.0, []
    for weight in weights:
        spans.append((start, start + weight / whole))
        start += weight / whole
    return spans


def plan(info: StageInfo, values: Mapping[str, Any], shot: ShotFolder, footage: str) -> PlannedStage:
    """What a run of the stage would depend on, with its key."""
    params = stage_params(info.name, dict(values))
    module = load(info.name)
    engine = module.engine(params)
    inputs = dict(module.inputs(params, shot, footage))
    for needed in info.needs:
        done = manifest.find(shot, needed)
        inputs[f"stage:{needed}"] = done.key if done else ""
    key = key_of(info.name, engine.name, engine.version, to_values(params), inputs)
    return PlannedStage(info, module, params, engine, inputs, key)


def is_up_to_date(planned: PlannedStage, shot: ShotFolder) -> Manifest | None:
    """The manifest of the stage if nothing it depends on has changed and all its files are there. What was
    imported from another program stays until the stage is forced."""
    done = manifest.find(shot, planned.info.name)
    if done is None or not manifest.is_complete(shot, done):
        return None
    same = done.key in (planned.key, _key_then(planned, done))
    return done if same or done.key.startswith(manifest.IMPORTED) else None


def _key_then(planned: PlannedStage, done: Manifest) -> str:
    """The stage's key for the version that made the record: without the parameters that came later and have their
    defaults, so that an update makes nothing anew."""
    defaults = recorded_values(type(planned.params), {})
    asked = to_values(planned.params).items()
    known = {name: value for name, value in asked if name in done.params or value != defaults[name]}
    return key_of(planned.info.name, planned.engine.name, planned.engine.version, known, planned.inputs)


def _context(
    planned: PlannedStage,
    shot: ShotFolder,
    footage: str,
    request: JobRequest,
    observer: JobObserver,
    span: tuple[float, float],
) -> StageContext:
    return StageContext(
        stage=planned.info.name,
        shot=shot,
        footage=footage,
        device=resolve_device(request.device),
        checkpoint_dir=shot.checkpoints_dir / planned.info.name / planned.key,
        observer=observer,
        log=LOG.getChild(planned.info.name),
        span=span,
    )


def _bring_up_to_date(planned: PlannedStage, context: StageContext, *, forced: bool) -> StageResult:
    done = None if forced else is_up_to_date(planned, context.shot)
    if done is not None:
        context.log.info("up to date")
        return replace(done.result, skipped=True, seconds=0.0)
    _drop_old_checkpoints(context)
    with disk_errors(context.checkpoint_dir):
        context.checkpoint_dir.mkdir(parents=True, exist_ok=True)
    context.log.info("started with engine %s", planned.engine.name)
    started, began = time.monotonic(), time.time()
    try:
        result = planned.module.run(planned.params, context)
    except DiskFull as full:
        raise explained(full, context.shot.root, began, context.shares or (0.0, 0.0)) from full
    result = replace(result, seconds=round(time.monotonic() - started, 3), notices=tuple(context.notices))
    values, revision = to_values(planned.params), manifest.world_revision(context.shot)
    done = Manifest(MANIFEST_VERSION, planned.key, values, dict(planned.inputs), result, revision)
    manifest.write(context.shot, planned.info.name, done)
    _record_engine(context.shot, result)
    shutil.rmtree(context.checkpoint_dir.parent, ignore_errors=True)
    context.log.info("done in %.1f s", result.seconds)
    return result


def _record_engine(shot: ShotFolder, result: StageResult) -> None:
    """The engine that ran: with "auto" it may not be the first that was tried."""
    known = shot.read()
    engines = {**known.engines, result.stage: result.engine}
    if engines != known.engines:
        write_text(shot.shot_json, document_text(replace(known, engines=engines)))


def _drop_old_checkpoints(context: StageContext) -> None:
    """Checkpoints of other parameters or inputs are of no use to this run."""
    if not context.checkpoint_dir.parent.is_dir():
        return
    for old in context.checkpoint_dir.parent.iterdir():
        if old != context.checkpoint_dir:
            shutil.rmtree(old, ignore_errors=True)
