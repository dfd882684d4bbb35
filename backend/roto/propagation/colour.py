"""What an object and its surroundings look like, locally.

Histograms of colour in cells of a grid that moves with the object, as the overlapping local classifiers of Video
SnapCut (Bai et al., SIGGRAPH 2009) do it with windows along the boundary: a colour that is the object's at its foot may
be the background's at its head. Cells, their neighbourhood and the whole object form a hierarchy: where a cell has seen
little of a colour the wider levels answer, and where nobody has, the answer is "do not know" (0.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .movement import Floats

BINS = 16
"""Per axis of colour."""
_COLOURS = BINS**3
_BALANCE = 3.0
CELLS = 9
"""Per side of the grid; the object is some four cells wide."""
_LOCAL_DOUBT, _WIDE_DOUBT, _GLOBAL_DOUBT = 6.0, 12.0, 8.0
"""px of evidence that weigh as much as the next wider level's answer."""

Bins = NDArray[np.int32]


@dataclass(frozen=True)
class ColourSpace:
    """A box of Lab turned along the colours' principal axes, in BINS^3 bins."""

    centre: Floats
    axes: Floats

    @classmethod
    def fit(cls, lab: Floats) -> ColourSpace:
        """lab: float32 [N, 3]. The bins span what occurs, 2.5 deviations to either side on every axis."""
        centre = lab.mean(0)
        spread, axes = np.linalg.eigh(np.cov((lab - centre).T) + 4.0 * np.eye(3))
        scaled = axes / (2.5 * np.sqrt(spread)) * (BINS / 2)
        return cls(centre.astype(np.float32), scaled.astype(np.float32))

    def bins(self, lab: Floats) -> Bins:
        """lab: float32 [h, w, 3] -> int32 [h, w]."""
        shift = BINS / 2 - self.centre @ self.axes
        turned = cv2.transform(lab, np.column_stack([self.axes.T, shift]))
        np.floor(np.clip(turned, 0, BINS - 1e-3, out=turned), out=turned)
        index: Bins = cv2.transform(turned, np.array([[BINS**2, BINS, 1]], np.float32)).astype(np.int32)
        return index


