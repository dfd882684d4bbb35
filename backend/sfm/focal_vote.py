"""What fundamental matrices say about the focal length, before anything is solved.

With the right focal lengths a fundamental matrix becomes an essential one, whose two singular values are equal
(Mendonca & Cipolla, "A simple technique for self-calibration", CVPR 1999). Their relative gap, averaged over many
pairs of frames, is searched on a grid.
"""

from __future__ import annotations

import numpy as np

from .frames import Floats
from .scene import Lens
from .two_view import TwoView

_MOST_GAP = 0.3
_STEPS = 80
_GROWTHS = np.linspace(-0.8, 0.8, 41)
"""Change of log focal length over a pair's span that is looked for."""


def vote_focal(views: list[TwoView], lens: Lens) -> list[float]:
    """Focal lengths, px, of a lens that does not zoom, most likely first: local minima of the mean gap. lens: its
    principal point and aspect are used."""
    used = _useful(views)
    if not used:
        return []
    grid = _grid(lens)
    gap = _mean_gap(used, grid, 0.0, 0.0, lens)
    lows = [i for i in range(1, len(gap) - 1) if gap[i] <= gap[i - 1] and gap[i] < gap[i + 1]]
    return [float(grid[i]) for i in sorted(lows, key=lambda i: gap[i])]


def growth_votes(views: list[TwoView], focals: list[float], lens: Lens, pair: TwoView) -> list[tuple[float, float]]:
    """For each focal length, px, in the middle of the pair: the growth of its logarithm a frame that the views round
    the pair like best with it, all taken to share it. The ratio of two focal lengths is found well, the lengths
    themselves are not: the two trade against each other."""
    if not views:
        return [(focal, 0.0) for focal in focals]
    middle, span = (pair.first + pair.second) / 2.0, pair.second - pair.first
    grid = np.array(focals)
    gaps = np.stack([_mean_gap(views, grid, growth / span, middle, lens) for growth in _GROWTHS])
    return [(focal, float(_GROWTHS[best]) / span) for focal, best in zip(focals, gaps.argmin(axis=0), strict=True)]


def _useful(views: list[TwoView]) -> list[TwoView]:
    return [view for view in views if view.fundamental is not None and view.full]


def _grid(lens: Lens) -> Floats:
    grid: Floats = 2.0 * lens.cx * np.geomspace(0.35, 6.0, _STEPS)
    return grid


def _mean_gap(views: list[TwoView], focal: Floats, rate: float, middle: float, lens: Lens) -> Floats:
    """Mean gap for each focal length [G] at the frame `middle` that grows by exp(rate) a frame."""
    total, weights = np.zeros(len(focal)), 0.0
    for view in views:
        assert view.fundamental is not None
        first = _cameras(focal * np.exp(rate * (view.first - middle)), lens)
        second = _cameras(focal * np.exp(rate * (view.second - middle)), lens)
        values = np.linalg.svd(second.transpose(0, 2, 1) @ view.fundamental @ first, compute_uv=False)
        gap = (values[:, 0] - values[:, 1]) / np.maximum(values[:, 1], 1e-20)
        weight = float(np.sqrt(view.shared))
        total += weight * np.minimum(gap, _MOST_GAP)
        weights += weight
    return total / weights


def _cameras(focal: Floats, lens: Lens) -> Floats:
    """K [G, 3, 3] of focal lengths [G]."""
    K = np.zeros((len(focal), 3, 3))
    K[:, 0, 0], K[:, 1, 1], K[:, 2, 2] = focal, focal * lens.aspect, 1.0
    K[:, 0, 2], K[:, 1, 2] = lens.cx, lens.cy
    return K
