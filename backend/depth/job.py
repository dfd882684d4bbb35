"""What an engine is given for one run of the stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.camera_files import SolvedCamera
from shared.depth_params import DepthParams

from .pictures import ShotPictures
from .poses import Floats, Pose


@dataclass(frozen=True)
class DepthJob:
    """poses: by index into the plate, None where the solve has none. points [N, 3]: the solve's, world, those that
    have a depth. wanted: indices of the frames that get depth and have a pose, ascending. device: for torch.
    checkpoint raises `JobCancelled`; notice tells the user a sentence."""

    params: DepthParams
    camera: SolvedCamera
    poses: tuple[Pose | None, ...]
    points: Floats
    pictures: ShotPictures
    wanted: tuple[int, ...]
    device: str
    checkpoint: Callable[[], None]
    notice: Callable[[str], None]

    @property
    def numbers(self) -> list[int]:
        """Plate numbers of `wanted`."""
        return [self.pictures.numbers[index] for index in self.wanted]

    def of(self, indices: tuple[int, ...]) -> DepthJob:
        """The same job for some of its frames."""
        return replace(self, wanted=indices)
