"""What matting reads of a clip, frame by frame, and the types it works with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""uint8 [H, W, 3] RGB code values of the plate."""

Trimap = NDArray[np.uint8]
"""uint8 [H, W]: `BACKGROUND`, `UNKNOWN` or `FOREGROUND`."""

Alpha = NDArray[np.float32]
"""float32 [H, W], 0 (not of the object) to 1."""

Points = NDArray[np.float32]
"""float32 [N, 2]: x, y in pixels with the centre of the top-left pixel at (0, 0), as OpenCV counts."""

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class MatteClip:
    """The frames of one object by index, 0 is the first. The functions may be asked for any frame at any time, and
    answer from a file or from what they keep: nobody holds a clip. depth: float32 [H, W] as `Band` has it; None for
    trimaps without a mask."""

    count: int
    picture: Callable[[int], Picture]
    trimap: Callable[[int], Trimap]
    depth: Callable[[int], NDArray[np.float32]] | None = None


class Recent(Generic[Kept]):
    """The last `limit` things that were made, by key."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        if key not in self._kept:
            made = make()
            self._kept[key] = made
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def band_points(trimap: Trimap) -> Points:
    """The unknown pixels in the order of `array[trimap == UNKNOWN]`."""
    rows, columns = np.nonzero(trimap == UNKNOWN)
    return np.stack([columns, rows], axis=1).astype(np.float32)
