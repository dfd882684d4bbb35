"""How far mattes are from the truth: per frame, and from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.matte.clip import BACKGROUND, FOREGROUND, UNKNOWN, Alpha, Trimap

GRADIENT_SIGMA = 1.4
SURE = 0.02
"""Alpha up to that, or from 1 less that, counts as none or all where trimaps are made from the truth."""


@dataclass(frozen=True)
class MatteScore:
    """Over the pixels of the band. mad: mean absolute difference, 0..1. gradient: Rhemann et al., "A perceptually
    motivated online benchmark for image matting" (CVPR 2009): sum of squared differences of the gradients' magnitudes
    over 1000. dtssd: Erofeev et al., "Perceptually motivated benchmark for video matting" (BMVC 2015): root of the mean
    squared difference of the changes from frame to frame; None for a still. seconds: processor time a frame."""

    mad: float
    gradient: float
    dtssd: float | None
    seconds: float


@dataclass
class Scoring:
    """Adds up the frames of one method, in order."""

    _mad: list[float] = field(default_factory=list)
    _gradient: list[float] = field(default_factory=list)
    _changes: list[float] = field(default_factory=list)
    _seconds: list[float] = field(default_factory=list)
    _last: tuple[int, NDArray[np.float32], NDArray[np.bool_]] | None = None

    def add(self, index: int, alpha: Alpha, truth: Alpha, band: NDArray[np.bool_], seconds: float) -> None:
        error = np.asarray(alpha - truth, np.float32)
        self._mad.append(float(np.abs(error[band]).mean()))
        self._gradient.append(gradient_error(alpha, truth, band))
        self._seconds.append(seconds)
        if self._last is not None and self._last[0] == index - 1:
            either = band | self._last[2]
            self._changes.append(float(np.sqrt(((error - self._last[1])[either] ** 2).mean())))
        self._last = (index, error, band)

    def score(self) -> MatteScore:
        """seconds: the median, since a first frame also fills what is kept for the next."""
        return MatteScore(
            float(np.mean(self._mad)),
            float(np.mean(self._gradient)),
            float(np.mean(self._changes)) if self._changes else None,
            float(np.median(self._seconds)),
        )

    @property
    def mean_seconds(self) -> float:
        return float(np.mean(self._seconds))


def gradient_error(alpha: Alpha, truth: Alpha, band: NDArray[np.bool_]) -> float:
    apart = _gradient(alpha) - _gradient(truth)
    return float((apart[band] ** 2).sum() / 1000.0)


def _gradient(alpha: Alpha) -> NDArray[np.float64]:
    radius = int(np.ceil(3.0 * GRADIENT_SIGMA))
    steps = np.arange(-radius, radius + 1, dtype=np.float64)
    smooth = np.exp(-0.5 * (steps / GRADIENT_SIGMA) ** 2)
    smooth /= smooth.sum()
    slope = -steps / GRADIENT_SIGMA**2 * smooth
    wide = alpha.astype(np.float64)
    across = cv2.sepFilter2D(wide, cv2.CV_64F, slope, smooth)
    down = cv2.sepFilter2D(wide, cv2.CV_64F, smooth, slope)
    return np.asarray(np.hypot(across, down), np.float64)


def true_trimap(truth: Alpha, radius: int) -> Trimap:
    """Surely inside where alpha is at least 0.98 within `radius` px (a disc), surely outside where it is at most 0.02;
    unknown between."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    inside = cv2.erode((truth >= 1.0 - SURE).astype(np.uint8), disc, borderValue=1) > 0
    outside = cv2.erode((truth <= SURE).astype(np.uint8), disc, borderValue=1) > 0
    return np.where(inside, FOREGROUND, np.where(outside, BACKGROUND, UNKNOWN)).astype(np.uint8)
