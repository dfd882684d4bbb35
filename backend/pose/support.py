"""What masks say of joints: a network shown half a person invents the rest, and says that it sees it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .apart import Flags
from .keypoints import Keypoints

_REACH = 0.05
"""Of the box's longer side: how far from the person's mask a joint may lie. Masks of networks are as rough."""

_DOUBTED = 0.2
"""Score that a joint has at most that lies on somebody else, who hides it, or where nothing of the person is."""

_WORSE = 4.0
_HIDES = 0.1
"""Of the box's longer side: a joint so near to somebody who hides the person may have been drawn there from behind
them, and is as far off: a network that sees one leg of two puts both there, or shrinks a leg to what is seen of it."""

_TALL_M = 1.7
"""What the longer side is in the network's own metres, about."""

_LEAST = 0.5
"""Share of the joints that a network is sure of, below which so few lie on the person that none is believed."""


def doubted(seen: Keypoints, others: Flags | None, own: Flags | None) -> Keypoints:
    """The keypoints, with what the masks contradict as not seen. others, own: bool [H, W], where other people are and
    where the person is; None where nothing is known of that."""
    if own is None or not own.any():
        return seen
    return _drawn_aside(_elsewhere(seen, others, own), others, own)


def _elsewhere(seen: Keypoints, others: Flags | None, own: Flags) -> Keypoints:
    """Joints that lie on somebody else, or all where most are off the person, are not believed."""
    side = _side(seen)
    far, sure = ~_is_near(seen, own, _REACH * side), seen.score >= 0.5
    if np.count_nonzero(sure & ~far) < _LEAST * np.count_nonzero(sure):
        far = np.ones_like(far)
    elif others is None:
        return seen
    else:  # a mask may lack a fast hand; what lies on somebody else is another matter
        far &= _is_near(seen, others, _REACH * side)
    if not (far & sure).any():
        return seen
    score = np.where(far, np.minimum(seen.score, _DOUBTED), seen.score).astype(np.float32)
    sd_px = np.where(far & sure, _WORSE * seen.sd_px, seen.sd_px).astype(np.float32)
    sd_m = seen.sd_m
    if sd_m is not None:
        sd_m = np.where(far, np.inf if far.all() else 2.0 * sd_m, sd_m).astype(np.float32)
    return replace(seen, score=score, sd_px=sd_px, sd_m=sd_m, whole=float((score >= 0.5).mean()))


def _drawn_aside(seen: Keypoints, others: Flags | None, own: Flags) -> Keypoints:
    """Less sure of the joints beside somebody who stands before the person: whose lowest px is lower in the picture."""
    if others is None or not others.any() or _lowest(others) <= _lowest(own):
        return seen
    beside = _is_near(seen, others, _HIDES * _side(seen))
    sd_px = np.where(beside, np.hypot(seen.sd_px, _HIDES * _side(seen)), seen.sd_px).astype(np.float32)
    sd_m = seen.sd_m
    if sd_m is not None:
        sd_m = np.where(beside, np.hypot(sd_m, _HIDES * _TALL_M), sd_m).astype(np.float32)
    return replace(seen, sd_px=sd_px, sd_m=sd_m)


def _side(seen: Keypoints) -> float:
    return max(seen.box[2] - seen.box[0], seen.box[3] - seen.box[1])


def _lowest(mask: Flags) -> int:
    return int(np.flatnonzero(mask.any(axis=1))[-1])


def _is_near(seen: Keypoints, mask: Flags, reach: float) -> Flags:
    """bool [N]: joints within `reach` px of a mask, and those beyond the picture."""
    height, width = mask.shape
    distance = np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3))
    x, y = np.floor(seen.xy).astype(np.int64).T
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    at = distance[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    return np.asarray(~inside | (at <= max(1, round(reach))))
