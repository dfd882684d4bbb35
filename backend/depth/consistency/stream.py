"""The consistency step over a clip: frames in, frames out, with a bounded window of maps on the device."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from backend.depth.frame import MEASURED, SKY, UNKNOWN, FrameDepth, Mask
from backend.depth.poses import Pose
from backend.mvs.matching import structure
from backend.mvs.smooth import fitted
from backend.mvs.stream import ViewOf
from backend.mvs.views import View

from .fill import FILLED, MOST_FILLED, filled
from .fuse import Fused, belief, fused, neighbour
from .half import FullSize, at_full_size, halved
from .noise import Noise, noise_between
from .settings import ConsistencySettings
from .surfaces import Surface, slopes, surface_of, trust_of

_WINDOW = 3
"""Half the window, px, in which the picture must show more than grain for a hole to be filled along its edges."""

_ANOTHER = 0.2
"""Relative difference of inverse depth from which a filling lies on another surface than the engine's guess."""

ReadRaw = Callable[[int], FrameDepth]
MovingOf = Callable[[int], Mask | None]
"""Index into the clip to bool [H, W], True where something moves; None for nothing."""


def consistent(
    poses: Sequence[Pose | None],
    read_raw: ReadRaw,
    view_of: ViewOf,
    moving_of: MovingOf,
    settings: ConsistencySettings,
    checkpoint: Callable[[], None] = lambda: None,
    first: int = 0,
) -> Iterator[FrameDepth]:
    """The depth of every frame with a pose, in order, brought into agreement with its neighbours.

    poses: by index, None where the solve failed. read_raw, view_of, moving_of: by index, each called once, in order;
    the views' device is where the work is done.
    first: index to begin at, for a stage that goes on (the frames before it that it needs are read again). Yields depth
    float32 [H, W], 0 where nothing is known and where something moves, 1e10 sky; confidence raised where neighbours
    agree, lowered where they contradict; below 0.5 it is filled.
    """
    posed = [i for i, pose in enumerate(poses) if pose is not None]
    skipped = sum(i < first for i in posed)
    start = max(0, skipped - settings.reach * settings.iterations)
    border = _Border(read_raw, view_of, moving_of, settings)
    stream = border.surfaces(posed[start:])
    for _ in range(settings.iterations):
        stream = _agreeing(stream, settings, checkpoint)
    for place, surface in enumerate(stream, start):
        found = border.frame(surface)
        if place >= skipped:
            yield found


class _Border:
    """Between the frames outside and the surfaces that the rounds work on; keeps what a frame needs on its way out
    while it is in them."""

    def __init__(self, read_raw: ReadRaw, view_of: ViewOf, moving_of: MovingOf, settings: ConsistencySettings) -> None:
        self._read_raw, self._view_of, self._moving_of = read_raw, view_of, moving_of
        self._half = settings.half_resolution
        self._inside: dict[int, tuple[tuple[int, ...], FullSize]] = {}

    def surfaces(self, indices: Sequence[int]) -> Iterator[Surface]:
        for index in indices:
            raw, view, moving = self._read_raw(index), self._view_of(index), self._moving_of(index)
            gone = view.usable <= 0
            if moving is not None:
                gone = gone | torch.from_numpy(moving).to(gone.device)
            depth, confidence = (torch.from_numpy(one).to(gone.device) for one in (raw.depth, raw.confidence))
            with torch.inference_mode():
                whole = FullSize(*_without_holes(view, depth, confidence, gone), view.gray, gone)
                self._inside[view.number] = (raw.sources, whole)
                if self._half:
                    yield surface_of(view.halved(), *halved(whole.inverse, whole.confidence, gone))
                else:
                    yield surface_of(view, whole.inverse, whole.confidence, gone)

    def frame(self, surface: Surface) -> FrameDepth:
        sources, whole = self._inside.pop(surface.number)
        if not self._half:
            return _frame_depth(surface.number, surface.inverse, surface.confidence, sources)
        with torch.inference_mode():
            return _frame_depth(surface.number, *at_full_size(surface, whole), sources)


