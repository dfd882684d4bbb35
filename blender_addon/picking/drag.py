"""What a drag of the mouse means for the world: along an axis, about it, or larger. No bpy here."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from .change import MOVE, SCALE

_PARALLEL = 1e-3
"""Sine of the angle between line of sight and axis below which a drag along it says nothing."""
_LEAST_PX = 4.0


class Drag:
    """A drag in one viewport, in the view as it was when it began: camera view moves with what is dragged.

    view: [4,4] clip coordinates from the space in which the axis is one, and the pivot (0, 0, 0). size: of the region,
    px. axis: 0 to 2. start: where the mouse was, px of the region.
    """

    def __init__(
        self, kind: str, axis: int, view: ArrayLike, size: tuple[float, float], start: tuple[float, float]
    ) -> None:
        self._kind, self._axis = kind, np.eye(3)[axis]
        self._view, self._size = np.array(view, float), np.array(size, float)
        self._back = np.linalg.inv(self._view)
        self._pivot = self._pixel(np.zeros(3))
        self._last, self._turned = np.array(start, float), 0.0
        self._start = self._last
        near, far = self._ray(self._pivot)
        self._sign = 1.0 if (far - near) @ self._axis < 0.0 else -1.0  # the axis points towards the viewer
        self._along = self._place(self._start)

    def amount(self, x: float, y: float) -> float:
        """What the mouse at a place means: units along the axis, radians about it, or a factor."""
        mouse = np.array((x, y), float)
        if self._kind == MOVE:
            now = self._place(mouse)
            return 0.0 if now is None or self._along is None else now - self._along
        if self._kind == SCALE:
            was = max(float(np.linalg.norm(self._start - self._pivot)), _LEAST_PX)
            return max(float(np.linalg.norm(mouse - self._pivot)), _LEAST_PX) / was
        self._turned += _angle(self._last - self._pivot, mouse - self._pivot)
        self._last = mouse
        return self._sign * self._turned

    def _pixel(self, place: np.ndarray) -> np.ndarray:
        clip = self._view @ np.append(place, 1.0)
        return (clip[:2] / clip[3] + 1.0) * self._size / 2.0

    def _ray(self, pixel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        flat = 2.0 * pixel / self._size - 1.0
        ends = [self._back @ np.array((*flat, depth, 1.0)) for depth in (-1.0, 1.0)]
        near, far = (end[:3] / end[3] for end in ends)
        return near, far

    def _place(self, pixel: np.ndarray) -> float | None:
        """Where on the axis the line of sight comes nearest to it."""
        near, far = self._ray(pixel)
        sight = (far - near) / np.linalg.norm(far - near)
        cosine = float(sight @ self._axis)
        if 1.0 - cosine * cosine < _PARALLEL**2:
            return None
        return float((near @ self._axis - cosine * (near @ sight)) / (1.0 - cosine * cosine))


def _angle(before: np.ndarray, after: np.ndarray) -> float:
    """From one direction on the screen to another, anticlockwise, radians."""
    return math.atan2(before[0] * after[1] - before[1] * after[0], float(before @ after))
