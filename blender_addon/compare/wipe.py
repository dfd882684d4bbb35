"""The line of a wipe. No bpy here. Places are those of the camera frame, 0 to 1, y upwards; aspect: its width over its
height."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class WipeLine:
    """The plate is seen where a (x - 0.5) + b (y - 0.5) < c. All three in heights of the frame."""

    a: float
    b: float
    c: float
    aspect: float

    def side(self, x: float, y: float) -> float:
        """How far a place is from the line, heights of the frame; below 0 where the plate is seen."""
        return self.a * (x - 0.5) + self.b * (y - 0.5) - self.c

    def ends(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """Where it leaves the frame; None when it does not cross it."""
        found: list[tuple[float, float]] = []
        for edge in (-0.5, 0.5):
            if abs(self.a) > 1e-9:
                found.append((0.5 + (self.c - self.b * edge) / self.a, 0.5 + edge))
            if abs(self.b) > 1e-9:
                found.append((0.5 + edge, 0.5 + (self.c - self.a * edge) / self.b))
        inside = [at for at in found if min(at) >= -1e-6 and max(at) <= 1 + 1e-6]
        if len(inside) < 2:
            return None
        first = inside[0]
        return first, max(inside, key=lambda at: math.dist(at, first))


def wipe_line(position: float, angle: float, aspect: float) -> WipeLine:
    """position: 0 no plate, 1 only the plate. angle: 0 upright, radians, anticlockwise."""
    x, y = math.cos(angle), math.sin(angle)
    return WipeLine(x * aspect, y, (2.0 * position - 1.0) * _reach(x, y, aspect), aspect)


def position_at(x: float, y: float, angle: float, aspect: float) -> float:
    """The position, 0 to 1, that puts the line through a place."""
    across, up = math.cos(angle), math.sin(angle)
    away = across * aspect * (x - 0.5) + up * (y - 0.5)
    return min(max(0.5 + 0.5 * away / _reach(across, up, aspect), 0.0), 1.0)


def _reach(x: float, y: float, aspect: float) -> float:
    """From the middle to the corner that is farthest along a direction."""
    return 0.5 * (abs(x) * aspect + abs(y))
