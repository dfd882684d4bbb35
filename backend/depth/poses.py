"""The solved cameras as the depth engines take them: pinhole, in their own working pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.camera_files import SolvedCamera

if TYPE_CHECKING:
    from .working import WorkingPixels

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


def poses_of(camera: SolvedCamera, numbers: Sequence[int], working: WorkingPixels) -> list[Pose | None]:
    """The camera of every plate number, None where the solve has none."""
    lenses = {frame.frame: frame for frame in camera.intrinsics.frames}
    placed = {pose.frame: pose.world_from_camera for pose in camera.extrinsics.frames}
    poses: list[Pose | None] = []
    for number in numbers:
        place = placed.get(number)
        there = None if place is None else np.array(place, np.float64)
        poses.append(None if there is None else Pose(number, working.K(lenses[number]), there, working.size))
    return poses
