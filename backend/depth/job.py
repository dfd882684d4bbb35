"""What an engine is given for one run of the stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.camera_files import SolvedCamera
from shared.depth_params import DepthParams
from shared.shot import ShotFolder

from .pictures import ShotPictures
from .poses import Floats, Pose


@dataclass(frozen=True)
class DepthJob:
    """poses: by index into the plate, None where the solve has none. points [N, 3]: the solve's, world, those that
    have a depth. wanted: indices of the frames that get depth and have a pose, ascending. device: for torch. scratch:
    a folder that lives as long as the stage is unfinished. checkpoint raises `JobCancelled`; notice tells the user a
    sentence."""

    params: DepthParams
    camera: SolvedCamera
    poses: tuple[Pose | None, ...]
    points: Floats
    pictures: ShotPictures
    wanted: tuple[int, ...]
    device: str
    shot: ShotFolder
    scratch: Path
    checkpoint: Callable[[], None]
    notice: Callable[[str], None]

    @property
    def numbers(self) -> list[int]:
        """Plate numbers of `wanted`."""
        return [self.pictures.numbers[index] for index in self.wanted]
