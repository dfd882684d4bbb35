"""Left and right, where a detector has taken one for the other.

For some frames arms or legs jump to where those of the other side were, and back: the likeliest sequence of right and
exchanged frames is found from how far the joints would have to jump (Viterbi 1967), and what is exchanged is put right.
"""

from __future__ import annotations

from collections.abc import Callable
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


Parts = Callable[[int, int], Evidence]
"""First frame, the one after the last -> their evidence."""

_CHUNK = 120


def exchanged(skeleton: Skeleton, parts: Parts, frames: int, fps: float, cuts: tuple[int, ...] = ()) -> Flags:
    """[T,2] where arms and legs are exchanged. In each stretch between cuts most frames are taken to be right."""
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < frames}), frames]
    links = _links(skeleton, parts, set(edges), _moved(parts, frames, fps), frames)
    wrong = np.zeros((frames, len(_GROUPS)), np.bool_)
    for g in range(len(_GROUPS)):
        for start, stop in pairwise(edges):
            wrong[start:stop, g] = _short(_likeliest(links[start:stop, g]), _LONGEST_S * fps)
    return wrong


def put_right(skeleton: Skeleton, evidence: Evidence, wrong: Flags) -> Evidence:
    """The evidence with left and right in their places. wrong [T,2]: where those of arms and legs are not."""
    if not wrong.any():
        return evidence
    arrays = [one.copy() for one in (evidence.xy, evidence.sd_px, evidence.relative, evidence.sd_m)]
    for g, (left, right) in enumerate(_sides(skeleton)):
        at = np.nonzero(wrong[:, g])[0][:, None]
        for array in arrays:
            array[at, left + right] = array[at, right + left]
    return Evidence(*arrays)


def _sides(skeleton: Skeleton) -> list[tuple[list[int], list[int]]]:
    """Joints of the left and the right side of each group."""
    return [
        ([skeleton.index(f"left_{part}") for part in group], [skeleton.index(f"right_{part}") for part in group])
        for group in _GROUPS
    ]


def _moved(parts: Parts, frames: int, fps: float) -> float:
    """px a joint travels from one frame to the next."""
    extents: list[float] = []
    for start in range(0, frames, _CHUNK):
        part = parts(start, min(start + _CHUNK, frames))
        extents += [
            float(np.ptp(xy[seen], axis=0).max()) for xy, seen in zip(part.xy, part.seen, strict=True) if seen.any()
        ]
    return _MOVED * 24.0 / fps * float(np.median(extents)) if extents else 1.0


def _links(skeleton: Skeleton, parts: Parts, begins: set[int], moved: float, frames: int) -> Floats:
    """[T,G,2]: how unlikely it is that a group's joints came from their own places, and from those of the other side,
    since the last frame of the stretch that showed any of them; NaN in frames that show none, 0 in the first."""
    found = np.full((frames, len(_GROUPS), 2), np.nan)
    sides = _sides(skeleton)
    last: list[tuple[int, Evidence] | None] = [None] * len(sides)
    for start in range(0, frames, _CHUNK):
        part = parts(start, min(start + _CHUNK, frames))
        seen = part.seen
        for row in range(len(part)):
            if start + row in begins:
                last = [None] * len(sides)
            for g, (left, right) in enumerate(sides):
                if not seen[row][left + right].any():
                    continue
                now, before = part.part(row, row + 1), last[g]
                found[start + row, g] = 0.0
                if before is not None:
                    waited = start + row - before[0]
                    found[start + row, g] = _jumps(before[1], now, left, right, moved * waited)
                last[g] = start + row, now
    return found


def _likeliest(links: Floats) -> Flags:
    """[T]: where the sides are exchanged; links [T,2] of one group and stretch."""
    frames = np.nonzero(np.isfinite(links[:, 0]))[0]
    found = np.zeros(len(links), np.bool_)
    if len(frames) < 2:
        return found
    best, came = np.zeros(2), np.zeros((len(frames), 2), np.int8)
    for i, (stayed, crossed) in enumerate(links[frames[1:]], 1):
        keep, change = best + stayed, best[::-1] + crossed + _SWITCH
        came[i] = np.where(keep <= change, [0, 1], [1, 0])
        best = np.minimum(keep, change)
    state = int(best.argmin())
    for i in range(len(frames) - 1, -1, -1):
        found[frames[i]] = state == 1
        state = int(came[i, state])
    return ~found if found[frames].mean() > 0.5 else found


def _short(found: Flags, most: float) -> Flags:
    """Without the runs of more than `most` frames."""
    edges = np.nonzero(np.diff(found.astype(np.int64), prepend=0, append=0))[0]
    kept = found.copy()
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        kept[start:stop] = stop - start <= most
    return kept


def _jumps(before: Evidence, now: Evidence, left: list[int], right: list[int], moved: float) -> tuple[float, float]:
    """How unlikely it is, minus twice the logarithm, that the joints of one frame came from their own places in
    another, and from those of the other side."""

    def cost(old: list[int], new: list[int]) -> float:
        variance = before.sd_px[0, old] ** 2 + now.sd_px[0, new] ** 2 + moved**2
        off: Floats = ((now.xy[0, new] - before.xy[0, old]) ** 2).sum(1) / variance
        return float(np.minimum(np.where(np.isfinite(variance), off, 0.0), _MOST).sum())

    return cost(left + right, left + right), cost(left + right, right + left)
