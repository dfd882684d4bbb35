"""The plate and what moves in it, in working pixels: all that depth engines see of a shot besides its cameras."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.media.plate import PlateReader, moving_mask_folders
from shared.artifacts import frame_name
from shared.camera_files import FrameIntrinsics, Intrinsics
from shared.errors import ShotCorrupt
from shared.shot import ShotFolder

from .working import Flags, WorkingPixels


class ShotPictures:
    """Pictures by index into the plate (0 is `numbers[0]`), read as they are asked for. Use as a context manager."""

    def __init__(self, shot: ShotFolder, intrinsics: Intrinsics, working: WorkingPixels) -> None:
        self._plate, self.working = PlateReader(shot, use_masks=False), working
        self._motion, self._labels = shot.motion_dir, moving_mask_folders(shot)
        self._lenses = {frame.frame: frame for frame in intrinsics.frames}

    def __enter__(self) -> ShotPictures:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._plate.close()

    @property
    def numbers(self) -> Sequence[int]:
        """Plate numbers, ascending."""
        return self._plate.numbers

    def lens(self, index: int) -> FrameIntrinsics:
        """The plate's K in that frame; only of frames that the solve knows."""
        return self._lenses[self.numbers[index]]

    def gray(self, index: int) -> NDArray[np.uint8]:
        """uint8 [h, w], BT.601 luma of the code values."""
        return self.working.image(self._plate.gray(index), self.lens(index))

    def rgb(self, index: int) -> NDArray[np.uint8]:
        """uint8 [h, w, 3], code values."""
        return self.working.image(self._plate.rgb(index), self.lens(index))

    def moving(self, index: int) -> Flags:
        """bool [h, w]: what moves by itself, by the solve's motion masks and by roto labels that move."""
        moving = self._mask(self._motion, index)
        for thing in self.things(index):
            moving |= thing
        return moving

    def things(self, index: int) -> list[Flags]:
        """bool [h, w] of every roto label that moves, in one order in all frames."""
        return [self._mask(folder, index) for folder in self._labels]

    def usable(self, index: int) -> Flags:
        """bool [h, w]: what may be matched: the plate's own pixels, less what moves."""
        return np.asarray(self.working.inside(self.lens(index)) & ~self.moving(index))

    def _mask(self, folder: Path, index: int) -> Flags:
        """bool [h, w]; false everywhere where there is no mask of the frame."""
        path = folder / frame_name(self.numbers[index])
        if not path.is_file():
            return np.zeros(self.working.size, bool)
        mask = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
        if mask is None or mask.shape != (self.working.plate.height, self.working.plate.width):
            raise ShotCorrupt(f"{path} is damaged, or not of the plate's size.", "Run the stage that makes it again.")
        marked = np.asarray(mask > 127)
        return self.working.mask(marked, self.lens(index)) if marked.any() else np.zeros(self.working.size, bool)
