"""One frame's map from its view and sources, before its neighbours are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .consistency import DepthMap
from .matching import texture
from .refine import Refined, median3, refine
from .settings import Checkpoint, MvsSettings
from .smooth import fitted
from .sweep import sweep
from .views import View

_LEAST_CURVE = 1e-3

_USUAL = 0.08
"""Median distance of a map from its 3 x 3 median, px in the sources, as clips with ample parallax have it."""

_UNITS = (0.15, 1.25)


@dataclass(frozen=True)
class Estimate:
    """map: the estimate. score [H, W]: ZNCC. texture [H, W]: variance of the window, in variances of the grain. share
    [H, W] 0..1: of the look-alikes around a pixel, what lies on its plane."""

    map: DepthMap
    score: Tensor
    texture: Tensor
    share: Tensor


def estimate(
    view: View, sources: Sequence[View], near: float, settings: MvsSettings, checkpoint: Checkpoint = lambda: None
) -> Estimate:
    """The map of a view. near: largest inverse depth there can be, 1 / units."""
    with torch.inference_mode():
        coarse = sweep(view.halved(), [one.halved() for one in sources], near, settings, checkpoint)
        fine = refine(view, sources, coarse, near, settings, checkpoint)
        step = fine.step * _noise_unit(fine)
        trust = fine.curve.clamp_min(_LEAST_CURVE) * fine.score.clamp_min(0.01) * view.usable
        plane = fitted(fine.inverse, step, trust, view.gray)
        weight = plane.weight.clamp_min(1e-6) / step**2
        inverse = plane.inverse.clamp(0.0, near)
    return Estimate(
        DepthMap(view, inverse, weight, step), fine.score, texture(view.gray, settings.refine_radius), plane.share
    )


def _noise_unit(fine: Refined) -> float:
    """How many px in the sources differences must span to be more than noise. Where parallax is small, pictures look
    alike and match to a fraction of what they do elsewhere; layers are then as little apart."""
    noise = 1.4826 * ((fine.inverse - median3(fine.inverse)).abs() / fine.step).median()
    return min(max(float(noise) / _USUAL, _UNITS[0]), _UNITS[1])
