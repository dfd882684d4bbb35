"""No pixel belongs to two objects."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .movement import Floats


def compete(softs: Sequence[Floats], odds: Sequence[Floats]) -> list[Floats]:
    """Masks in which at most one is >= 0.5 at each pixel: the one that claims it more strongly; the first one where
    claims are equal. softs, odds: float32 [h, w] of each object."""
    if len(softs) < 2:
        return list(softs)
    claims = np.stack([cv2.GaussianBlur(o, (0, 0), 1.5) for o in odds])
    masks = np.stack(softs)
    claims = np.where(masks >= 0.5, claims, -np.inf)
    winner = claims.argmax(0)
    contested = (masks >= 0.5).sum(0) > 1
    lost = contested & (np.arange(len(softs))[:, None, None] != winner)
    return list(np.where(lost, np.minimum(masks, 1 - masks) * np.float32(0.98), masks))


def claims_of(soft: Floats) -> Floats:
    """How strongly a finished mask claims its pixels: its log odds, float32 [h, w]."""
    bounded = np.clip(soft, 0.01, 0.99)
    claims: Floats = np.log(bounded / (1 - bounded)).astype(np.float32)
    return claims


def union(masks: Sequence[Floats], shape: tuple[int, int]) -> Floats:
    """Where any of them is, float32 [h, w]."""
    out = np.zeros(shape, np.float32)
    for mask in masks:
        np.maximum(out, mask, out=out)
    return out
