"""A frame's depth as the consistency step holds it: inverse depth, its slopes, and how much it may be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor

from backend.mvs.views import Floats, View

FILLED_TRUST = 0.05
"""Weight of a filled or estimated depth beside a measured one's 0.25 to 1: it speaks where nothing measured does."""

MEASURED_TRUST = 0.25
"""Least weight of a measured depth."""


@dataclass(frozen=True)
class Surface:
    """One frame. number: of the plate. inverse float32 [H, W]: 1 / planar depth, 0 for sky. across, down [H, W]: its
    change per px to the right and down, never across a depth edge. trust float32 [H, W] >= 0: weight beside the other
    frames' maps, 0 where nothing is known. raw, confidence float32 [H, W] 0..1: the engine's confidence, and what the
    neighbours have made of it. moving bool [H, W]: no part of the static
    scene. gray float32 [H, W] 0..1: the picture. K [3, 3] px; world_from_camera [4, 4]."""

    number: int
    inverse: Tensor
    across: Tensor
    down: Tensor
    trust: Tensor
    raw: Tensor
    confidence: Tensor
    moving: Tensor
    gray: Tensor
    K: Floats
    world_from_camera: Floats

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.inverse.shape
        return int(height), int(width)


def surface_of(view: View, inverse: Tensor, confidence: Tensor, moving: Tensor) -> Surface:
    """inverse float32 [H, W]: 1 / planar depth, 0 sky. confidence float32 [H, W]: 0 unknown, below 0.5 filled. moving
    bool [H, W]. All of the view's size."""
    known = (confidence > 0) & ~moving
    confidence = torch.where(known, confidence, torch.zeros_like(confidence))
    across, down = slopes(inverse)
    return Surface(
        view.number, inverse, across, down, trust_of(confidence), confidence, confidence, moving, view.gray,
        view.K, view.world_from_camera,
    )  # fmt: skip


def trust_of(confidence: Tensor) -> Tensor:
    """Weight of a depth of confidence 0..1: its square where measured, little where it is a guess."""
    return torch.where(confidence >= 0.5, confidence * confidence, FILLED_TRUST * confidence)


def slopes(inverse: Tensor) -> tuple[Tensor, Tensor]:
    """Change of inverse [H, W] per px to the right and down: of the two sides the flatter one where they are alike in
    sign, 0 where they are not, so that no edge is taken for a slant (minmod: van Leer 1979; Roe 1986)."""
    padded = nnf.pad(inverse[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    left, right = inverse - padded[1:-1, :-2], padded[1:-1, 2:] - inverse
    above, below = inverse - padded[:-2, 1:-1], padded[2:, 1:-1] - inverse
    return _flatter(left, right), _flatter(above, below)


def _flatter(one: Tensor, other: Tensor) -> Tensor:
    least = torch.minimum(one.abs(), other.abs())
    return torch.where(one * other > 0, torch.sign(one) * least, torch.zeros_like(one))
