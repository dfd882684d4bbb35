"""How much each pixel's colour speaks for the object, against what lies near it.

Histograms over Lab and place (a bilateral grid: Chen, Paris & Durand 2007, as in Maerki et al., "Bilateral space video
segmentation", CVPR 2016), blurred so that near colours and places share what they know.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

Floats = NDArray[np.float32]

_BINS = 16
_PLACES = 6
_UNSEEN = 0.02
"""Mass that every colour at every place has anyway, in pixels of the mean cell: what was never seen says little."""


class Colours:
    """The classes of a working picture's pixels; made once, they serve any number of masks."""

    def __init__(self, lab: Floats) -> None:
        height, width = lab.shape[:2]
        samples = lab.reshape(-1, 3)[::7]
        low, high = np.percentile(samples, 1, axis=0), np.percentile(samples, 99, axis=0)
        scaled = np.clip((lab - low) / np.maximum(high - low, 24.0), 0, 1) * (_BINS - 1)
        bins = np.round(scaled).astype(np.int32)
        colour = (bins[..., 0] * _BINS + bins[..., 1]) * _BINS + bins[..., 2]
        rows = np.arange(height) * _PLACES // height
        columns = np.arange(width) * _PLACES // width
        place = rows[:, None] * _PLACES + columns[None]
        self._classes = (place.astype(np.int32) * _BINS**3 + colour).ravel()
        self._shape = (height, width)

    def log_odds(self, share: Floats) -> Floats:
        """log of object over rest among the pixels alike and near, float32 [H,W]. share: of the object, 0..1 [H,W]."""
        grid = (_PLACES, _PLACES, _BINS, _BINS, _BINS)
        least = _UNSEEN * share.size / np.prod(grid)
        logs = []
        for weights in (share, 1 - share):
            mass = np.bincount(self._classes, weights.ravel(), int(np.prod(grid))).astype(np.float32).reshape(grid)
            for axis, sigma in enumerate((0.8, 0.8, 0.7, 0.7, 0.7)):
                mass = gaussian_filter1d(mass, sigma, axis=axis, mode="constant", truncate=2.0)
            logs.append(np.log(mass + least).ravel())
        table = logs[0] - logs[1]
        return np.asarray(table[self._classes].reshape(self._shape), np.float32)
