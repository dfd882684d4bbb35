"""Pictures and windows at the working size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .colour import lab_of
from .movement import Floats

Pictures = Callable[[int], NDArray[np.uint8]]
"""Plate number -> uint8 [H, W, 3] RGB."""


@dataclass(frozen=True)
class Working:
    """A picture at the working size. gray: uint8 [h, w]; lab: float32 [h, w, 3], CIE Lab."""

    number: int
    gray: NDArray[np.uint8]
    lab: Floats

    @classmethod
    def of(cls, number: int, rgb: NDArray[np.uint8], longest: int) -> Working:
        """rgb: uint8 [H, W, 3]; made smaller where its longer side has more than `longest` px."""
        small = shrink(rgb, longest)
        return cls(number, cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.uint8), lab_of(small))


@dataclass(frozen=True)
class Window:
    """Half-open px of the working picture."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def cut(self) -> tuple[slice, slice]:
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def shape(self) -> tuple[int, int]:
        return self.y1 - self.y0, self.x1 - self.x0

    @classmethod
    def around(cls, soft: Floats, margin: float, least: float = 0.3) -> Window | None:
        """Around the pixels of more than `least`; None when there are none."""
        rows, columns = np.flatnonzero(soft.max(1) > least), np.flatnonzero(soft.max(0) > least)
        if not len(rows):
            return None
        h, w = soft.shape
        m = int(margin)
        x0, x1 = max(0, int(columns[0]) - m), min(w, int(columns[-1]) + 1 + m)
        return cls(x0, max(0, int(rows[0]) - m), x1, min(h, int(rows[-1]) + 1 + m))

    @classmethod
    def at(cls, x: float, y: float, reach: float, shape: tuple[int, int]) -> Window:
        """A square of `reach` to all sides, as far as it is in the picture, at least 2 px each way."""
        h, w = shape
        x0, y0 = int(np.clip(x - reach, 0, w - 2)), int(np.clip(y - reach, 0, h - 2))
        return cls(x0, y0, int(np.clip(x + reach, x0 + 2, w)), int(np.clip(y + reach, y0 + 2, h)))


def working_size(width: int, height: int, longest: int) -> tuple[int, int]:
    """Width and height that the picture is followed at."""
    scale = min(1.0, longest / max(width, height))
    return max(2, round(width * scale)), max(2, round(height * scale))


def shrink(picture: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """The picture, or a mask, at the working size."""
    size = working_size(picture.shape[1], picture.shape[0], longest)
    if size == (picture.shape[1], picture.shape[0]):
        return picture
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def to_bytes(soft: Floats) -> NDArray[np.uint8]:
    """0..1 -> 0..255."""
    stored: NDArray[np.uint8] = np.rint(np.clip(soft, 0.0, 1.0) * 255.0).astype(np.uint8)
    return stored


def from_bytes(stored: NDArray[np.uint8]) -> Floats:
    """0..255 -> 0..1."""
    soft: Floats = stored.astype(np.float32) / np.float32(255.0)
    return soft
