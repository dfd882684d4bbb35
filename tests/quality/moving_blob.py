"""Something textured that crosses the picture by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tests.quality.synthetic_set import Footage, textured


def with_blob(footage: Footage, rng: np.random.Generator, *, radius: float = 45.0, speed: float = 7.0) -> Footage:
    """The footage with an ellipse (radius px, half as high again) that wanders across it, px a frame."""
    texture = np.tile(textured(rng), (2, 2, 1))
    frames = [_over(frame, i, texture, radius, speed) for i, frame in enumerate(footage.frames)]
    return replace(footage, frames=frames)


def _over(
    frame: NDArray[np.uint8], index: int, texture: NDArray[np.uint8], radius: float, speed: float
) -> NDArray[np.uint8]:
    height, width = frame.shape[:2]
    x, y = round(40 + speed * index) % width, round(0.55 * height + 20 * np.sin(index / 5.0))
    rows, columns = np.mgrid[0:height, 0:width]
    inside = ((columns - x) / radius) ** 2 + ((rows - y) / (1.5 * radius)) ** 2 < 1.0
    worn = texture[(rows - y) % 512, (columns - x) % 512]
    return np.where(inside[..., None], worn, frame)
