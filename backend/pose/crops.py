"""Parts of the plate as networks want to see them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from backend.roto.people.evidence import Region

from .job import Picture
from .keypoints import Floats


@dataclass(frozen=True)
class Crop:
    """picture: uint8 [h, w, 3], a part of the plate. origin: plate px of its top-left corner. scale: its px in a px of
    the plate."""

    picture: Picture
    origin: tuple[float, float]
    scale: float

    def inside(self, region: Region) -> Region:
        """A region of the plate in the crop's px."""
        x, y, size, turn = region
        return (x - self.origin[0]) * self.scale, (y - self.origin[1]) * self.scale, size * self.scale, turn

    def outside(self, region: Region) -> Region:
        """A region of the crop in plate px."""
        x, y, size, turn = region
        return x / self.scale + self.origin[0], y / self.scale + self.origin[1], size / self.scale, turn

    def plate_xy(self, xy: Floats) -> Floats:
        return np.asarray(xy / self.scale + np.array(self.origin), np.float32)


def crop_around(picture: Picture, region: Region, side: int, room: float) -> Crop | None:
    """The part of a plate around a region, with `room` in sides of the region, so small that the region has at most
    `side` px: the networks sample single px, so that a larger picture would alias. None when the region is outside."""
    height, width = picture.shape[:2]
    x, y, size, _ = region
    reach = 0.5 * size * (math.sqrt(2.0) + 2.0 * room)
    x0, y0 = max(0, math.floor(x - reach)), max(0, math.floor(y - reach))
    x1, y1 = min(width, math.ceil(x + reach)), min(height, math.ceil(y + reach))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    part = picture[y0:y1, x0:x1]
    scale = min(1.0, side / size)
    if scale < 1.0:
        shape = (max(2, round((x1 - x0) * scale)), max(2, round((y1 - y0) * scale)))
        part = np.asarray(cv2.resize(part, shape, interpolation=cv2.INTER_AREA), np.uint8)
        scale = part.shape[1] / (x1 - x0)
    return Crop(np.ascontiguousarray(part), (float(x0), float(y0)), scale)
