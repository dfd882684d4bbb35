"""Which engine runs."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

from backend.roto.people.environment import mocap_python
from backend.roto.people.sampling import Finder
from shared.errors import EngineUnavailable, InvalidRequest

from .job import MODES, PoseJob, PoseParams
from .mediapipe import MediapipeEngine
from .networks.choice import DETECTOR, NETWORKS, choose, detector_file, load
from .networks.lift import LiftedEngine
from .networks.yolox import YoloxFinder
from .places import Search
from .protocol import MEDIAPIPE, Engine, Looker

AUTO = "auto"
ENGINES = (*NETWORKS, MEDIAPIPE)
"""Those that `auto` chooses from, the best first."""


def ready_engine(params: PoseParams) -> str:
    """The name of the engine that will run. Imports no model code. Raises `InvalidRequest` for an unknown name,
    `EngineUnavailable` when the one asked for cannot run, and of "auto" when none can."""
    if params.engine != AUTO:
        _require(params.engine, params)
        return params.engine
    for name in NETWORKS:
        with contextlib.suppress(EngineUnavailable, InvalidRequest):
            _require(name, params)
            return name
    _require(MEDIAPIPE, params)
    return MEDIAPIPE


def _require(name: str, params: PoseParams) -> None:
    if name == MEDIAPIPE:
        mocap_python()
    elif name in NETWORKS:
        choose(name, params)
    else:
        raise InvalidRequest(f"There is no engine {name!r} that sees joints.", f"There is: {', '.join(ENGINES)}.")


def open_engine(job: PoseJob, looker: Callable[[], Looker]) -> Engine:
    """The engine that the params name, loaded. looker: starts MediaPipe's process, or gives the one that runs. Raises
    as `ready_engine`, and `InvalidRequest` for an unknown pose mode."""
    if job.params.pose_mode not in MODES:
        raise InvalidRequest(f"There is no pose mode {job.params.pose_mode!r}.", f"There is: {', '.join(MODES)}.")
    name = ready_engine(job.params)
    if name == MEDIAPIPE:
        return _mediapipe(job, looker, hands_and_face=job.hands_and_face)
    engine = load(choose(name, job.params), job.params, job.device, hands_and_face=job.hands_and_face)
    try:
        mocap_python()
    except EngineUnavailable as missing:
        job.notice(f"Engine {name} sees joints in the picture only: depth is left to the body solver. {missing.remedy}")
        return engine
    return LiftedEngine(engine, _mediapipe(job, looker, hands_and_face=False))


def open_search(job: PoseJob, looker: Callable[[], Looker]) -> Search:
    """What finds people where there are no masks: MediaPipe, else YOLOX. Raises `EngineUnavailable`: for want of
    MediaPipe, which needs no weights."""
    try:
        mocap_python()
        return Search(MEDIAPIPE, looker)
    except EngineUnavailable as missing:
        try:
            path = detector_file(job.params)
        except EngineUnavailable:
            raise missing from None

    @functools.cache
    def finder() -> Finder:
        return YoloxFinder(path, job.device)

    return Search(DETECTOR, finder)


def _mediapipe(job: PoseJob, looker: Callable[[], Looker], *, hands_and_face: bool) -> Engine:
    return MediapipeEngine(looker, job.params.pose_mode, hands_and_face=hands_and_face)
