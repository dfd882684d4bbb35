"""Points as a viewport shows them, and the one under the mouse. No bpy here."""

from __future__ import annotations

import numpy as np

REACH_PX = 18.0
_BESIDE_PX = 3.0
"""Points this close to the best one compete by depth: what is in front is meant."""


class ScreenPoints:
    """Projects a cloud, and again only when the view has moved.

    xyz: float32 [N,3] of the mesh. usable: bool [N].
    """

    def __init__(self, xyz: np.ndarray, usable: np.ndarray) -> None:
        self._xyz, self._usable = xyz, usable
        self._view = b""
        self._pixels = np.empty((0, 2), np.float32)
        self._depth = np.empty(0, np.float32)

    def look(self, view: np.ndarray, width: int, height: int) -> None:
        """view: [4,4], clip coordinates from the mesh's space. width, height of the region, px."""
        key = view.tobytes() + bytes(f"{width},{height}", "ascii")
        if key == self._view:
            return
        self._view = key
        matrix = view.astype(np.float32)
        clip = self._xyz @ matrix[:, :3].T
        clip += matrix[:, 3]
        w = clip[:, 3]
        seen = self._usable & (w > 1e-9)
        scale = np.divide(0.5, w, out=np.zeros_like(w), where=seen)
        self._pixels = (clip[:, :2] * scale[:, None] + 0.5) * np.array((width, height), np.float32)
        self._pixels[~seen] = np.inf
        self._depth = w

    def nearest(self, x: float, y: float) -> int | None:
        """The point at a place of the region, None when none is within `REACH_PX`."""
        if not len(self._pixels):
            return None
        away = np.abs(self._pixels - np.array((x, y), np.float32)).max(axis=1)
        near = np.flatnonzero(away <= REACH_PX)
        if not len(near):
            return None
        distance = np.hypot(*(self._pixels[near] - (x, y)).T)
        if distance.min() > REACH_PX:
            return None
        best = near[distance <= distance.min() + _BESIDE_PX]
        return int(best[np.argmin(self._depth[best])])

    def pixel(self, index: int) -> tuple[float, float] | None:
        """Where a point is seen; None when it is behind the viewer."""
        x, y = self._pixels[index]
        return (float(x), float(y)) if np.isfinite(x) else None
