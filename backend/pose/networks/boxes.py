"""Crops of a person for networks that take a box, and the way back to the plate."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..job import Picture
from ..keypoints import Box, Floats

Doubles = NDArray[np.float64]
PADDING = 1.25
"""Of the boxes that these networks were trained with (Xiao et al., "Simple Baselines", ECCV 2018)."""

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class Frame:
    """A part of the plate: centre and size, px, edges at integers. mirrored: seen in a mirror."""

    x: float
    y: float
    width: float
    height: float
    mirrored: bool = False

    def plate_xy(self, share: Floats) -> Floats:
        """[..., 2] px of the plate of places in the frame, in its sizes: 0..1."""
        across = 1.0 - share[..., 0] if self.mirrored else share[..., 0]
        x = self.x + (across - 0.5) * self.width
        y = self.y + (share[..., 1] - 0.5) * self.height
        return np.stack([x, y], -1).astype(np.float32)


def frame_around(box: Box, aspect: float, *, scale: float = 1.0, mirrored: bool = False) -> Frame:
    """The box with its padding, grown to width / height = aspect."""
    width, height = box[2] - box[0], box[3] - box[1]
    width, height = max(width, aspect * height), max(height, width / aspect)
    grown = PADDING * scale
    return Frame(0.5 * (box[0] + box[2]), 0.5 * (box[1] + box[3]), grown * width, grown * height, mirrored)


def cut(picture: Picture, frame: Frame, width: int, height: int, *, corners: bool = False) -> Picture:
    """uint8 [height, width, 3]: the frame at a network's size, black beyond the plate. corners: the frame's sides lie
    on the centres of the outermost px, as in unbiased data processing (Huang et al., CVPR 2020), not on their edges."""
    across, down = (width - 1, height - 1) if corners else (width, height)
    to_plate = np.array([frame.width / across, frame.height / down])
    inset = 0.0 if corners else 0.5
    matrix: Doubles = np.zeros((2, 3))
    matrix[0, 0], matrix[1, 1] = to_plate
    matrix[:, 2] = inset * to_plate + (frame.x - 0.5 * frame.width - 0.5, frame.y - 0.5 * frame.height - 0.5)
    source, matrix = _reduced(picture, matrix)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = np.asarray(cv2.warpAffine(source, matrix, (width, height), flags=flags), np.uint8)
    return crop[:, ::-1] if frame.mirrored else crop


def _reduced(picture: Picture, matrix: Doubles) -> tuple[Picture, Doubles]:
    """A picture so much smaller that the crop has at least half its px: interpolation alone would alias."""
    factor = int(min(matrix[0, 0], matrix[1, 1]))
    height, width = picture.shape[0] // max(1, factor), picture.shape[1] // max(1, factor)
    if factor < 2 or min(height, width) < 2:
        return picture, matrix
    whole = np.ascontiguousarray(picture[: height * factor, : width * factor])
    small = np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    smaller = matrix / factor
    smaller[:, 2] = (matrix[:, 2] + 0.5) / factor - 0.5
    return small, smaller


def normalised(crops: list[Picture]) -> Floats:
    """float32 [B, 3, h, w], RGB by ImageNet's mean and deviation."""
    pixels = np.stack(crops).astype(np.float32)
    whitened = (pixels - np.array(IMAGENET_MEAN, np.float32)) / np.array(IMAGENET_STD, np.float32)
    return np.ascontiguousarray(whitened.transpose(0, 3, 1, 2))
