"""Which way up a picture is, and turning it upright.

A display matrix (ISO/IEC 14496-12, 8.2.2) or an EXIF orientation is reduced to one of the eight symmetries
of the square: an optional left-right mirror, then a clockwise turn by a multiple of 90 degrees.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_TURN = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True)
class Orientation:
    """`mirrored` first, then `clockwise` (0, 90, 180, 270 degrees), make the stored picture upright."""

    clockwise: int = 0
    mirrored: bool = False

    @property
    def swaps_sides(self) -> bool:
        return self.clockwise in (90, 270)

    @property
    def is_identity(self) -> bool:
        return self.clockwise == 0 and not self.mirrored

    def apply(self, image: NDArray[Any]) -> NDArray[Any]:
        """An image [H,W,...] of any dtype, upright. The same array when there is nothing to do."""
        if self.mirrored:
            image = cv2.flip(image, 1)
        if self.clockwise:
            image = cv2.rotate(image, _TURN[self.clockwise])
        return image


UPRIGHT = Orientation()

_EXIF = {
    1: UPRIGHT,
    2: Orientation(0, True),
    3: Orientation(180),
    4: Orientation(180, True),
    5: Orientation(270, True),
    6: Orientation(90),
    7: Orientation(90, True),
    8: Orientation(270),
}


def from_exif(value: int) -> Orientation:
    """EXIF tag 0x0112 (TIFF 6.0 Orientation); unknown values mean upright."""
    return _EXIF.get(value, UPRIGHT)


def from_display_matrix(data: bytes) -> Orientation | None:
    """Nine int32 of an AV_FRAME_DATA_DISPLAYMATRIX. None when the matrix is not a symmetry of the square
    (a free angle), which nothing here turns."""
    a, b, _, c, d = struct.unpack("=5i", data[:20])
    matrix = np.array([[a, c], [b, d]], float)
    scale = float(np.abs(matrix).max())
    if scale == 0:
        return None
    unit = np.rint(matrix / scale)
    if np.abs(matrix / scale - unit).max() > 1e-3 or abs(np.linalg.det(unit)) != 1:
        return None
    mirrored = bool(np.linalg.det(unit) < 0)
    if mirrored:
        unit = unit @ np.array([[-1.0, 0.0], [0.0, 1.0]])
    # Image axes: x right, y down. (x, y) -> (-y, x) is a clockwise turn by 90 degrees.
    clockwise = {(1, 0): 0, (0, 1): 90, (-1, 0): 180, (0, -1): 270}[int(unit[0, 0]), int(unit[1, 0])]
    return Orientation(clockwise, mirrored)
