"""How the picture moves to a neighbouring one: what moves alike belongs together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_LONGEST_SIDE = 640
_WORTH = 3.0
"""Lab units that a pixel of movement, at that size, tells as much as: flow is wrong by some tenths of a pixel."""


def beside(number: int, numbers: Sequence[int]) -> int | None:
    """The frame whose picture tells how `number` moves: the next of `numbers`, at the end the one before."""
    later = [other for other in numbers if other > number]
    earlier = [other for other in numbers if other < number]
    return min(later) if later else max(earlier, default=None)


def movement_to(picture: NDArray[np.uint8], neighbour: NDArray[np.uint8]) -> Floats:
    """Dense flow (DIS: Kroeger et al., ECCV 2016), float32 [h,w,2] at a bounded size, in the units of features.

    picture, neighbour: uint8 [H,W,3] RGB."""
    height, width = picture.shape[:2]
    scale = min(1.0, _LONGEST_SIDE / max(height, width))
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    here, there = (
        cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        for image in (picture, neighbour)
    )
    method: Any = cv2
    flow = method.DISOpticalFlow_create(method.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(here, there, None)
    return np.asarray(_WORTH * flow, np.float32)
