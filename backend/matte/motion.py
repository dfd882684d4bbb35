"""How the picture moves, and how what is behind and what is in front move apart in it.

Optical flow mixes both sides of an outline. Here each side gets a field of its own: the flow of the pixels that surely
belong to it, carried on smoothly over all others. The dense flow is DIS (Kroeger et al., ECCV 2016), the carrying-on
pull-push (Gortler et al., "The lumigraph", SIGGRAPH 1996).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from .clip import Picture, Points, Recent, Trimap
from .sampling import at_points

Field = NDArray[np.float32]
"""float32 [h, w, 2]: movement in px of the plate, on a raster that may be coarser than the plate."""

_LONGEST = 960
"""Flow is found on pictures whose longer side is at most so many px."""

_RIM = 3
"""px of the flow's raster at an outline whose flow may be of either side (DIS patches are 8 px wide)."""


class Motion:
    """Flow between neighbouring frames of a clip; shared by its objects. reach: of what looks at it, so that nothing is
    made twice."""

    def __init__(self, picture: Callable[[int], Picture], reach: int) -> None:
        self._picture, keep = picture, 4 * reach + 8
        self._flows: Recent[NDArray[np.float16]] = Recent(keep)  # half the memory; 0.06 px at 100 px
        self._grey: Recent[NDArray[np.uint8]] = Recent(4)
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def flow(self, start: int, step: int) -> Field:
        """From frame `start` to frame `start + step` (1 or -1)."""
        return self._flows.get((start, step), lambda: self._make(start, start + step)).astype(np.float32)

    def _make(self, start: int, end: int) -> NDArray[np.float16]:
        first, second = self._small(start), self._small(end)
        scale = self._picture(start).shape[1] / first.shape[1]
        return np.asarray(self._dis.calc(first, second, None) * scale, np.float16)  # type: ignore[call-overload]

    def _small(self, index: int) -> NDArray[np.uint8]:
        return self._grey.get(index, lambda: _working(self._picture(index)))


def _working(picture: Picture) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, working_size(picture.shape[:2]), interpolation=cv2.INTER_AREA), np.uint8)


def working_size(shape: tuple[int, ...]) -> tuple[int, int]:
    """(width, height) of the flow's raster for a plate of (height, width); DIS wants at least 16 px."""
    scale = min(1.0, _LONGEST / max(shape[:2]))
    return max(16, round(shape[1] * scale)), max(16, round(shape[0] * scale))


class Layers:
    """The movement of the two sides of one object's outline."""

    def __init__(self, motion: Motion, trimap: Callable[[int], Trimap], reach: int) -> None:
        self._motion, self._trimap = motion, trimap
        self._fields: Recent[Field] = Recent(4 * reach + 8)

    def moved(self, points: Points, start: int, step: int, side: int) -> Points:
        """Where points of frame `start` are in the next frame (step 1) or the one before (-1), if they move with
        `side` (`BACKGROUND` or `FOREGROUND`)."""
        field = self._fields.get((start, step, side), lambda: self._make(start, step, side))
        height, width = self._trimap(start).shape
        scale = np.array([field.shape[1] / width, field.shape[0] / height], np.float32)
        return np.asarray(points + at_points(field, (points + 0.5) * scale - 0.5), np.float32)

    def _make(self, start: int, step: int, side: int) -> Field:
        flow = self._motion.flow(start, step)
        sure = (self._trimap(start) == side).astype(np.uint8)
        sure = cv2.resize(sure, (flow.shape[1], flow.shape[0]), interpolation=cv2.INTER_NEAREST)
        sure = cv2.erode(sure, np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8), borderValue=1)
        return carried_on(flow, sure.astype(np.float32))


def carried_on(field: Field, weight: NDArray[np.float32]) -> Field:
    """A field at half its size, filled in smoothly where `weight` (float32 [h, w], 0..1) is 0; zero without any
    weight."""
    levels = [(cv2.pyrDown(field * weight[..., None]), cv2.pyrDown(weight))]
    while min(levels[-1][1].shape) > 3:
        levels.append((cv2.pyrDown(levels[-1][0]), cv2.pyrDown(levels[-1][1])))
    total, share = levels[-1]
    filled = total / np.maximum(share, 1e-6)[..., None]
    if float(share.sum()) > 0.0:
        filled[share < 1e-6] = total.sum(axis=(0, 1)) / share.sum()
    for total, share in levels[-2::-1]:
        coarse = cv2.pyrUp(filled, dstsize=(share.shape[1], share.shape[0]))
        own = np.clip(share, 0.0, 1.0)[..., None]
        filled = total * (own / np.maximum(share, 1e-6)[..., None]) + (1.0 - own) * coarse
    return np.asarray(filled, np.float32)
