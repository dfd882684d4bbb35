"""One frame's map from its view and sources, before its neighbours are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor

from .consistency import DepthMap
from .refine import refine
from .settings import MvsSettings
from .smooth import fitted
from .sweep import sweep
from .views import View

_LEAST_CURVE = 1e-3


@dataclass(frozen=True)
class Estimate:
    """map: the estimate. photometric [H, W] 0..1: how well and how uniquely it matches."""

    map: DepthMap
    photometric: Tensor


def estimate(view: View, sources: Sequence[View], near: float, settings: MvsSettings) -> Estimate:
    """The map of a view. near: largest inverse depth there can be, 1 / units."""
    with torch.inference_mode():
        coarse = sweep(view.halved(), [one.halved() for one in sources], near, settings)
        fine = refine(view, sources, coarse, near, settings)
        trust = fine.curve.clamp_min(_LEAST_CURVE) * fine.score.clamp_min(0.01) * view.usable
        plane = fitted(fine.inverse, fine.step, trust, view.gray)
        margin = nnf.interpolate(coarse.margin[None, None], size=view.size, mode="bilinear")[0, 0]
        weight = plane.weight.clamp_min(1e-6) / fine.step**2
        photometric = (margin.clamp(0.0, 1.0) * fine.score.clamp(0.0, 1.0) * plane.share) ** (1 / 3) * view.usable
        inverse = plane.inverse.clamp(0.0, near)
    return Estimate(DepthMap(view, inverse, weight, fine.step), photometric)
