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
        # One row for each coordinate: a million points are looked through within a tick of the mouse.
        self._xyz = np.ascontiguousarray(xyz.T, np.float32)
        self._hidden = ~usable if not usable.all() else None
        self._view = b""
        self._x = self._y = self._depth = np.empty(0, np.float32)

    def look(self, view: np.ndarray, width: int, height: int) -> None:
        """view: [4,4], clip coordinates from the mesh's space. width, height of the region, px."""
        key = view.tobytes() + bytes(f"{width},{height}", "ascii")
        if key == self._view:
            return
        self._view = key
        matrix = view[[0, 1, 3]].astype(np.float32)
        x, y, depth = matrix[:, :3] @ self._xyz
        x += matrix[0, 3]
        y += matrix[1, 3]
        depth += matrix[2, 3]
        behind = depth <= 1e-9
        with np.errstate(all="ignore"):
            np.divide(x, depth, out=x)
            np.divide(y, depth, out=y)
        x += 1.0
        x *= width / 2
        y += 1.0
        y *= height / 2
        x[behind] = np.inf
        if self._hidden is not None:
            x[self._hidden] = np.inf
        self._x, self._y, self._depth = x, y, depth

    def nearest(self, x: float, y: float) -> int | None:
        """The point at a place of the region, None when none is within `REACH_PX`."""
        near = np.flatnonzero(np.abs(self._x - np.float32(x)) <= REACH_PX)
        near = near[np.abs(self._y[near] - y) <= REACH_PX]
        if not len(near):
            return None
        distance = np.hypot(self._x[near] - x, self._y[near] - y)
        if distance.min() > REACH_PX:
            return None
        best = near[distance <= distance.min() + _BESIDE_PX]
        return int(best[np.argmin(self._depth[best])])

    def pixel(self, index: int) -> tuple[float, float] | None:
        """Where a point is seen; None when it is behind the viewer."""
        x, y = float(self._x[index]), float(self._y[index])
        return (x, y) if np.isfinite(x) else None
