"""Batches of what does not change from one redraw to the next, made again only when what they show has."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..shared.camera_files import Intrinsics
from .colours import badness_colours
from .dots import DotShader, LineShader
from .marks import FrameMarks
from .places import frame_places

_KEPT = 12
_CROWDED, _LEAST_PX = 0.4, 3.0
"""A dot is at most this share of its distance to the next, and at least so many px."""
_REJECTED = 0.35
"""Opacity of observations that the solve threw out."""
_RING = np.array((1.0, 1.0, 1.0, 0.5), np.float32)


@dataclass(frozen=True)
class PlateDrawing:
    """A frame's points in the camera frame's coordinates, 0 to 1. dots [N,2] with colours [N,4]; rings [N,2];
    residuals [2N,2] with colours [2N,4]: from where it was tracked towards where it is seen."""

    dots: np.ndarray
    colours: np.ndarray
    rings: np.ndarray
    residuals: np.ndarray


def plate_drawing(
    marks: FrameMarks, lens: Intrinsics, worst_px: float, magnify: float, *, undistorted: bool, overscan: float
) -> PlateDrawing:
    """Colours: green at 0, red at `worst_px`. magnify: how many times its length a residual is drawn."""

    def shown(xy: np.ndarray) -> np.ndarray:
        return frame_places(xy, lens, undistorted=undistorted, overscan=overscan)

    colours = badness_colours(marks.error / worst_px)
    colours[~marks.used, 3] = _REJECTED
    dots = shown(marks.seen)
    if marks.tracked is None:
        none = np.zeros((0, 2))
        return PlateDrawing(dots, colours, none, none)
    rings = shown(marks.tracked)
    ends = np.stack([rings, rings + magnify * (dots - rings)], axis=1).reshape(-1, 2)
    return PlateDrawing(dots, colours, rings, ends)


class Batches:
    """Batches by what they show; those drawn last are kept."""

    def __init__(self) -> None:
        self._held: OrderedDict[Hashable, Any] = OrderedDict()

    def find(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key not in self._held:
            self._held[key] = make()
            while len(self._held) > _KEPT:
                self._held.popitem(last=False)
        self._held.move_to_end(key)
        return self._held[key]

    def clear(self) -> None:
        self._held.clear()


@dataclass(frozen=True)
class PlateBatches:
    """On the graphics card, each None when it is empty. count: of dots."""

    count: int
    dots: Any
    rings: Any
    residuals: Any


def dot_size(wanted: float, count: int, width: float, height: float) -> float:
    """Px across: as wanted, but smaller where `count` dots in a picture of this size would hide it."""
    apart = math.sqrt(width * height / max(count, 1))
    return min(wanted, max(_CROWDED * apart, _LEAST_PX))


def plate_batches(drawing: PlateDrawing, dots: DotShader, lines: LineShader) -> PlateBatches:
    """nan places are left out: a lens model may not reach them."""
    good = np.isfinite(drawing.dots).all(axis=1)
    if len(drawing.rings):
        good &= np.isfinite(drawing.rings).all(axis=1)
    order = np.flatnonzero(good)
    rings = np.tile(_RING, (len(order) if len(drawing.rings) else 0, 1))
    both = np.stack([2 * order, 2 * order + 1], axis=-1).ravel()
    return PlateBatches(
        len(order),
        dots.batch(drawing.dots[order], drawing.colours[order]),
        dots.batch(drawing.rings[order], rings) if len(drawing.rings) else None,
        lines.batch(drawing.residuals[both], np.repeat(drawing.colours[order], 2, axis=0))
        if len(drawing.rings)
        else None,
    )
