"""What depth maps say about points, as weak terms of the bundle adjustment.

Where a camera hardly moves, rays meet at tiny angles: tracks say little about how deep the points lie, and what they do
not say about the points they do not say about the camera either. A depth map from one picture knows the layout
roughly. Each sampled depth D of a point at camera depth z adds the robust residual (log z - log D - s) / sd, where s is
the map's unknown log scale, of each frame or of the clip, which is eliminated: it takes its best value whenever the
residuals are asked for (variable projection; Golub & Pereyra, 1973). Log depth, because networks err in proportion, and
because the scale becomes an offset (Eigen et al., NIPS 2014).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frames import Flags, Floats, Indices

_SCALE_SD = 2.0
"""Residual, in standard deviations, at which the Cauchy loss lets a depth go: edges, glass, people that move."""

_ROUNDS = 4


@dataclass(frozen=True)
class DepthPriors:
    """Depths sampled at observations: track [K] and frame [K] of each, log_depth [K], sd [K] of it. shared: the maps
    of all frames have one unknown scale; else each frame has its own."""

    track: Indices
    frame: Indices
    log_depth: Floats
    sd: Floats
    shared: bool = False

    def terms(self, track: Indices, frame: Indices) -> DepthTerms | None:
        """The terms for observations track [M], frame [M]; None when none of them has a depth."""
        frames = int(max(self.frame.max(initial=0), frame.max(initial=0))) + 1
        mine, theirs = self.track * frames + self.frame, track * frames + frame
        order = np.argsort(mine, kind="stable")
        place = np.clip(np.searchsorted(mine[order], theirs), 0, max(len(mine) - 1, 0))
        found = mine[order][place] == theirs if len(mine) else np.zeros(len(theirs), bool)
        if not found.any():
            return None
        chosen = order[place[found]]
        _, group = np.unique(np.zeros_like(frame[found]) if self.shared else frame[found], return_inverse=True)
        return DepthTerms(np.nonzero(found)[0], group, self.log_depth[chosen], 1.0 / self.sd[chosen])


@dataclass(frozen=True)
class DepthTerms:
    """Depths of the observations `at` [K] of a bundle adjustment problem. group [K]: which of the unknown scales each
    has; log_depth [K]; weight [K], 1 / sd."""

    at: Indices
    group: Indices
    log_depth: Floats
    weight: Floats

    def cost(self, camera: Floats) -> float:
        """Robust, in sigmas squared; camera [M, 3]: camera-space points of all observations."""
        ahead, left = self._left(camera)
        return float((_SCALE_SD**2 * np.log1p((left[ahead] / _SCALE_SD) ** 2)).sum())

    def rows(self, camera: Floats) -> tuple[Floats, Floats]:
        """A third row for each observation: weighted slope by the camera-space point [M, 1, 3], and the weighted
        residual [M, 1, 1]; zeros where there is no depth."""
        ahead, left = self._left(camera)
        loss = np.where(ahead, 1.0 / np.sqrt(1.0 + (left / _SCALE_SD) ** 2), 0.0)
        slope, residual = np.zeros((len(camera), 1, 3)), np.zeros((len(camera), 1, 1))
        depth = np.where(ahead, camera[self.at, 2], 1.0)
        slope[self.at, 0, 2] = loss * self.weight / depth
        residual[self.at, 0, 0] = loss * left
        return slope, residual

    def _left(self, camera: Floats) -> tuple[Flags, Floats]:
        """Which points are ahead [K], and the residuals [K] in standard deviations."""
        depth = camera[self.at, 2]
        ahead = depth > 1e-6
        apart = np.log(np.where(ahead, depth, 1.0)) - self.log_depth
        return ahead, (apart - self._scales(apart, ahead)[self.group]) * self.weight

    def _scales(self, apart: Floats, ahead: Flags) -> Floats:
        """The log scale of each group: the median first, then the minimum of the robust loss nearby."""
        count = int(self.group.max()) + 1
        scale = _medians(np.where(ahead, apart, 0.0), self.group, count)
        for _ in range(_ROUNDS):
            left = (apart - scale[self.group]) * self.weight
            weight = np.where(ahead, self.weight**2 / (1.0 + (left / _SCALE_SD) ** 2), 0.0)
            total = np.bincount(self.group, weight, minlength=count)
            mean = np.bincount(self.group, weight * apart, minlength=count) / np.maximum(total, 1e-12)
            scale = np.where(total > 0, mean, scale)
        return scale


def _medians(values: Floats, group: Indices, count: int) -> Floats:
    """Lower median of each group's values [count]."""
    order = np.lexsort((values, group))
    sizes = np.bincount(group, minlength=count)
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    middle: Floats = values[order][starts + (sizes - 1) // 2]
    return middle
