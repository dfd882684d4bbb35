"""What is known of every mask, measured while the masks go by: a few numbers a frame, the pictures are not kept.

Memory: O(frames) facts of some hundred bytes an object, and the masks of the last two frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from .propagation import FrameMasks

Bools = NDArray[np.bool_]
Box = tuple[int, int, int, int]

_COLOURS = 4
"""Steps of each of red, green and blue in a signature."""

_LOOKED_AT = 4096
"""Pixels that a signature is made of, at most."""

_SPECK = 0.02
"""Share of the mask below which a piece does not count."""

_NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MaskFacts:
    """One object on one frame. area: px. centroid: x, y, px, edges at integers. box: half-open. rim: the mask touches
    the picture's. pieces: that are more than specks. signature: square roots of the shares of 64 colours, float32 [64],
    None when empty or not measured. kept: intersection over union with the mask before. covers: other object -> share
    of its mask of the frame before that this one covers now. overlap: other object -> intersection over union of what
    both claimed before every pixel went to one."""

    number: int
    area: int
    state: str = "tracked"
    confidence: float | None = None
    centroid: tuple[float, float] | None = None
    box: Box | None = None
    rim: bool = False
    pieces: int = 0
    signature: NDArray[np.float32] | None = None
    kept: float = 1.0
    covers: Mapping[str, float] = field(default_factory=lambda: _NOTHING)
    overlap: Mapping[str, float] = field(default_factory=lambda: _NOTHING)


@dataclass
class MaskTrack:
    """The facts of one object, frame by frame. pops: plate number -> how far, in px around the outline on the mean, and
    in shares of the area, the mask differs from both of its neighbours where they agree, its own movement taken off."""

    facts: list[MaskFacts] = field(default_factory=list)
    pops: dict[int, tuple[float, float]] = field(default_factory=dict)


class Watch:
    """Sees every frame once, in order."""

    def __init__(self) -> None:
        self.tracks: dict[str, MaskTrack] = {}
        self._numbers: list[int] = []
        self._recent: dict[str, list[tuple[int, Bools]]] = {}

    def see(self, frame: FrameMasks, masks: Mapping[str, Bools], picture: NDArray[np.uint8] | None = None) -> None:
        """frame: what the engine said. masks: bool [H, W] of each object after they competed. picture: uint8 [H, W, 3],
        for the signatures."""
        before = {key: seen[-1][1] for key, seen in self._recent.items() if seen and seen[-1][0] == frame.number - 1}
        overlaps = _overlaps(frame)
        for key, mask in masks.items():
            track = self.tracks.get(key) or self._begin(key)
            box = _box(mask)
            covers = {other: _covered(mask, box, old) for other, old in before.items() if other != key}
            track.facts.append(
                MaskFacts(
                    frame.number,
                    int(np.count_nonzero(mask)),
                    frame.state.get(key, "tracked"),
                    frame.confidence.get(key),
                    *_form(mask, box),
                    signature=None if picture is None else _signature(mask, box, picture),
                    kept=_kept(mask, before.get(key)),
                    covers={other: share for other, share in covers.items() if share > 0.05} or _NOTHING,
                    overlap=overlaps.get(key) or _NOTHING,
                )
            )
            self._remember(key, frame.number, mask)
        for key in self.tracks.keys() - masks.keys():
            self.tracks[key].facts.append(MaskFacts(frame.number, 0, "hidden", 0.0))
            self._recent[key] = []
        self._numbers.append(frame.number)

    def named(self, names: Mapping[str, str]) -> dict[str, MaskTrack]:
        """The tracks of those objects that `names` gives a label, by it, in its order."""
        return {label: _renamed(self.tracks[key], names) for key, label in names.items()}

    def _begin(self, key: str) -> MaskTrack:
        """An object that was not there in the frames so far."""
        self.tracks[key] = MaskTrack([MaskFacts(number, 0, "hidden", 0.0) for number in self._numbers])
        return self.tracks[key]

    def _remember(self, key: str, number: int, mask: Bools) -> None:
        recent = [*self._recent.get(key, []), (number, mask)][-3:]
        self._recent[key] = recent
        if [n for n, _ in recent] == [number - 2, number - 1, number] and all(m.any() for _, m in recent):
            self.tracks[key].pops[number - 1] = _pop(*(m for _, m in recent))


def _renamed(track: MaskTrack, names: Mapping[str, str]) -> MaskTrack:
    def known(shares: Mapping[str, float]) -> dict[str, float]:
        return {names[key]: share for key, share in shares.items() if key in names}

    facts = [replace(fact, covers=known(fact.covers), overlap=known(fact.overlap)) for fact in track.facts]
    return MaskTrack(facts, track.pops)


def _box(mask: Bools) -> Box | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1) if len(rows) else None


def _form(mask: Bools, box: Box | None) -> tuple[tuple[float, float] | None, Box | None, bool, int]:
    """Centroid, box, whether it touches the rim, pieces."""
    if box is None:
        return None, None, False, 0
    x0, y0, x1, y1 = box
    inside = mask[y0:y1, x0:x1].astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    by_row, by_column = inside.sum(axis=1, dtype=np.int64), inside.sum(axis=0, dtype=np.int64)
    total = float(by_row.sum())
    x = float((np.arange(x0, x1) + 0.5) @ by_column) / total
    y = float((np.arange(y0, y1) + 0.5) @ by_row) / total
    rim = x0 == 0 or y0 == 0 or x1 == mask.shape[1] or y1 == mask.shape[0]
    return (x, y), box, rim, int(np.count_nonzero(sizes >= _SPECK * sizes.sum())) if count > 1 else 0


def _signature(mask: Bools, box: Box | None, picture: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    if box is None:
        return None
    x0, y0, x1, y1 = box
    colours = picture[y0:y1, x0:x1][mask[y0:y1, x0:x1]]
    steps = colours[:: max(len(colours) // _LOOKED_AT, 1)].astype(np.int64) * _COLOURS // 256
    counts = np.bincount(steps @ np.array([_COLOURS**2, _COLOURS, 1]), minlength=_COLOURS**3)
    return np.asarray(np.sqrt(counts / counts.sum()), np.float32)


def _kept(mask: Bools, before: Bools | None) -> float:
    if before is None:
        return 1.0
    either = np.count_nonzero(mask | before)
    return float(np.count_nonzero(mask & before) / either) if either else 1.0


def _covered(mask: Bools, box: Box | None, other: Bools) -> float:
    size = np.count_nonzero(other)
    if box is None or not size:
        return 0.0
    x0, y0, x1, y1 = box
    return float(np.count_nonzero(mask[y0:y1, x0:x1] & other[y0:y1, x0:x1]) / size)


def _overlaps(frame: FrameMasks) -> dict[str, dict[str, float]]:
    """Intersection over union of what two objects claim."""
    claimed = {key: soft >= 0.5 for key, soft in frame.soft.items()} if len(frame.soft) > 1 else {}
    sizes = {key: int(np.count_nonzero(mask)) for key, mask in claimed.items()}
    boxes = {key: _box(mask) for key, mask in claimed.items()}
    found: dict[str, dict[str, float]] = {}
    for a in claimed:
        for b in claimed:
            if a != b and sizes[b] and sizes[a]:
                both = _covered(claimed[a], boxes[a], claimed[b]) * sizes[b]
                if both > 0:
                    found.setdefault(a, {})[b] = both / (sizes[a] + sizes[b] - both)
    return found


def _pop(before: Bools, now: Bools, after: Bools) -> tuple[float, float]:
    """How far the middle of three masks differs from the others where they agree: px around the outline, and the share
    of its area. All three are laid on their centroids, so that movement does not count; and where the two differ more
    among themselves, the shape is changing quickly, and it is nothing."""
    boxes = [_box(mask) for mask in (before, now, after)]
    known = [box for box in boxes if box is not None]
    half = int(max(max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in known)) + 2
    a, b, c = (_around(mask, box, half) for mask, box in zip((before, now, after), known, strict=True))
    popped = int(np.count_nonzero((a == c) & (a != b)))
    if popped <= np.count_nonzero(a != c):
        return 0.0, 0.0
    inside = cv2.erode(b.astype(np.uint8), np.ones((3, 3), np.uint8))
    area = int(np.count_nonzero(b))
    around = area - int(np.count_nonzero(inside))
    return popped / max(around, 1), popped / max(area, 1)


def _around(mask: Bools, box: Box, half: int) -> Bools:
    """The mask in a square of 2 half px about its centroid, to the pixel."""
    x, y = _centroid(mask, box)
    x0, y0, x1, y1 = box
    canvas = np.zeros((2 * half, 2 * half), bool)
    left, top = x0 - round(x) + half, y0 - round(y) + half
    canvas[top : top + y1 - y0, left : left + x1 - x0] = mask[y0:y1, x0:x1]
    return canvas


def _centroid(mask: Bools, box: Box) -> tuple[float, float]:
    x0, y0, x1, y1 = box
    inside = mask[y0:y1, x0:x1]
    rows, columns = inside.sum(axis=1), inside.sum(axis=0)
    total = float(rows.sum())
    return float(np.arange(x0, x1) @ columns) / total, float(np.arange(y0, y1) @ rows) / total
