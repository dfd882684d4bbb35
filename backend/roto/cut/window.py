"""The part of the picture that a cut looks at, at a bounded size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

_PIXELS = 90_000
"""Of the working picture: a preview's time grows with it."""
_LARGEST_SCALE = 1.5
_LEAST_SIDE = 16


@dataclass(frozen=True)
class Window:
    """Rows y0..y1, columns x0..x1 of the picture (half-open), worked on as `height` x `width` pixels."""

    y0: int
    y1: int
    x0: int
    x1: int
    height: int
    width: int

    @property
    def scale(self) -> float:
        """Working pixels to a picture's pixel."""
        return self.width / (self.x1 - self.x0)

    @property
    def part(self) -> tuple[slice, slice]:
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    def colours(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture's part at working size."""
        how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(picture[self.part], (self.width, self.height), interpolation=how), np.uint8)

    def shares(self, mask: NDArray[np.generic]) -> Floats:
        """float32 working picture: mean of the mask (bool or 0..1) under each working pixel."""
        part = np.ascontiguousarray(mask[self.part], np.float32)
        return np.asarray(cv2.resize(part, (self.width, self.height), interpolation=cv2.INTER_AREA), np.float32)

    def sampled(self, field: Floats, shape: tuple[int, ...]) -> Floats:
        """The part of a field [h,w,n] that covers the whole picture of `shape` at a size of its own."""
        down, across = field.shape[0] / shape[0], field.shape[1] / shape[1]
        y = (np.arange(self.height, dtype=np.float32) + 0.5) / self.height * (self.y1 - self.y0) + self.y0
        x = (np.arange(self.width, dtype=np.float32) + 0.5) / self.width * (self.x1 - self.x0) + self.x0
        columns, rows = np.meshgrid((x * across - 0.5).astype(np.float32), (y * down - 0.5).astype(np.float32))
        found = cv2.remap(field, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, np.float32)

    def spread(self, soft: Floats) -> Floats:
        """A working picture at the size of the part."""
        size = (self.x1 - self.x0, self.y1 - self.y0)
        return np.asarray(cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR), np.float32)


def window_around(region: Bools, margin: float, least: float = _LEAST_SIDE, pixels: int = _PIXELS) -> Window:
    """The rectangle of `region` (bool [H,W], not empty) with `margin` times its mean side more on all sides, at least
    `least` px. pixels: of the working picture, at most."""
    height, width = region.shape
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    more = max(math.ceil(least), math.ceil(margin * math.sqrt((bottom - top) * (right - left))))
    y0, y1 = max(0, top - more), min(height, bottom + more)
    x0, x1 = max(0, left - more), min(width, right + more)
    scale = min(_LARGEST_SCALE, math.sqrt(pixels / ((y1 - y0) * (x1 - x0))))
    return Window(
        y0, y1, x0, x1, max(_LEAST_SIDE, round((y1 - y0) * scale)), max(_LEAST_SIDE, round((x1 - x0) * scale))
    )
