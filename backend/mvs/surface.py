"""The map that is kept of a frame, and how sure each pixel is.

Where neighbours confirm a depth it is their common value. The confirmed pixels that look like a pixel say on which
plane it should lie (smooth.py): what lies near it is taken to it, what was never confirmed is filled from it. Rims of
depth confirm nothing: matching windows straddle them and carry the near surface too far, in all views alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from backend.depth.frame import MEASURED, SKY, UNKNOWN, FrameDepth

from .certainty import certainty, confidence
from .consistency import Agreed, DepthMap, agreed
from .estimate import Estimate
from .fill import filled
from .rims import rim
from .settings import MvsSettings
from .smooth import fitted

_NEAR_PX = (3.0, 1.5, 1.0)
_REACH, _STRIDE = 3, 4

_ON_PLANE = 2.0
"""How far, in px of the sources, a depth may be from the plane of its surroundings to be taken to it."""

_SOME, _ENOUGH = 0.01, 0.025
"""Least support of a plane to draw a measured pixel, and to say what was not measured at all."""

_RIM = 3
_LONE_SCORE = 0.7
"""ZNCC that makes a pixel known where there is no neighbour to ask."""

_INFINITE = 0.5
"""Parallax against infinity, px in the sources, that is none."""


def checked(own: Estimate, others: Sequence[DepthMap], sources: tuple[int, ...], settings: MvsSettings) -> FrameDepth:
    """The depth of a frame from its own map and its neighbours'. sources: plate numbers of what it was matched with."""
    with torch.inference_mode():
        said = agreed(own.map, others, settings.consistent)
        known = _known(own, said, len(others), settings)
        raw = torch.where(known, said.inverse, own.map.inverse)
        inverse, support = _on_planes(own.map, said, raw, known, len(others))
        off = ((raw - inverse[0]).abs() / own.map.step).clamp_max(4.0)
        drawn = (support > _SOME) & (off < _ON_PLANE)
        usable = own.map.view.usable > 0
        guessed = ~usable | (~known & (support > _ENOUGH))
        value = torch.where(drawn | guessed, inverse[0], raw)
        value = torch.where(~usable & (support <= _ENOUGH), inverse[1], value)
        sure = certainty(own, said, value, support, off)
        trust = confidence(sure, usable & (drawn | known))
        depth = _depth(value, own.map.step, trust)
    return FrameDepth(own.map.view.number, depth.cpu().numpy(), trust.cpu().numpy(), sources)


def _known(own: Estimate, said: Agreed, asked: int, settings: MvsSettings) -> Tensor:
    """bool [H, W]: what enough neighbours confirm."""
    usable = own.map.view.usable > 0
    if not asked:
        return usable & (own.score > _LONE_SCORE)
    return usable & (said.votes >= min(settings.confirmed_by, asked)) & (said.votes > said.against)


def _on_planes(
    own: DepthMap, said: Agreed, raw: Tensor, known: Tensor, asked: int
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Inverse depth of the planes through what is known off the rims, the same simply closed, and the planes' support
    0..1, all [H, W]."""
    firm = known & ~rim(raw, own.step, _RIM)
    closed = filled(raw, firm, own.view.gray)
    trust = firm * (said.votes / asked if asked else torch.ones_like(raw))
    plane = fitted(closed, own.step, trust, own.view.gray, _REACH, _STRIDE, _NEAR_PX)
    return (plane.inverse.clamp_min(0.0), closed), plane.support


def _depth(inverse: Tensor, step: Tensor, trust: Tensor) -> Tensor:
    """Planar depth [H, W]; the mark for the sky where measured pixels show no parallax."""
    depth = 1.0 / inverse.clamp_min(1.0 / SKY)
    infinite = (inverse < _INFINITE * step) & (trust >= MEASURED)
    depth = torch.where(infinite, torch.full_like(depth, SKY), depth.clamp_max(0.99 * SKY))
    return torch.where(trust > 0, depth, torch.full_like(depth, UNKNOWN))
