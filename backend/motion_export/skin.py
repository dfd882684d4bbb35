"""The surface that a skeleton bends, for FBX and USD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.motion_arrays import Floats


@dataclass(frozen=True)
class Skin:
    """vertices [V,3]: at rest, where `Take.rest` has the joints. faces [F,3]: anticlockwise from outside. joints [V,K]:
    which joints a vertex follows. weights [V,K]: how far, adding up to 1. uv [F,3,2]: of the faces' corners, 0..1 from
    the bottom left, or None."""

    vertices: Floats
    faces: NDArray[np.int64]
    joints: NDArray[np.int64]
    weights: Floats
    uv: Floats | None = None
