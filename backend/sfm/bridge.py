"""Matches two pictures that tracking cannot connect: after fast motion, a flash, or an occlusion.

SIFT features (Lowe, IJCV 2004), mutual nearest neighbours with a ratio test, checked by a fundamental matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .frames import Flags, Floats, Picture
from .robust_fits import fit_fundamental

_LEAST_MATCHES = 20
_RATIO = 0.8
_MOST_FEATURES = 2500
_NEIGHBOURS = 4
LONGEST = 1600
"""px of the longer side: larger pictures are shrunk first. SIFT doubles a picture and takes 240 bytes for each pixel
of it then; where a match is, is only a start for the patches."""


@dataclass(frozen=True)
class SiftPicture:
    """xy: [N, 2] px, centres at integers; descriptors: float32 [N, 128], RootSIFT."""

    xy: Floats
    descriptors: NDArray[np.float32]


def describe(gray: Picture, usable: Flags | None = None) -> SiftPicture:
    """SIFT features of a picture uint8 [h, w]."""
    mask = None if usable is None else usable.astype(np.uint8) * 255
    small, mask = _shrunk(gray, mask)
    points, found = cv2.SIFT.create(nfeatures=_MOST_FEATURES, contrastThreshold=0.02).detectAndCompute(small, mask)
    if found is None or not len(points):
        return SiftPicture(np.zeros((0, 2)), np.zeros((0, 128), np.float32))
    rooted = np.sqrt(found / np.maximum(found.sum(1, keepdims=True), 1e-9)).astype(np.float32)
    scale = np.array(gray.shape[::-1]) / small.shape[::-1]
    xy = np.array([p.pt for p in points], np.float64)
    return SiftPicture((xy + 0.5) * scale - 0.5 if small is not gray else xy, rooted)


def _shrunk(gray: Picture, mask: Picture | None) -> tuple[Picture, Picture | None]:
    scale = LONGEST / max(gray.shape)
    if scale >= 1.0:
        return gray, mask
    size = round(gray.shape[1] * scale), round(gray.shape[0] * scale)
    small = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
    if mask is None:
        return small, None
    return small, np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def match(a: SiftPicture, b: SiftPicture, threshold_px: float) -> tuple[Floats, Floats]:
    """Matching points [K, 2], [K, 2] that agree on a fundamental matrix; empty when fewer than 20 do."""
    nothing = np.zeros((0, 2)), np.zeros((0, 2))
    if min(len(a.xy), len(b.xy)) < _LEAST_MATCHES:
        return nothing
    likeness = a.descriptors @ b.descriptors.T
    there, back = likeness.argmax(1), likeness.argmax(0)
    index = np.arange(len(a.xy))
    best = np.sqrt(np.maximum(2.0 - 2.0 * likeness[index, there], 0.0))
    likeness[index, there] = -1.0
    second = np.sqrt(np.maximum(2.0 - 2.0 * likeness.max(1), 0.0))
    good = (back[there] == index) & (best < _RATIO * second)
    pa, pb = a.xy[good], b.xy[there[good]]
    if len(pa) < _LEAST_MATCHES:
        return nothing
    _, keep = fit_fundamental(pa, pb, threshold_px)
    if keep.sum() < max(_LEAST_MATCHES, 0.3 * len(pa)):
        return nothing
    return pa[keep], pb[keep]


def carried(points: Floats, a: Floats, b: Floats) -> Floats:
    """Where points [N, 2] would be if they moved like their nearest matches a -> b: [N, 2]."""
    near = min(_NEIGHBOURS, len(a))
    distance, index = cKDTree(a).query(points, k=near)
    distance, index = distance.reshape(len(points), near), index.reshape(len(points), near)
    weight = 1.0 / (distance + 3.0)
    shift = (b - a)[index]
    moved: Floats = points + (shift * weight[:, :, None]).sum(1) / weight.sum(1)[:, None]
    return moved
