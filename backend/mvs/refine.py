"""The surface at full resolution: every pixel tries its neighbours' depths and small steps from its own.

PatchMatch's propagation and refinement (Bleyer, Rhemann, Rother, BMVC 2011; on a GPU in parallel: Galliani, Lasinger,
Schindler, ICCV 2015). Candidates are whole maps: a window is warped pixel by pixel with the map's own depths, so that
it follows slanted and bent surfaces without a plane per pixel, and a candidate costs a few box filters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor

from .matching import box, correlation, grain
from .settings import Checkpoint, MvsSettings
from .sweep import Swept, better_half, halves
from .views import Passage, View, looked_up, marked, other_pixels, passage

_SHIFTS = ((0, 4), (0, -4), (4, 0), (-4, 0), (0, 2), (0, -2), (2, 0), (-2, 0))
"""How far neighbours hand on their depths, px."""

_SMOOTH = 0.02
"""What ZNCC a candidate must gain per step of disagreement with its surroundings."""


@dataclass(frozen=True)
class Refined:
    """inverse [H, W]: inverse depth. score [H, W]: ZNCC of the depth taken. step [H, W]: change of inverse depth that
    moves the pixel by one px in the sources (root mean square over them). curve [H, W]: fall of the ZNCC at half a px
    to either side."""

    inverse: Tensor
    score: Tensor
    step: Tensor
    curve: Tensor


class Matcher:
    """Scores candidate maps of one view."""

    def __init__(self, view: View, sources: Sequence[View], radius: int) -> None:
        self._view, self._radius = view, radius
        self._noise = grain(view.gray)
        self._mean = box(view.gray, radius)
        self._variance = (box(view.gray * view.gray, radius) - self._mean**2).clamp_min(0.0)
        self._ways = [passage(view, one) for one in sources]
        self._pictures = [marked(one.gray, one.usable) for one in sources]
        self._groups = halves(view, sources)

    def score(self, inverse: Tensor) -> Tensor:
        """ZNCC [H, W] of a map of inverse depths, over the better half of the sources."""
        each = (self._one(picture, way, inverse) for picture, way in zip(self._pictures, self._ways, strict=True))
        return better_half(each, self._groups)

    def _one(self, picture: Tensor, way: Passage, inverse: Tensor) -> tuple[Tensor, Tensor]:
        x, y, _ = other_pixels(way, inverse)
        warped, seen = looked_up(picture, x, y)
        filled = torch.where(seen, warped, self._mean)
        alike = correlation(filled, self._view.gray, self._mean, self._variance, self._radius, self._noise)
        return alike, seen

    def step(self, inverse: Tensor) -> Tensor:
        """Inverse depth [H, W] per px in the sources, root mean square over them."""
        small = 1e-3 * inverse.mean().clamp_min(1e-9)
        total = torch.zeros_like(inverse)
        for way in self._ways:
            x0, y0, _ = other_pixels(way, inverse)
            x1, y1, _ = other_pixels(way, inverse + small)
            total += ((x1 - x0) ** 2 + (y1 - y0) ** 2).nan_to_num()
        return small / (total / len(self._ways)).sqrt().clamp_min(1e-6)


def refine(
    view: View, sources: Sequence[View], coarse: Swept, near: float, settings: MvsSettings, checkpoint: Checkpoint
) -> Refined:
    """The full-resolution map that starts from a sweep at half resolution."""
    matcher = Matcher(view, sources, settings.refine_radius)
    inverse = _enlarged(coarse.inverse, view.size)
    step = matcher.step(inverse)
    score = matcher.score(inverse)
    for turn in range(settings.passes):
        for dy, dx in _SHIFTS:
            checkpoint()
            inverse, score = _better(matcher, inverse, score, _shifted(inverse, dy, dx))
        for size in (1.0, 0.5) if turn == 0 else (0.5, 0.25):
            for sign in (-1.0, 1.0):
                checkpoint()
                tried = (inverse + sign * size * step).clamp(0.0, near)
                inverse, score = _better(matcher, inverse, score, tried)
        inverse, score = _settled(matcher, inverse, score, step)
    return _subpixel(matcher, inverse, score, step, near)


def _enlarged(inverse: Tensor, size: tuple[int, int]) -> Tensor:
    """Half resolution to full [H, W]; nearest, so that depth edges stay edges."""
    return nnf.interpolate(inverse[None, None], size=size, mode="nearest-exact")[0, 0]


def _shifted(picture: Tensor, dy: int, dx: int) -> Tensor:
    """picture [H, W] moved by (dy, dx) px; the border repeats."""
    height, width = picture.shape
    rows = (torch.arange(height, device=picture.device) - dy).clamp(0, height - 1)
    columns = (torch.arange(width, device=picture.device) - dx).clamp(0, width - 1)
    return picture[rows][:, columns]


def _better(matcher: Matcher, inverse: Tensor, score: Tensor, tried: Tensor) -> tuple[Tensor, Tensor]:
    found = matcher.score(tried)
    take = found > score
    return torch.where(take, tried, inverse), torch.where(take, found, score)


def _settled(matcher: Matcher, inverse: Tensor, score: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
    """With lone pixels back among their neighbours: a 3 x 3 median, where the score allows it."""
    middle = median3(inverse)
    found = matcher.score(middle)
    take = found + _SMOOTH * ((middle - inverse).abs() / step).clamp_max(5.0) > score
    return torch.where(take, middle, inverse), torch.where(take, found, score)


def median3(picture: Tensor) -> Tensor:
    """Median of 3 x 3 px of picture [H, W]."""
    padded = nnf.pad(picture[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    height, width = picture.shape
    around = torch.stack([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)], -1)
    return around.median(-1).values


def _subpixel(matcher: Matcher, inverse: Tensor, score: Tensor, step: Tensor, near: float) -> Refined:
    """The top of the parabola through the score and those half a px to either side."""
    half = 0.5 * step
    left, right = matcher.score(inverse - half), matcher.score(inverse + half)
    middle = matcher.score(inverse)
    bend = (2.0 * middle - left - right).clamp_min(1e-3)
    offset = (0.5 * (right - left) / bend).clamp(-1.0, 1.0)
    return Refined((inverse + offset * half).clamp(0.0, near), middle, step, 0.5 * bend)
