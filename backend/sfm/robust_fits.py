"""Two-view models of matches with outliers, by OpenCV's MAGSAC++ (Barath et al., CVPR 2020)."""

from __future__ import annotations

import cv2
import numpy as np

from .frames import Flags, Floats

_LEAST = 12


def fit_fundamental(a: Floats, b: Floats, threshold_px: float) -> tuple[Floats | None, Flags]:
    """The fundamental matrix of matches a, b [K, 2] and its inliers [K]; None when there is none."""
    none = np.zeros(len(a), bool)
    if len(a) < _LEAST:
        return None, none
    try:
        matrix, mask = cv2.findFundamentalMat(a, b, cv2.USAC_MAGSAC, threshold_px, 0.999, 1000)
    except cv2.error:  # OpenCV asserts when every sample is degenerate, e.g. all matches on one spot
        return None, none
    if matrix is None or matrix.shape != (3, 3) or mask is None:
        return None, none
    return np.asarray(matrix, np.float64), np.asarray(mask).ravel() > 0


def fit_homography(a: Floats, b: Floats, threshold_px: float) -> Floats | None:
    """The homography of matches a, b [K, 2]; None when there is none."""
    if len(a) < _LEAST:
        return None
    try:
        matrix, _ = cv2.findHomography(a, b, cv2.USAC_MAGSAC, threshold_px, maxIters=1000, confidence=0.999)
    except cv2.error:  # as above
        return None
    return None if matrix is None else np.asarray(matrix, np.float64)
