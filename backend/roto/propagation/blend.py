"""Tracks of the same frame from the anchors on both sides, made one, and its boundary at full size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .compete import claims_of, compete
from .movement import Floats
from .store import HIDDEN, LOST, TRACKED, StoredMask
from .windows import Window, from_bytes

_RADIUS = 4
_EPSILON = 4e-4
"""Of the guided filter: variance of colours (0..1) below which it averages."""


def blended(before: StoredMask | None, after: StoredMask | None, share: float) -> StoredMask:
    """before, after: the frame as followed from either side, None where it was not. share: 0 at the anchor before .. 1
    at the one after. The nearer side counts for more, and so does the one that was surer."""
    if before is None and after is None:
        raise ValueError("followed from neither side")
    if before is None or after is None:
        only = before if before is not None else after
        assert only is not None
        return only
    weight = _weight(before, 1 - share), _weight(after, share)
    total = weight[0] + weight[1]
    if total <= 0:
        return before if share < 0.5 else after
    mixed = (weight[0] * before.soft + weight[1] * after.soft) / total
    likelier = before if weight[0] >= weight[1] else after
    confidence = (weight[0] * before.confidence + weight[1] * after.confidence) / total
    soft = np.rint(mixed).astype(np.uint8)
    state = TRACKED if (soft >= 128).any() else (likelier.state if likelier.state != TRACKED else HIDDEN)
    return StoredMask(soft, state, confidence)


def _weight(mask: StoredMask, near: float) -> float:
    """A side that lost it without reason does not outvote one that sees it."""
    sure = 0.05 if mask.state == LOST else 0.5 if mask.state == HIDDEN else max(0.05, mask.confidence)
    return near**2 * sure


def at_full_size(soft: NDArray[np.uint8], picture: NDArray[np.uint8]) -> Floats:
    """A mask of the working size, uint8 [h, w], at the picture's, its boundary moved to the picture's edges there: a
    guided filter (He et al., ECCV 2010) in the band that enlarging leaves uncertain. float32 [H, W]."""
    height, width = picture.shape[:2]
    small = from_bytes(soft)
    if not (soft >= 128).any():
        return np.zeros((height, width), np.float32)
    large = (
        cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR) if soft.shape != (height, width) else small
    )
    scale = max(1.0, width / soft.shape[1])
    radius = int(np.ceil(_RADIUS * scale))
    window = Window.around(large, 3 * radius, 0.1)
    assert window is not None
    cut = window.cut
    part = large[cut]
    guide = picture[cut].astype(np.float32) / np.float32(255.0)
    filtered = np.clip(_guided(guide, part, radius), 0.0, 1.0)
    hard = (part >= 0.5).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    band = cv2.dilate(hard, kernel) != cv2.erode(hard, kernel)
    out = np.zeros((height, width), np.float32)
    out[cut] = np.where(band, filtered, part)
    return out


def _guided(guide: Floats, values: Floats, radius: int) -> Floats:
    """He's filter with a colour guide: float32 [h, w] from [h, w, 3] and [h, w]."""
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(a: Floats) -> Floats:
        averaged: Floats = cv2.blur(a, size)
        return averaged

    m, p = mean(guide), mean(values)
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    s = {
        (i, j): mean(guide[..., i] * guide[..., j]) - m[..., i] * m[..., j] + (_EPSILON if i == j else 0.0)
        for i, j in pairs
    }
    c = [mean(guide[..., i] * values) - m[..., i] * p for i in range(3)]
    i00 = s[1, 1] * s[2, 2] - s[1, 2] ** 2
    i01 = s[0, 2] * s[1, 2] - s[0, 1] * s[2, 2]
    i02 = s[0, 1] * s[1, 2] - s[0, 2] * s[1, 1]
    i11 = s[0, 0] * s[2, 2] - s[0, 2] ** 2
    i12 = s[0, 2] * s[0, 1] - s[0, 0] * s[1, 2]
    i22 = s[0, 0] * s[1, 1] - s[0, 1] ** 2
    det = s[0, 0] * i00 + s[0, 1] * i01 + s[0, 2] * i02
    a = [
        (i00 * c[0] + i01 * c[1] + i02 * c[2]) / det,
        (i01 * c[0] + i11 * c[1] + i12 * c[2]) / det,
        (i02 * c[0] + i12 * c[1] + i22 * c[2]) / det,
    ]
    b = p - a[0] * m[..., 0] - a[1] * m[..., 1] - a[2] * m[..., 2]
    out = mean(b)
    for i in range(3):
        out = out + mean(a[i]) * guide[..., i]
    return out


def without_overlap(softs: dict[str, Floats]) -> dict[str, Floats]:
    """Finished masks at the plate's size, none of which overlap."""
    labels = list(softs)
    if sum(bool((softs[label] >= 0.5).any()) for label in labels) < 2:
        return softs
    decided = compete([softs[label] for label in labels], [claims_of(softs[label]) for label in labels])
    return dict(zip(labels, decided, strict=True))
