"""The solved cameras as the depth engines take them: pinhole, in their own working pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """A frame's camera without its picture. number: of the plate. K [3, 3] px, edges at integers. world_from_camera
    [4, 4], OpenCV axes. size: (height, width) px."""

    number: int
    K: Floats
    world_from_camera: Floats
    size: tuple[int, int]

    @property
    def centre(self) -> Floats:
        """[3] in the world."""
        return self.world_from_camera[:3, 3]
