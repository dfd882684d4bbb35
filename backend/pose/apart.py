"""Pictures in which one person stands alone.

Landmark networks look at whoever is plainest in their region: of two people who cross they give the one in front twice.
Where others overlap somebody's region, their pixels are therefore painted over with the surroundings' mean colour; what
they hide of the person stays hidden.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.roto.people.evidence import PersonEvidence, Region

from .job import Mask, Picture

Flags = NDArray[np.bool_]
Window = tuple[int, int, int, int]

_GROWN = 0.012
"""Of the region's side: how far beyond the others' masks the paint goes, whose edges are soft."""


def window_of(region: Region, width: int, height: int) -> Window:
    """x0, y0, x1, y1: the part of a picture that a turned region covers."""
    x, y, size, _ = region
    reach = size * math.sqrt(0.5)
    x0, y0 = max(0, math.floor(x - reach)), max(0, math.floor(y - reach))
    return x0, y0, min(width, math.ceil(x + reach)), min(height, math.ceil(y + reach))


def alone(picture: Picture, region: Region, others: Flags | None, own: Flags | None) -> Picture:
    """A copy of the picture [H, W, 3] without the others; the picture itself when none is in the region. others, own:
    bool [H, W], where they are and where the person is."""
    if others is None:
        return picture
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = window_of(region, width, height)
    if x1 - x0 < 2 or y1 - y0 < 2 or not others[y0:y1, x0:x1].any():
        return picture
    reach = 2 * max(1, round(_GROWN * region[2])) + 1
    over = np.asarray(cv2.dilate(others[y0:y1, x0:x1].astype(np.uint8), np.ones((reach, reach), np.uint8))) > 0
    if own is not None:
        over &= ~own[y0:y1, x0:x1]
    if over.all():
        return picture
    painted = picture.copy()
    window = painted[y0:y1, x0:x1]
    window[over] = window[~over].mean(0).astype(np.uint8)
    return painted


def found_others(
    own: PersonEvidence | None, others: Sequence[PersonEvidence], size: tuple[int, int]
) -> tuple[Flags | None, Flags | None]:
    """Where the others and the person are, bool [height, width] of the picture that the evidence is of: each px belongs
    to who is likeliest there. None for nobody."""
    if not others:
        return None, None
    strongest = np.max([other.full_mask(*size) for other in others], axis=0)
    if own is None:
        return strongest >= 0.5, None
    mine = own.full_mask(*size)
    return (strongest >= 0.5) & (strongest > mine), (mine >= 0.5) & (mine >= strongest)


def masked_others(label: str, masks: Mapping[str, Mask | None]) -> tuple[Flags | None, Flags | None]:
    """As `found_others`, of roto masks [H, W] by label."""
    there = [mask >= 128 for other, mask in masks.items() if other != label and mask is not None]
    if not there:
        return None, None
    mine = masks.get(label)
    return np.logical_or.reduce(there), None if mine is None else mine >= 128


def enlarged(flags: Flags | None, width: int, height: int) -> Flags | None:
    """At another size."""
    if flags is None or flags.shape == (height, width):
        return flags
    return np.asarray(cv2.resize(flags.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)) > 0
