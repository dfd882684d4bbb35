"""Left and right, where a detector has taken one for the other.

For some frames arms or legs jump to where those of the other side were, and back: the likeliest sequence of right and
exchanged frames is found from how far the joints would have to jump (Viterbi 1967), and what is exchanged is put right.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .evidence import Evidence, Flags
from .skeleton import Floats, Skeleton

_GROUPS = (
    ("shoulder", "elbow", "wrist", "hand"),
    ("hip", "knee", "ankle", "heel", "foot_index"),
)
"""Joints that are exchanged together."""

_MOVED = 0.03
"""Of the body's extent in the picture: how far a joint travels in 1/24 s."""

_MOST = 25.0
"""A jump that is less likely than this says no more."""

_LONGEST_S = 0.5
"""A detector that says so for longer is believed: somebody has turned round unseen."""

_SWITCH = 25.0
"""Minus twice the logarithm of the odds that a detector changes its mind."""


def unswapped(skeleton: Skeleton, evidence: Evidence, fps: float, cuts: tuple[int, ...] = ()) -> tuple[Evidence, Flags]:
    """The evidence with left and right in their places, and [T,2] where arms and legs had been exchanged. In each
    stretch between cuts most frames are taken to be right."""
    wrong = np.zeros((len(evidence), len(_GROUPS)), np.bool_)
    arrays = [one.copy() for one in (evidence.xy, evidence.sd_px, evidence.relative, evidence.sd_m)]
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(evidence)}), len(evidence)]
    spread = _moved(evidence, fps)
    for g, group in enumerate(_GROUPS):
        left, right = ([skeleton.index(f"{side}_{part}") for part in group] for side in ("left", "right"))
        for start, stop in pairwise(edges):
            wrong[start:stop, g] = _short(_exchanged(evidence, left, right, spread, start, stop), _LONGEST_S * fps)
        at = np.nonzero(wrong[:, g])[0][:, None]
        for array in arrays:
            array[at, left + right] = array[at, right + left]
    return Evidence(*arrays), wrong


def _moved(evidence: Evidence, fps: float) -> float:
    """px a joint travels from one frame to the next."""
    extents = [
        np.ptp(xy[seen], axis=0).max() for xy, seen in zip(evidence.xy, evidence.seen, strict=True) if seen.any()
    ]
    return _MOVED * 24.0 / fps * float(np.median(extents)) if extents else 1.0


def _exchanged(evidence: Evidence, left: list[int], right: list[int], moved: float, start: int, stop: int) -> Flags:
    """[stop - start]"""
    frames = [t for t in range(start, stop) if evidence.seen[t][left + right].any()]
    if len(frames) < 2:
        return np.zeros(stop - start, np.bool_)
    best, came = np.zeros(2), np.zeros((len(frames), 2), np.int64)
    for i, (before, t) in enumerate(pairwise(frames), 1):
        stayed, crossed = _jumps(evidence, before, t, left, right, moved * (t - before))
        keep, change = best + stayed, best[::-1] + crossed + _SWITCH
        came[i] = np.where(keep <= change, [0, 1], [1, 0])
        best = np.minimum(keep, change)
    found = np.zeros(stop - start, np.bool_)
    state = int(best.argmin())
    for i in range(len(frames) - 1, -1, -1):
        found[frames[i] - start] = state == 1
        state = int(came[i, state])
    swapped = found[np.array(frames) - start]
    return ~found if swapped.mean() > 0.5 else found


def _short(found: Flags, most: float) -> Flags:
    """Without the runs of more than `most` frames."""
    edges = np.nonzero(np.diff(found.astype(np.int64), prepend=0, append=0))[0]
    kept = found.copy()
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        kept[start:stop] = stop - start <= most
    return kept


def _jumps(
    evidence: Evidence, before: int, t: int, left: list[int], right: list[int], moved: float
) -> tuple[float, float]:
    """How unlikely it is, minus twice the logarithm, that the joints came from their own places, and from those of the
    other side."""

    def cost(old: list[int], new: list[int]) -> float:
        variance = evidence.sd_px[before, old] ** 2 + evidence.sd_px[t, new] ** 2 + moved**2
        off: Floats = ((evidence.xy[t, new] - evidence.xy[before, old]) ** 2).sum(1) / variance
        return float(np.minimum(np.where(np.isfinite(variance), off, 0.0), _MOST).sum())

    return cost(left + right, left + right), cost(left + right, right + left)
