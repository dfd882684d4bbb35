"""Brown's radial and tangential lens distortion, as COLMAP's OPENCV model has it.

In normalised coordinates, with r^2 = x_u^2 + y_u^2:

    x_d = x_u (1 + k1 r^2 + k2 r^4) + 2 p1 x_u y_u + p2 (r^2 + 2 x_u^2)
    y_d = y_u (1 + k1 r^2 + k2 r^4) + p1 (r^2 + 2 y_u^2) + 2 p2 x_u y_u

(Brown, "Decentering distortion of lenses", 1966.) The inverse has no closed form: Newton's method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.camera_files import Intrinsics

Points = NDArray[np.float64]
"""[..., 2] normalised coordinates."""

_ITERATIONS = 20
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Lens:
    k1: float
    k2: float
    p1: float
    p2: float

    @property
    def is_straight(self) -> bool:
        """Whether lines stay straight: nothing to undistort."""
        return not any((self.k1, self.k2, self.p1, self.p2))

    @property
    def reach(self) -> float:
        """Undistorted radius up to which the radial part still grows; further out the model folds back onto
        itself and says nothing about the lens. Infinite when it never does."""
        roots = np.roots([5.0 * self.k2, 3.0 * self.k1, 1.0]) if self.k2 or self.k1 else np.zeros(0)
        folds = [root.real for root in np.atleast_1d(roots) if abs(root.imag) < 1e-12 and root.real > 0.0]
        return math.sqrt(min(folds)) if folds else math.inf

    def distort(self, points: Points) -> Points:
        """Where ideal points land in the plate; NaN beyond the lens model's reach."""
        x, y = points[..., 0], points[..., 1]
        r2 = x * x + y * y
        radial = 1.0 + r2 * (self.k1 + self.k2 * r2)
        out = np.stack(
            (
                x * radial + 2.0 * self.p1 * x * y + self.p2 * (r2 + 2.0 * x * x),
                y * radial + self.p1 * (r2 + 2.0 * y * y) + 2.0 * self.p2 * x * y,
            ),
            axis=-1,
        )
        out[r2 > self.reach**2] = np.nan
        return out

    def undistort(self, points: Points) -> Points:
        """The ideal points that land on points of the plate; NaN where no point does."""
        if self.is_straight:
            return points.copy()
        found = points.copy()
        with np.errstate(all="ignore"):
            for _ in range(_ITERATIONS):
                step = self._newton_step(found, points)
                found -= step
                if not np.any(np.abs(step) > _TOLERANCE):
                    break
            missed = np.abs(self.distort(found) - points).max(axis=-1)
        found[~(missed < 1e-9)] = np.nan
        return found

    def _newton_step(self, at: Points, wanted: Points) -> Points:
        """Solves J step = distort(at) - wanted, the 2x2 system written out."""
        x, y = at[..., 0], at[..., 1]
        r2 = x * x + y * y
        radial, slope = 1.0 + r2 * (self.k1 + self.k2 * r2), 2.0 * (self.k1 + 2.0 * self.k2 * r2)
        cross = slope * x * y + 2.0 * (self.p1 * x + self.p2 * y)
        xx = radial + slope * x * x + 2.0 * self.p1 * y + 6.0 * self.p2 * x
        yy = radial + slope * y * y + 6.0 * self.p1 * y + 2.0 * self.p2 * x
        ex = x * radial + 2.0 * self.p1 * x * y + self.p2 * (r2 + 2.0 * x * x) - wanted[..., 0]
        ey = y * radial + self.p1 * (r2 + 2.0 * y * y) + 2.0 * self.p2 * x * y - wanted[..., 1]
        det = xx * yy - cross * cross
        return np.stack(((yy * ex - cross * ey) / det, (xx * ey - cross * ex) / det), axis=-1)


def lens_of(intrinsics: Intrinsics) -> Lens:
    """The lens of a shot; straight for the PINHOLE model."""
    if intrinsics.model == "PINHOLE":
        return Lens(0.0, 0.0, 0.0, 0.0)
    return Lens(intrinsics.k1, intrinsics.k2, intrinsics.p1, intrinsics.p2)
