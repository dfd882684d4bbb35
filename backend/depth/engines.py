"""The engines of the depth stage: which one runs, and how.

"auto" is engine `mvs`: it measures. Where the camera shows no parallax there is nothing to measure, and engine
`depth-learned` takes over if its weights are there and allowed; the result says so. `ground-plane` runs only when it
is chosen.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from backend.depth_learned.choice import Chosen, choose
from backend.pipeline.fingerprint import of_files
from backend.pipeline.stage import Engine
from backend.weights.folder import non_commercial_allowed
from shared.build_command import build_command
from shared.depth_params import DepthParams
from shared.errors import EngineUnavailable, NoParallax

from .frame import FrameDepth
from .job import DepthJob

if TYPE_CHECKING:
    from backend.mvs.views import View

MVS = Engine("mvs", 1)
LEARNED = Engine("depth-learned", 1)
GROUND_PLANE = Engine("ground-plane", 1)

Looked = Callable[[int], None]


def engine_of(params: DepthParams) -> Engine:
    """The engine that will run first. Raises `EngineUnavailable` when the one asked for cannot."""
    if params.engine == GROUND_PLANE.name:
        return GROUND_PLANE
    if params.engine == LEARNED.name:
        chosen_model(params)
        return LEARNED
    _check_torch()
    return MVS


def weights_fingerprint(params: DepthParams) -> dict[str, str]:
    """The model's files as an input of the stage; nothing when no model is asked for."""
    if params.engine != LEARNED.name:
        return {}
    chosen = chosen_model(params)
    return {"weights": of_files([chosen.folder / name for name in chosen.model.files], chosen.folder)}


def chosen_model(params: DepthParams) -> Chosen:
    """The model that engine depth-learned would run. Raises `EngineUnavailable`, `InvalidRequest`."""
    allowed = non_commercial_allowed(params.allow_non_commercial)
    return choose(params.model, params.weights, non_commercial=allowed)


def chosen_engine(job: DepthJob) -> Engine:
    """The engine that runs on this clip. Raises `NoParallax`, `EngineUnavailable`."""
    engine = engine_of(job.params)
    if engine != MVS:
        return engine
    from backend.mvs.settings import MvsSettings

    from .parallax import require_parallax

    try:
        require_parallax(job, MvsSettings().reach)
    except NoParallax as still:
        other = replace(job.params, engine=LEARNED.name)
        if job.params.engine != "auto" or not _is_ready(other):
            raise
        job.notice(f"{still.message} A depth network is used instead.")
        return engine_of(other)
    return MVS


def _is_ready(params: DepthParams) -> bool:
    try:
        engine_of(params)
    except EngineUnavailable:
        return False
    return True


def _check_torch() -> None:
    if importlib.util.find_spec("torch") is None:
        raise EngineUnavailable(
            "Multi-view stereo needs PyTorch, which is not installed.",
            f"Run `{build_command('setup')}` in Backlot's folder.",
        )


@dataclass(frozen=True)
class EngineRun:
    """frames: the depth of the frames asked for, in order, in working pixels; one that cannot have depth is left out.
    model: of a network. scale, units: as `DepthMeta` has them; units None for the world's. knows_movers: whether the
    maps have the shape of what moves too. estimated: nothing in them is measured. focal_source, focal_px: as
    `DepthMeta` has them. facts: more for the result."""

    frames: Iterator[FrameDepth]
    model: str = ""
    scale: str = "solve"
    units: str | None = None
    knows_movers: bool = False
    estimated: bool = False
    focal_source: str = "solved"
    focal_px: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def run_engine(engine: Engine, job: DepthJob, left: Sequence[int], looked: Looked | None = None) -> EngineRun:
    """left: indices of the job's frames that have no map yet; the others may be of use to the engine all the same.
    looked: hears the plate number of every frame that an engine has looked at which must see all before the first
    map."""
    if engine == LEARNED:
        return _learned(job, left, looked or (lambda number: None))
    return _ground_plane(job, left) if engine == GROUND_PLANE else _mvs(job, left)


def _mvs(job: DepthJob, left: Sequence[int]) -> EngineRun:
    from backend.mvs.settings import MvsSettings
    from backend.mvs.stream import clip_depth

    from .views import view_of

    def view(index: int) -> View:
        return view_of(job, index)

    return EngineRun(clip_depth(job.poses, job.points, view, MvsSettings(), left, job.checkpoint))


def _ground_plane(job: DepthJob, left: Sequence[int]) -> EngineRun:
    from .ground_plane import floor_height, plane_depth

    floor = floor_height(job.camera.extrinsics, job.poses, job.params.camera_height)
    return EngineRun(plane_depth(job.poses, floor, left))


def _learned(job: DepthJob, left: Sequence[int], looked: Looked) -> EngineRun:
    from backend.depth_learned.engine import run_learned

    run = run_learned(job, chosen_model(job.params), left, looked)
    return EngineRun(
        run.frames, run.model, run.scale, run.units, True, True, run.focal_source, run.focal_px, run.facts
    )  # fmt: skip
