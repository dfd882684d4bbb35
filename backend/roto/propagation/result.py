"""What propagation yields."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FrameMasks:
    """All objects in one frame.

    number: the plate's. soft: label -> float32 [H, W] in 0..1 at the plate's size, after competition: at most one label
    is >= 0.5 at a pixel. state: label -> prompted | tracked | hidden | lost; the mask of the last two is empty.
    confidence: label -> 0..1, how sure propagation is of the object's mask here; 1 where it was prompted.
    """

    number: int
    soft: dict[str, NDArray[np.float32]]
    state: dict[str, str]
    confidence: dict[str, float]
