"""ST maps: the lens as pictures, for Nuke's STMap and everything that follows its convention.

A map has the size of the picture it makes. Red and green of a pixel say where in the source picture its
centre comes from: 0..1 across the source's width and height, origin at the source's lower left corner, so
that the centre of the source's lower left pixel is (0.5/width, 0.5/height). An identity map therefore holds
its own pixel centres. `undistort` makes the undistorted picture (with overscan) from the plate, `redistort`
makes plate pixels from a picture of the undistorted size. Pixels that the lens model does not reach hold -1,
which lies outside of any source.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from backend.pipeline.atomic import atomic_path
from shared.camera_files import FrameIntrinsics, Intrinsics

from .lens_distortion import lens_of
from .undistorted_picture import UndistortedPicture, to_normalised, to_pixels

OUTSIDE = -1.0
_ROWS = 256
"""Rows computed at a time: bounded memory at any plate size."""


def undistort_positions(plate: Intrinsics, frame: FrameIntrinsics, picture: UndistortedPicture) -> NDArray[np.float32]:
    """[H',W',2] plate px (edges at integers) of every pixel centre of the undistorted picture; NaN outside
    the lens model."""
    lens = lens_of(plate)

    def rows(centres: NDArray[np.float64]) -> NDArray[np.float64]:
        return to_pixels(lens.distort(to_normalised(centres - (picture.pad_x, picture.pad_y), frame)), frame)

    return _by_rows(picture.width, picture.height, rows)


def redistort_positions(plate: Intrinsics, frame: FrameIntrinsics, picture: UndistortedPicture) -> NDArray[np.float32]:
    """[H,W,2] undistorted px (edges at integers) of every pixel centre of the plate; NaN where none is."""
    lens = lens_of(plate)

    def rows(centres: NDArray[np.float64]) -> NDArray[np.float64]:
        ideal = to_pixels(lens.undistort(to_normalised(centres, frame)), frame)
        return np.add(ideal, (picture.pad_x, picture.pad_y))

    return _by_rows(plate.width, plate.height, rows)


def _by_rows(width: int, height: int, positions: Any) -> NDArray[np.float32]:
    out = np.empty((height, width, 2), np.float32)
    for top in range(0, height, _ROWS):
        below = min(top + _ROWS, height)
        x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(top, below) + 0.5)
        out[top:below] = positions(np.stack((x, y), axis=-1))
    return out


def st_values(positions: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """[H,W,2] ST values from positions in a source of that size, in px from its upper left corner."""
    values = np.stack((positions[..., 0] / width, 1.0 - positions[..., 1] / height), axis=-1)
    return np.where(np.isfinite(values), values, OUTSIDE).astype(np.float32)


def write_stmap(path: Path, values: NDArray[np.float32]) -> None:
    """A 32-bit EXR with the map in red and green (blue 0), losslessly compressed."""
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    blue = np.zeros(values.shape[:2], np.float32)
    channels = {
        "R": OpenEXR.Channel(np.ascontiguousarray(values[..., 0])),
        "G": OpenEXR.Channel(np.ascontiguousarray(values[..., 1])),
        "B": OpenEXR.Channel(blue),
    }
    with atomic_path(path) as beside:
        OpenEXR.File(header, channels).write(str(beside))
