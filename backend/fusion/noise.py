"""How much the depths of a clip disagree with each other, measured while they pass."""

from __future__ import annotations

from collections import deque

import numpy as np

from .shapes import Floats, FusionFrame, Mask

_BACK = 4
"""Frames between two that are compared: neighbours make the same errors."""
_EVERY = 4
_FEWEST = 100
_SAME = 0.05
"""Relative difference beyond which two depths are of two surfaces."""


class NoiseMeter:
    """The standard deviation of a depth, relative to it, as the median over the frames so far."""

    def __init__(self) -> None:
        self._before: deque[tuple[FusionFrame, Mask]] = deque(maxlen=_BACK)
        self._found: list[float] = []

    @property
    def relative(self) -> float:
        """0 while unknown."""
        return float(np.median(self._found)) if self._found else 0.0

    def add(self, frame: FusionFrame, used: Mask) -> None:
        """used bool [H, W]: the pixels that are fused."""
        if self._before:
            apart = _differences(frame, used, *self._before[0])
            if len(apart) >= _FEWEST:
                self._found.append(1.4826 * float(np.median(np.abs(apart))) / np.sqrt(2.0))
        self._before.append((frame, used))


def _differences(frame: FusionFrame, used: Mask, other: FusionFrame, seen: Mask) -> Floats:
    """Relative differences [N] of depths where both frames see one surface."""
    there = np.zeros_like(used)
    there[::_EVERY, ::_EVERY] = used[::_EVERY, ::_EVERY]
    y, x = np.nonzero(there)
    rays = np.stack([x + 0.5, y + 0.5, np.ones(len(x))], 1) @ np.linalg.inv(frame.pose.K).T
    other_from_frame = np.linalg.inv(other.pose.world_from_camera) @ frame.pose.world_from_camera
    points = (rays * frame.depth[y, x, None]) @ other_from_frame[:3, :3].T + other_from_frame[:3, 3]
    pixel = points[points[:, 2] > 1e-9] @ other.pose.K.T
    z = pixel[:, 2]
    u, v = np.floor(pixel[:, 0] / z), np.floor(pixel[:, 1] / z)
    height, width = seen.shape
    inside = (u >= 0) & (v >= 0) & (u < width) & (v < height)
    row, column = v[inside].astype(np.int64), u[inside].astype(np.int64)
    apart = np.where(seen[row, column], other.depth[row, column] / z[inside] - 1.0, np.inf)
    return np.asarray(apart[np.abs(apart) < _SAME], np.float32)
