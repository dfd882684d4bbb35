"""Brown's distortion in normalised coordinates, as COLMAP's OPENCV model has it, and back.

x_d = x (1 + k1 r^2 + k2 r^4) + 2 p1 x y + p2 (r^2 + 2 x^2)
y_d = y (1 + k1 r^2 + k2 r^4) + p1 (r^2 + 2 y^2) + 2 p2 x y
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frames import Floats

_MOST_STEPS = 30
_SETTLED = 1e-12
_LONGEST_STEP = 0.3
_FOLDED = 0.02
"""Least determinant of the derivative that is believed: a strong barrel lens folds the picture over beyond the radius
at which it is zero, and no ray is seen there."""


@dataclass(frozen=True)
class Brown:
    """k1, k2: radial; p1, p2: tangential."""

    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0

    @property
    def nothing(self) -> bool:
        return self.k1 == self.k2 == self.p1 == self.p2 == 0.0

    def bent(self, xy: Floats) -> Floats:
        """Distorted coordinates [N, 2] of straight ones."""
        r2 = (xy**2).sum(1, keepdims=True)
        out: Floats = xy * (1.0 + r2 * (self.k1 + self.k2 * r2))
        if self.p1 != 0.0 or self.p2 != 0.0:
            both = 2.0 * xy[:, 0] * xy[:, 1]
            out[:, 0] += self.p1 * both + self.p2 * (r2[:, 0] + 2.0 * xy[:, 0] ** 2)
            out[:, 1] += self.p1 * (r2[:, 0] + 2.0 * xy[:, 1] ** 2) + self.p2 * both
        return out

    def derivative(self, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
        """d x_d / d x, d x_d / d y (which d y_d / d x equals) and d y_d / d y, each [N]."""
        r2 = x * x + y * y
        radial = 1.0 + r2 * (self.k1 + self.k2 * r2)
        slope = 2.0 * (self.k1 + 2.0 * self.k2 * r2)
        tx, ty = 2.0 * (self.p1 * y + 3.0 * self.p2 * x), 2.0 * (3.0 * self.p1 * y + self.p2 * x)
        cross = slope * x * y + 2.0 * (self.p1 * x + self.p2 * y)
        return radial + slope * x * x + tx, cross, radial + slope * y * y + ty

    def straightened(self, seen: Floats) -> Floats:
        """Straight coordinates [N, 2] of distorted ones, by Newton's method from the distorted place: for a barrel
        lens it approaches from the inside and cannot step over the fold. Where no ray leads to (beyond the fold) the
        place nearest to it that was reached."""
        ray = np.array(seen, np.float64)
        if self.nothing:
            return ray
        moving = np.arange(len(ray))
        for _ in range(_MOST_STEPS):
            step = self._step(ray[moving], seen[moving])
            ray[moving] -= step
            moving = moving[np.abs(step).max(1) > _SETTLED] if len(moving) else moving
            if not len(moving):
                break
        return ray

    def _step(self, ray: Floats, seen: Floats) -> Floats:
        left = self.bent(ray) - seen
        a, b, c = self.derivative(ray[:, 0], ray[:, 1])
        determinant = a * c - b * b
        safe = (determinant > _FOLDED) & (a + c > 0)
        divisor = np.where(safe, determinant, 1.0)
        step = np.stack([c * left[:, 0] - b * left[:, 1], a * left[:, 1] - b * left[:, 0]], 1) / divisor[:, None]
        length = np.linalg.norm(step, axis=1)
        shorter = np.where(safe, np.minimum(1.0, _LONGEST_STEP / np.maximum(length, 1e-300)), 0.0)
        out: Floats = step * shorter[:, None]
        return out
