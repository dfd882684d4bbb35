"""What two frames say about the camera's movement: which model explains their tracks, and which focal length.

Models are compared with Torr's GRIC ("Geometric motion segmentation and model selection", Phil. Trans. R. Soc.
1998): sum of min(e^2 / sigma^2, 2 (r - d)) + d n log(r) + k log(r n), r = 4 measured numbers a match, d the
dimension of the model's manifold, k its parameters. Least wins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frames import Flags, Floats
from .robust_fits import fit_fundamental, fit_homography

_MEASURED = 4.0


@dataclass(frozen=True)
class TwoView:
    """Two frames and their common tracks. fundamental [3, 3] or None. inliers [K] of it. parallax_px: median
    distance from the best homography, of the tracks that obey the fundamental matrix. gric_homography,
    gric_fundamental: see above."""

    first: int
    second: int
    shared: int
    fundamental: Floats | None
    inliers: Flags
    parallax_px: float
    gric_homography: float
    gric_fundamental: float

    @property
    def full(self) -> bool:
        """Whether the movement is more than a homography."""
        return self.fundamental is not None and self.gric_fundamental < self.gric_homography


def look_at_pair(first: int, second: int, a: Floats, b: Floats, sigma: float) -> TwoView:
    """Fits homography and fundamental matrix to pixels a, b [K, 2]. sigma: noise of a track, px."""
    fundamental, inliers = fit_fundamental(a, b, 3.0 * sigma)
    homography = fit_homography(a, b, 3.0 * sigma)
    from_h = np.full(len(a), np.inf) if homography is None else transfer_error(homography, a, b)
    from_f = np.full(len(a), np.inf) if fundamental is None else sampson(fundamental, a, b)
    parallax = float(np.median(from_h[inliers])) if inliers.any() and homography is not None else 0.0
    return TwoView(
        first, second, len(a), fundamental, inliers, parallax,
        gric(from_h, sigma, dimension=2, parameters=8), gric(from_f, sigma, dimension=3, parameters=7),
    )  # fmt: skip


def gric(error: Floats, sigma: float, *, dimension: int, parameters: int) -> float:
    """GRIC of errors [K] px (distance of a match from the model in its 4 dimensional space)."""
    n = max(len(error), 1)
    cut = 2.0 * (_MEASURED - dimension)
    fit = np.minimum((error / sigma) ** 2, cut).sum()
    return float(fit + dimension * n * np.log(_MEASURED) + parameters * np.log(_MEASURED * n))


def sampson(fundamental: Floats, a: Floats, b: Floats) -> Floats:
    """First-order distance [K] px of matches from b^T F a = 0."""
    ha, hb = homogeneous(a), homogeneous(b)
    fa, fb = ha @ fundamental.T, hb @ fundamental
    value = (hb * fa).sum(1)
    slope = (fa[:, :2] ** 2).sum(1) + (fb[:, :2] ** 2).sum(1)
    distance: Floats = np.abs(value) / np.sqrt(np.maximum(slope, 1e-20))
    return distance


def transfer_error(homography: Floats, a: Floats, b: Floats) -> Floats:
    """Distance [K] px of matches from b = H a, shared between both frames (forward error / sqrt 2)."""
    there = homogeneous(a) @ homography.T
    away = there[:, :2] / np.where(np.abs(there[:, 2:]) > 1e-12, there[:, 2:], 1e-12) - b
    distance: Floats = np.linalg.norm(away, axis=1) / np.sqrt(2.0)
    return distance


def homogeneous(xy: Floats) -> Floats:
    return np.concatenate([xy, np.ones((len(xy), 1))], 1)
