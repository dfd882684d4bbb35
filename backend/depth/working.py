"""The pixels in which depth is found: the plate without its lens, whole, at its own or at half resolution.

A lens that bends the plate outwards needs room around it, or the plate's corners would get no depth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.export.stmap import redistort_positions, undistort_positions
from backend.export.undistorted_picture import to_normalised, undistorted_picture
from shared.camera_files import FrameIntrinsics, Intrinsics

from .frame import FrameDepth
from .poses import Floats
from .resample import Places, sampled_depth

Flags = NDArray[np.bool_]


class WorkingPixels:
    """Between the plate's pixels and the working ones, for every frame of a shot. The maps of the last lens are kept:
    all frames of a shot without zoom share them. size: (height, width) of the working pictures."""

    def __init__(self, plate: Intrinsics, *, half: bool = False) -> None:
        self.plate, self.picture = plate, undistorted_picture(plate, overscan=True)
        self._is_straight = (self.picture.width, self.picture.height) == (plate.width, plate.height) and not any(
            (plate.k1, plate.k2, plate.p1, plate.p2)
        )
        self._step = 2 if half else 1
        self.size = (-(-self.picture.height // self._step), -(-self.picture.width // self._step))
        self._kept: dict[str, tuple[tuple[float, ...], Places]] = {}

    def K(self, frame: FrameIntrinsics) -> Floats:
        """[3, 3] px of the working picture."""
        camera = self.picture.camera(frame)
        K = np.array([[camera.fx, 0.0, camera.cx], [0.0, camera.fy, camera.cy], [0.0, 0.0, 1.0]])
        K[:2] /= self._step
        return K

    def image(self, image: NDArray[np.uint8], frame: FrameIntrinsics) -> NDArray[np.uint8]:
        """A plate picture uint8 [H, W] or [H, W, 3] in working pixels; its edge is repeated around it."""
        if not self._is_straight:
            image = self._without_lens(image, frame, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
        return np.asarray(self._smaller(image), np.uint8)

    def mask(self, mask: Flags, frame: FrameIntrinsics) -> Flags:
        """A plate mask bool [H, W] in working pixels: true where any of it is. False around the plate."""
        picture = mask.astype(np.uint8) * 255
        if not self._is_straight:
            picture = self._without_lens(picture, frame, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
        return np.asarray(self._smaller(picture) > 0)

    def inside(self, frame: FrameIntrinsics) -> Flags:
        """bool [h, w]: working pixels that show something of the plate, and those that touch them: the outermost pixels
        of the plate lie between the two."""
        if self._is_straight:
            return np.ones(self.size, bool)
        whole = np.full((self.plate.height, self.plate.width), 255, np.uint8)
        shown = cv2.dilate(self._without_lens(whole, frame, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT), np.ones((3, 3)))
        return np.asarray(self._smaller(shown) > 0)

    def to_plate(self, found: FrameDepth, frame: FrameIntrinsics) -> FrameDepth:
        """The map in the plate's pixels. Planar depth is the same for every lens: only places change."""
        if self._is_straight and self._step == 1:
            return found
        places = self._redistorting(frame) / np.float32(self._step)
        depth, confidence = sampled_depth(found.depth, found.confidence, places)
        return replace(found, depth=depth, confidence=confidence)

    def from_plate(self, found: FrameDepth, frame: FrameIntrinsics) -> FrameDepth:
        """The inverse of `to_plate`, for maps that are read back from the shot's files; nothing around the plate."""
        if self._is_straight and self._step == 1:
            return found
        if self._step != 1:
            raise ValueError("maps of the plate's size are not brought to half resolution")
        depth, confidence = sampled_depth(found.depth, found.confidence, self._undistorting(frame))
        return replace(found, depth=depth, confidence=confidence)

    def rays(self, frame: FrameIntrinsics) -> NDArray[np.float32]:
        """[H, W, 2]: x / z and y / z of the ray through every pixel centre of the plate; NaN beyond the lens model."""
        places = self._redistorting(frame).astype(np.float64)
        return to_normalised(places, self.picture.camera(frame)).astype(np.float32)

    def _without_lens(self, image: Any, frame: FrameIntrinsics, how: int, border: int) -> Any:
        places = self._undistorting(frame)
        remap: Any = cv2.remap  # OpenCV's type hints ask for a second map
        return remap(image, np.nan_to_num(places - np.float32(0.5), nan=-9.0), None, how, borderMode=border)

    def _undistorting(self, frame: FrameIntrinsics) -> Places:
        return self._maps("undistort", frame, lambda: undistort_positions(self.plate, frame, self.picture))

    def _redistorting(self, frame: FrameIntrinsics) -> Places:
        return self._maps("redistort", frame, lambda: redistort_positions(self.plate, frame, self.picture))

    def _maps(self, name: str, frame: FrameIntrinsics, make: Callable[[], Places]) -> Places:
        lens = (frame.fx, frame.fy, frame.cx, frame.cy)
        if name not in self._kept or self._kept[name][0] != lens:
            self._kept[name] = (lens, make())
        return self._kept[name][1]

    def _smaller(self, image: Any) -> Any:
        """Means of 2 x 2 px at half resolution; an odd last row or column is completed first."""
        if self._step == 1:
            return image
        height, width = image.shape[:2]
        if height % 2 or width % 2:
            image = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        return cv2.resize(image, (self.size[1], self.size[0]), interpolation=cv2.INTER_AREA)