def _without_holes(view: View, depth: Tensor, confidence: Tensor, gone: Tensor) -> tuple[Tensor, Tensor]:
    """Inverse depth (0 sky) and confidence [H, W] with what was not measured filled anew, from what was: the rounds
    then make the fillings of neighbouring frames agree as well. A guess of which the engine says something stays where
    the filling lies on another surface: the engine has seen more views than the one picture that the filling follows.
    Any guess stays in blank areas: there are no edges to fill along."""
    measured = (confidence >= MEASURED) & (depth > UNKNOWN) & ~gone
    inverse = torch.where(depth < 0.5 * SKY, 1.0 / depth.clamp_min(1e-12), torch.zeros_like(depth))
    if not bool(measured.any()):
        return inverse, torch.zeros_like(confidence)
    guess = confidence.clamp(FILLED, MOST_FILLED)
    anew = filled(inverse, measured, confidence, view.gray)
    blank = (structure(view.gray, _WINDOW) < 0.0) & (confidence > 0)
    elsewhere = ((anew - inverse).abs() > _ANOTHER * inverse) & (confidence > FILLED)
    kept = (blank | elsewhere) & (depth > UNKNOWN) & ~gone
    whole = torch.where(kept, inverse, anew)
    return whole, torch.where(measured, confidence, guess)


def _agreeing(
    stream: Iterator[Surface], settings: ConsistencySettings, checkpoint: Callable[[], None]
) -> Iterator[Surface]:
    """Every surface of the stream after one round with its neighbours."""
    window: deque[Surface] = deque()
    middle = 0
    for surface in stream:
        window.append(surface)
        if len(window) - middle > settings.reach:
            checkpoint()
            yield _agreed(window, middle, settings)
            middle += 1
        if middle > settings.reach:
            window.popleft()
            middle -= 1
    while middle < len(window):
        checkpoint()
        yield _agreed(window, middle, settings)
        middle += 1
        if middle > settings.reach:
            window.popleft()
            middle -= 1


def _agreed(window: Sequence[Surface], middle: int, settings: ConsistencySettings) -> Surface:
    """The surface in the middle of the window, after one round."""
    own = window[middle]
    with torch.inference_mode():
        others = [(k, one) for k, one in enumerate(window) if k != middle and abs(k - middle) <= settings.reach]
        noise = noise_between(own, [one for k, one in others if abs(k - middle) == 1])
        found = fused(own, [neighbour(one, abs(k - middle), settings.reach) for k, one in others], noise)
        return _settled(own, found, noise, settings)


def _settled(own: Surface, found: Fused, noise: Noise, settings: ConsistencySettings) -> Surface:
    """The surface that the fused map makes, smoothed along the picture's edges."""
    inverse = found.inverse
    confidence = torch.where(own.moving, torch.zeros_like(inverse), belief(own.raw, found))
    trust = torch.where(own.moving, torch.zeros_like(inverse), trust_of(confidence))
    for _ in range(settings.smoothing):
        plane = fitted(inverse, noise.of(inverse), trust + 1e-6, own.gray, reach=1, stride=1)
        inverse = torch.where((inverse > 0) & (trust > 0), plane.inverse.clamp_min(0.0), inverse)
    across, down = slopes(inverse)
    return replace(own, inverse=inverse, across=across, down=down, trust=trust, confidence=confidence)


def _frame_depth(number: int, inverse: Tensor, confidence: Tensor, sources: tuple[int, ...]) -> FrameDepth:
    near, sure = inverse.cpu().numpy(), confidence.cpu().numpy()
    depth = np.where(near <= 1.0 / SKY, np.float32(SKY), 1.0 / np.maximum(near, 1e-12))
    return FrameDepth(number, np.where(sure > 0, depth, UNKNOWN).astype(np.float32), sure, sources)
