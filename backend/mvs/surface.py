"""The map that is kept of a frame, and how sure each pixel is.

Where neighbours confirm a depth it is their common value. The confirmed pixels that look like a pixel say on which
plane it should lie (smooth.py): what lies near it is taken to it. Rims of depth confirm nothing: matching windows
straddle them and carry the near surface too far, in all views alike. What is not sure enough to be called measured is
filled from measured pixels, along the picture (nearest.py). Blank areas are never measured beyond the reach of texture:
they take a plane from their rim (blanks.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from backend.depth.frame import MEASURED, SKY, UNKNOWN, FrameDepth

from .blanks import closed
from .certainty import certainty, confidence
from .consistency import Agreed, DepthMap, agreed
from .estimate import Estimate
from .fill import filled
from .matching import structure
from .nearest import nearest_known
from .rims import rim
from .settings import MvsSettings
from .smooth import Plane, fitted

_NEAR_PX = (3.0, 1.5, 1.0)
_REACH, _STRIDE = 3, 4

_ON_PLANE = 2.0
"""How far, in px of the sources, a depth may be from the plane of its surroundings to be taken to it."""

_SOME = 0.01
"""Least support of a plane to draw a pixel."""

_EXTENDED = (0.87, 1.15)
"""How much of its inverse depth a plane may lose or gain on the way to a hole."""

_RIM = 3
_WINDOW = 3
"""Half the window, px, in which a picture is looked at for texture."""

_EVIDENCE = 1.0
"""What a match must explain at least, in variances of the grain. Neighbours agree on blank areas all the same: each has
smoothed them from the same surroundings."""

_HELD = 0.2
"""Support of a plane, from pixels with texture, that measures blank pixels too."""

_SEED = 0.6 * MEASURED
"""Confidence of what the planes of blank areas are drawn through."""

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
        blank = (structure(own.map.view.gray, _WINDOW) < 0.0) & (own.map.view.usable > 0)
        plane = _planes(own, said, raw, known & ~blank, len(others))
        off = ((raw - plane.inverse).abs() / own.map.step).clamp_max(4.0)
        drawn = (plane.support > _SOME) & (off < _ON_PLANE)
        value = torch.where(drawn, plane.inverse, raw)
        blank &= plane.support < _HELD
        matched = (own.map.view.usable > 0) & (drawn | known) & ~blank
        trust = confidence(certainty(own, said, value, plane.support, off), matched)
        around = _filled(value, trust >= MEASURED, plane, own.map.view.gray)
        seeds = known & (trust > _SEED)
        value, share = closed(torch.where(seeds, value, around), own.map.step, blank, seeds)
        value = torch.where(blank, value, around)
        trust = torch.where(blank, confidence(share, torch.zeros_like(blank)), trust)
        depth = _depth(value, own.map.step, trust)
    return FrameDepth(own.map.view.number, depth.cpu().numpy(), trust.cpu().numpy(), sources)


def _known(own: Estimate, said: Agreed, asked: int, settings: MvsSettings) -> Tensor:
    """bool [H, W]: what enough neighbours confirm."""
    usable = own.map.view.usable > 0
    if not asked:
        return usable & (own.score > _LONE_SCORE)
    return usable & (said.votes >= min(settings.confirmed_by, asked)) & (said.votes > said.against)


def _planes(own: Estimate, said: Agreed, raw: Tensor, known: Tensor, asked: int) -> Plane:
    """The planes through what is known off the rims and has texture of its own."""
    step, gray = own.map.step, own.map.view.gray
    firm = known & ~rim(raw, step, _RIM) & (own.score * own.texture > _EVIDENCE)
    closed = filled(raw, firm, gray)
    trust = firm * (said.votes / asked if asked else torch.ones_like(raw))
    plane = fitted(closed, step, trust, gray, _REACH, _STRIDE, _NEAR_PX)
    return replace(plane, inverse=plane.inverse.clamp_min(0.0))


def _filled(inverse: Tensor, measured: Tensor, plane: Plane, gray: Tensor) -> Tensor:
    """inverse [H, W] where measured, elsewhere the plane of the nearest measured pixel, continued."""
    if not bool(measured.any()):
        return inverse
    width = inverse.shape[1]
    seed = nearest_known(measured, gray)
    here = torch.arange(inverse.numel(), device=inverse.device).reshape(inverse.shape)
    across, down = here % width - seed % width, here // width - seed // width
    start = inverse.flatten()[seed]
    there = start + across * plane.across.flatten()[seed] + down * plane.down.flatten()[seed]
    return torch.minimum(torch.maximum(there, _EXTENDED[0] * start), _EXTENDED[1] * start)


def _depth(inverse: Tensor, step: Tensor, trust: Tensor) -> Tensor:
    """Planar depth [H, W]; the mark for the sky where there is no parallax."""
    depth = 1.0 / inverse.clamp_min(1.0 / SKY)
    infinite = inverse < _INFINITE * step
    depth = torch.where(infinite, torch.full_like(depth, SKY), depth.clamp_max(0.99 * SKY))
    return torch.where(trust > 0, depth, torch.full_like(depth, UNKNOWN))
