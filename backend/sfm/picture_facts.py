"""What a frame's picture itself is like: how sharp in which direction, how bright. Looked at only
where a solve is weak."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .frames import Floats, FrameSource, Picture

_LONGEST = 960


@dataclass(frozen=True)
class PictureFacts:
    """sharpness [4]: energy of the gradient along 0, 45, 90, 135 degrees over the picture's variance. brightness: mean,
    0..1. burnt: share of pixels at an end of the range."""

    sharpness: Floats
    brightness: float
    burnt: float


def picture_facts(source: FrameSource, index: int) -> PictureFacts:
    """Of one frame, at no more than 960 px: blur that is invisible there loses no tracks."""
    gray = source.gray(index)
    scale = min(1.0, _LONGEST / max(gray.shape))
    if scale < 1.0:
        gray = np.asarray(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    burnt = float(((gray <= 2) | (gray >= 253)).mean())
    return PictureFacts(_sharpness(gray), float(gray.mean()) / 255.0, burnt)


def _sharpness(gray: Picture) -> Floats:
    """Smoothed a little first, so that grain does not count as sharpness."""
    picture = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 1.0)
    right, down = picture[1:-1, 2:] - picture[1:-1, :-2], picture[2:, 1:-1] - picture[:-2, 1:-1]
    across = float((right * down).mean())
    rightward, downward = float((right**2).mean()), float((down**2).mean())
    diagonal = 0.5 * (rightward + downward)
    energy = np.array([rightward, diagonal + across, downward, diagonal - across])
    return energy / max(float(picture.var()), 1.0)