@dataclass(frozen=True)
class Place:
    """Where an object's grid lies: centre in px (x, y) and the cells' size in px."""

    x: float
    y: float
    cell: float

    def coordinates(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Grid coordinates; cell i spans i - 0.5 .. i + 0.5. Beyond the grid they are those of its rim."""
        half = (CELLS - 1) / 2
        gx = np.clip((x - self.x) / self.cell + half, 0, CELLS - 1)
        gy = np.clip((y - self.y) / self.cell + half, 0, CELLS - 1)
        return gx.astype(np.float32), gy.astype(np.float32)


class LocalColours:
    """Counts float32 [2, CELLS, CELLS, COLOURS] of background and object."""

    def __init__(self) -> None:
        self._counts = np.zeros((2, CELLS * CELLS, _COLOURS), np.float32)

    def fade(self, share: float) -> None:
        """Keeps `share` of what was seen."""
        self._counts *= share

    def learn(self, bins: Bins, gx: Floats, gy: Floats, soft: Floats, weight: Floats) -> None:
        """bins, gx, gy, soft, weight: [h, w]; weight is how much each pixel is believed, 0..1."""
        cell = np.rint(gy).astype(np.int32) * CELLS + np.rint(gx).astype(np.int32)
        index = (cell * _COLOURS + bins).ravel()
        size = CELLS * CELLS * _COLOURS
        for side, share in ((0, 1.0 - soft), (1, soft)):
            seen = np.bincount(index, (weight * share).ravel(), size).astype(np.float32)
            self._counts[side] += seen.reshape(CELLS * CELLS, _COLOURS)

    @property
    def counts(self) -> Floats:
        return self._counts


class ColourAnswer:
    """The probability of the object from counts of several models, each with a weight."""

    def __init__(self, counts: Floats) -> None:
        """counts: float32 [2, CELLS^2, COLOURS]."""
        smooth = _blur_colours(counts)
        local = _blur_cells(smooth, 1)
        wide = _blur_cells(local, 3)
        everywhere = smooth.sum(1, keepdims=True)
        anywhere = _mix(everywhere, 0.5, _GLOBAL_DOUBT)
        self._anywhere = anywhere.ravel()
        p = _mix(_balanced(wide), anywhere, _WIDE_DOUBT)
        self._p = _mix(_balanced(local), p, _LOCAL_DOUBT).reshape(CELLS, CELLS, _COLOURS)

    def anywhere(self, bins: Bins) -> Floats:
        """Probability float32 [h, w] whatever the place."""
        p: Floats = self._anywhere[bins]
        return p

    def nearest(self, bins: Bins, gx: Floats, gy: Floats) -> Floats:
        """Probability by the nearest cell alone; shapes as they broadcast."""
        cell = np.rint(gy).astype(np.int32) * CELLS + np.rint(gx).astype(np.int32)
        p: Floats = self._p.ravel()[cell * _COLOURS + bins]
        return p

    def at(self, bins: Bins, gx: Floats, gy: Floats) -> Floats:
        """Probability float32 [h, w], bilinear between the cells."""
        x0, y0 = np.minimum(gx.astype(np.int32), CELLS - 2), np.minimum(gy.astype(np.int32), CELLS - 2)
        fx, fy = gx - x0, gy - y0
        flat = self._p.ravel()
        index = (y0 * CELLS + x0) * _COLOURS + bins
        down = CELLS * _COLOURS
        top = flat[index] * (1 - fx) + flat[index + _COLOURS] * fx
        bottom = flat[index + down] * (1 - fx) + flat[index + down + _COLOURS] * fx
        mixed: Floats = top * (1 - fy) + bottom * fy
        return mixed


def _balanced(counts: Floats) -> Floats:
    """Counts in which object and background weigh the same in every cell: how much of either there is says where the
    mask is known to be, not what this colour is; thin limbs would never be believed else. In place."""
    total = counts.sum(2, keepdims=True)
    gain = np.sqrt(np.clip((total[0] + 1) / (total[1] + 1), 1 / _BALANCE, _BALANCE))
    counts[0] /= gain
    counts[1] *= gain
    return counts


def _mix(counts: Floats, prior: Floats | float, doubt: float) -> Floats:
    mixed: Floats = counts[1] + doubt * prior
    doubted = counts[0] + counts[1]
    doubted += doubt
    mixed /= doubted
    return mixed


def _blur_colours(counts: Floats) -> Floats:
    """[1 2 1] / 4 on each axis of colour. Small matrices: several times as fast as sums of shifted arrays, and as one
    large matrix, for which BLAS would start threads."""
    mixer = _band([0.25, 0.5, 0.25], BINS)
    first: Floats = np.matmul(mixer, counts.reshape(-1, BINS, BINS * BINS))
    second = np.matmul(mixer, first.reshape(-1, BINS, BINS))
    np.matmul(second.reshape(-1, BINS * BINS, BINS), mixer, out=first.reshape(-1, BINS * BINS, BINS))
    return first.reshape(counts.shape)


def _blur_cells(counts: Floats, reach: int) -> Floats:
    """A triangle of `reach` cells to either side, on both axes; sums, as evidence does."""
    mixer = _band([1 - abs(step) / (reach + 1) for step in range(-reach, reach + 1)], CELLS)
    cells = counts.reshape(2, CELLS, CELLS, -1, BINS * BINS)
    down, summed = np.empty_like(cells), np.empty_like(cells)
    for axis, given, found in ((1, cells, down), (2, down, summed)):
        np.matmul(mixer, np.moveaxis(given, axis, 3), out=np.moveaxis(found, axis, 3))
    return summed.reshape(counts.shape)


def _band(kernel: Sequence[float], size: int) -> Floats:
    """float32 [size, size]: multiplied with a row of values it applies the symmetric kernel, with nothing beyond."""
    rows = np.zeros((size, size), np.float32)
    for step, weight in enumerate(kernel, -(len(kernel) // 2)):
        rows += np.eye(size, k=step, dtype=np.float32) * np.float32(weight)
    return rows


def lab_of(rgb: NDArray[np.uint8]) -> Floats:
    """CIE Lab float32 [h, w, 3]: L 0..100, a and b about -100..100."""
    lab: Floats = cv2.cvtColor(rgb.astype(np.float32) / 255.0, cv2.COLOR_RGB2Lab)
    return lab
