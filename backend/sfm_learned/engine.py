"""Engine `sfm-learned`: picks a model that is there and allowed, and solves with its matches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from backend.inference.device import require_packages, torch_device
from backend.sfm.frames import FrameSource, Observer, SilentObserver
from backend.sfm.progress import Steps
from backend.sfm.result import CameraSolve
from backend.sfm.sense import require_length
from backend.sfm.settings import SfmSettings
from backend.sfm.solver import solve_tracks
from backend.weights.folder import require, weights_dir
from backend.weights.models import Model, models_of
from shared.errors import EngineUnavailable

from .efficientloftr import load_efficientloftr
from .lightglue import load_lightglue
from .matches import PairMatcher
from .tracking import match_plan, track_by_matching

ENGINE = "sfm-learned"


@dataclass(frozen=True)
class Chosen:
    """A model whose files are in `folder` and which may be used."""

    model: Model
    folder: Path


def choose(matcher: str, weights: str | None, *, non_commercial: bool) -> Chosen:
    """The model named `matcher`, or with "auto" the first that is there and allowed. Imports no model code.

    Raises `EngineUnavailable`: for "auto" with what the preferred model lacks.
    """
    require_packages()
    place = weights_dir(weights)
    wanted = [known for known in models_of(ENGINE) if matcher in ("auto", known.name)]
    refusals: list[EngineUnavailable] = []
    for model in wanted:
        try:
            return Chosen(model, require(model, place, non_commercial=non_commercial))
        except EngineUnavailable as refused:
            refusals.append(refused)
    raise refusals[0]


def load(chosen: Chosen, device: str, keypoints: int) -> PairMatcher:
    """The matcher on a device. Raises `EngineUnavailable`."""
    if chosen.model.name == "lightglue-superpoint":
        return load_lightglue(chosen.folder, torch_device(device), keypoints)
    return load_efficientloftr(chosen.folder, torch_device(device))


def solve_learned(
    frames: FrameSource,
    settings: SfmSettings,
    matcher: PairMatcher,
    observer: Observer | None = None,
    notice: Callable[[str], None] = lambda sentence: None,
) -> CameraSolve:
    """The camera of a clip from learned matches. notice: hears of smaller batches and sizes. Raises as
    `backend.sfm.solver.solve`, and `OutOfMemory`."""
    require_length(frames)
    cv2.setRNGSeed(settings.seed)
    steps = Steps(observer or SilentObserver(), len(frames.numbers))
    tracks = track_by_matching(frames, matcher, settings, steps, notice)
    solved = solve_tracks(tracks, frames, settings, observer)
    return replace(solved, seconds={**steps.seconds, **solved.seconds})


def matcher_for(settings: SfmSettings, chosen: Chosen, device: str) -> PairMatcher:
    """The matcher with as many keypoints as the quality asks for."""
    return load(chosen, device, match_plan(settings.preset.features).keypoints)
