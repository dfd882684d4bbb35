"""The undistorted pixel space of a shot: the plate's pixels without the lens, with room around them.

It has the plate's pixel size and focal length in px; only its size differs, by `pad_x` and `pad_y` px on
either side, so that a centred principal point stays centred. With overscan the padding is just enough to
keep every pixel of the plate; without it there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shared.camera_files import FrameIntrinsics, Intrinsics

from .lens_distortion import Lens, lens_of

_BORDER_SAMPLES = 257
_LARGEST_PAD = 0.5
"""Of the plate's size, on each side: a wider picture would be mostly stretched corners."""


@dataclass(frozen=True)
class UndistortedPicture:
    """width, height in px. pad_x, pad_y: px between its edge and the plate's. is_cut: parts of the plate lie
    outside, because the lens model does not reach them or the padding would be too large."""

    width: int
    height: int
    pad_x: int
    pad_y: int
    is_cut: bool

    def camera(self, frame: FrameIntrinsics) -> FrameIntrinsics:
        """K of the undistorted picture for a plate frame's K."""
        return replace(frame, cx=frame.cx + self.pad_x, cy=frame.cy + self.pad_y)

    def intrinsics(self, plate: Intrinsics) -> Intrinsics:
        """The document that describes the undistorted plate: PINHOLE, its own size and K."""
        return replace(
            plate,
            width=self.width,
            height=self.height,
            model="PINHOLE",
            k1=0.0,
            k2=0.0,
            p1=0.0,
            p2=0.0,
            frames=tuple(self.camera(frame) for frame in plate.frames),
        )


def undistorted_picture(plate: Intrinsics, *, overscan: bool) -> UndistortedPicture:
    """The picture that holds the undistorted plate of every frame."""
    lens = lens_of(plate)
    if lens.is_straight or not overscan:
        return UndistortedPicture(plate.width, plate.height, 0, 0, False)
    needs = [_overhang(lens, plate, frame) for frame in distinct_lenses(plate)]
    pad_x, pad_y = (max(need[i] for need in needs) for i in (0, 1))
    most_x, most_y = int(plate.width * _LARGEST_PAD), int(plate.height * _LARGEST_PAD)
    is_cut = any(need[2] for need in needs) or pad_x > most_x or pad_y > most_y
    pad_x, pad_y = min(pad_x, most_x), min(pad_y, most_y)
    return UndistortedPicture(plate.width + 2 * pad_x, plate.height + 2 * pad_y, pad_x, pad_y, is_cut)


def distinct_lenses(plate: Intrinsics) -> list[FrameIntrinsics]:
    """One frame for every different K of the shot, in the order of the frames: a single one without zoom."""
    seen = {(frame.fx, frame.fy, frame.cx, frame.cy): frame for frame in reversed(plate.frames)}
    return sorted(seen.values(), key=lambda frame: frame.frame)


def _overhang(lens: Lens, plate: Intrinsics, frame: FrameIntrinsics) -> tuple[int, int, bool]:
    """How many px the undistorted border of the plate sticks out (x, y), and whether some of it has no place."""
    border = _border(plate.width, plate.height)
    ideal = to_pixels(lens.undistort(to_normalised(border, frame)), frame)
    reached = ideal[np.isfinite(ideal).all(axis=-1)]
    if reached.size == 0:
        return plate.width, plate.height, True
    beyond = np.maximum(-reached.min(axis=0), reached.max(axis=0) - (plate.width, plate.height))
    pad_x, pad_y = np.maximum(np.ceil(beyond - 1e-6), 0.0).astype(int)
    return int(pad_x), int(pad_y), len(reached) < len(border)


def _border(width: int, height: int) -> NDArray[np.float64]:
    """[N,2] px along the plate's edge."""
    x, y = np.linspace(0.0, width, _BORDER_SAMPLES), np.linspace(0.0, height, _BORDER_SAMPLES)
    sides = [(x, 0.0 * x), (x, 0.0 * x + height), (0.0 * y, y), (0.0 * y + width, y)]
    return np.concatenate([np.stack(side, axis=-1) for side in sides])


def to_normalised(pixels: NDArray[np.float64], frame: FrameIntrinsics) -> NDArray[np.float64]:
    """Plate px (edges at integers) to normalised camera coordinates."""
    return (pixels - (frame.cx, frame.cy)) / (frame.fx, frame.fy)


def to_pixels(points: NDArray[np.float64], frame: FrameIntrinsics) -> NDArray[np.float64]:
    """Normalised camera coordinates to plate px (edges at integers)."""
    scaled: NDArray[np.float64] = points * (frame.fx, frame.fy) + (frame.cx, frame.cy)
    return scaled
