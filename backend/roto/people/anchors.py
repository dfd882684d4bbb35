"""Masks of people as hints for the propagation, where they are sure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.roto.cut import Hints
from backend.roto.lazy_hints import FoundHints

from .evidence import Floats, PersonEvidence, Picture
from .sampling import Looked
from .tracks import Sighting, Track

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]

_AGREED = 0.85
_CLEAR = 0.05
"""Overlap with somebody else's box, in parts of the own one, above which the one behind gives no anchor: the network
mixes people who stand before each other."""

_GONE_S = 1.0
_REACH = 3.0 / 256.0
_SMOOTH = 1e-4
"""Of the guided filter: squared contrast (of 0..1) that still counts as flat."""


@dataclass(frozen=True)
class Anchor:
    """A sighting that may become a hint. index: of the frame. others: everybody else who was seen in it."""

    index: int
    own: PersonEvidence
    others: tuple[PersonEvidence, ...]


class TrackHints(Mapping[int, Hints]):
    """Plate number -> hints of one person. Only the mask asked for last is kept."""

    def __init__(
        self,
        label: str,
        numbers: Sequence[int],
        anchors: Sequence[Anchor],
        absent: Sequence[int],
        picture: Callable[[int], Picture],
        scale: float,
    ) -> None:
        self._label, self._picture, self._scale = label, picture, scale
        self._anchors = {numbers[anchor.index]: anchor for anchor in anchors}
        self._absent = {numbers[index] for index in absent}
        self._last: tuple[int, Bools] | None = None

    def __getitem__(self, number: int) -> Hints:
        if number in self._absent:
            return Hints(absent=True, label=self._label, frame=number)
        if number not in self._anchors:
            raise KeyError(number)
        return FoundHints(self._label, number, self._mask)

    def _mask(self, number: int) -> Bools:
        if self._last is None or self._last[0] != number:
            self._last = (number, anchor_mask(self._anchors[number], self._picture(number), self._scale))
        return self._last[1]

    def __iter__(self) -> Iterator[int]:
        return iter(sorted({*self._anchors, *self._absent}))

    def __len__(self) -> int:
        return len(self._anchors) + len(self._absent)


def hints_of(
    label: str, track: Track, looked: Looked, numbers: Sequence[int], fps: float, picture: Callable[[int], Picture]
) -> TrackHints:
    """The hints of a person."""
    anchors = chosen_anchors(track, looked)
    absent = absences(track, looked, len(numbers), fps)
    return TrackHints(label, numbers, anchors, absent, picture, looked.scale)


def chosen_anchors(track: Track, looked: Looked) -> list[Anchor]:
    """Every sighting that is sure; the surest of all where none is."""
    anchors = [_anchor(one, track, looked) for one in track.sightings]
    sure = [anchor for anchor in anchors if is_sure(anchor)]
    return sure or [max(anchors, key=lambda one: (not _is_behind(one), one.own.agreement))]


def is_sure(anchor: Anchor) -> bool:
    """Whether the network's two masks agree, and nobody nearer to the camera overlaps the person."""
    return anchor.own.agreement >= _AGREED and not _is_behind(anchor)


def _anchor(sighting: Sighting, track: Track, looked: Looked) -> Anchor:
    others = tuple(
        one.person
        for other in looked.tracks
        if other is not track
        for one in other.sightings
        if one.index == sighting.index
    )
    return Anchor(sighting.index, sighting.person, others)


def _is_behind(anchor: Anchor) -> bool:
    """Whether somebody else overlaps the person and stands nearer to the camera: lower in the picture."""
    own = anchor.own.sure_box
    boxes = [other.sure_box for other in anchor.others]
    return any(_overlap(own, box) > _CLEAR and box[3] >= own[3] for box in boxes)


def _overlap(own: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    width = min(own[2], other[2]) - max(own[0], other[0])
    height = min(own[3], other[3]) - max(own[1], other[1])
    area = (own[2] - own[0]) * (own[3] - own[1])
    return max(0, width) * max(0, height) / max(1, area)


def absences(track: Track, looked: Looked, count: int, fps: float) -> list[int]:
    """Frames at which the person is certainly not to be seen: the first and the last looked at of a stretch without
    sightings, a second away from those: there the propagation would follow the background."""
    found: list[int] = []
    seen = [one.index for one in track.sightings]
    away = max(1, round(_GONE_S * fps))
    for before, after in zip([None, *seen], [*seen, None], strict=True):
        first = 0 if before is None else before + 1
        last = count - 1 if after is None else after - 1
        start = first if before is None else first + away
        end = last if after is None else last - away
        looked_there = [index for index in looked.indices if start <= index <= end]
        if looked_there:
            found += sorted({looked_there[0], looked_there[-1]})
    return found


def anchor_mask(anchor: Anchor, picture: Picture, scale: float) -> Bools:
    """bool [H, W] at the plate's size: where the person is likelier than not, and likelier than anybody else."""
    height, width = picture.shape[:2]
    small = (max(1, round(height * scale)), max(1, round(width * scale)))
    own = refined(_plate_size(anchor.own.full_mask(*small), (height, width)), picture, anchor.own.region[2] / scale)
    mask = own >= 0.5
    for other in anchor.others:
        mask &= own >= _plate_size(other.full_mask(*small), (height, width))
    return np.asarray(mask)


def _plate_size(soft: Floats, size: tuple[int, int]) -> Floats:
    if soft.shape == size:
        return soft
    return np.asarray(cv2.resize(soft, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def refined(soft: Floats, picture: Picture, size: float) -> Floats:
    """A soft mask brought to the picture's edges by a guided filter (He et al., ECCV 2010) with the picture's three
    colours. size: of the person's region in px; the networks' masks have 256 samples over it, so that their boundary
    is uncertain by a few of those."""
    radius = max(1, round(_REACH * size))
    rows, columns = (np.flatnonzero((soft > 0.01).any(axis)) for axis in (1, 0))
    if not len(rows):
        return soft
    top, left = max(0, rows[0] - 3 * radius), max(0, columns[0] - 3 * radius)
    window = np.s_[top : rows[-1] + 3 * radius, left : columns[-1] + 3 * radius]
    better = soft.copy()
    better[window] = _guided(soft[window], picture[window].astype(np.float32) / 255.0, radius)
    return np.clip(better, 0.0, 1.0)


def _guided(soft: Floats, guide: Floats, radius: int) -> Floats:
    """soft [h, w], guide [h, w, 3]; the local linear model's coefficients are solved at every pixel."""

    def mean(values: Floats) -> Floats:
        side = 2 * radius + 1
        return np.asarray(cv2.boxFilter(values, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)

    colour, level = mean(guide), mean(soft)
    with_mask = mean(guide * soft[..., None]) - colour * level[..., None]

    def spread(i: int, j: int) -> Doubles:
        own = _SMOOTH if i == j else 0.0
        product = mean(np.ascontiguousarray(guide[..., i] * guide[..., j]))
        return np.asarray(product - colour[..., i] * colour[..., j] + own, np.float64)

    slope = _solved((spread(0, 0), spread(0, 1), spread(0, 2), spread(1, 1), spread(1, 2), spread(2, 2)), with_mask)
    offset = level - (slope * colour).sum(-1)
    return np.asarray((mean(slope) * guide).sum(-1) + mean(offset), np.float32)


def _solved(matrix: tuple[Doubles, ...], right: Floats) -> Floats:
    """matrix: xx, xy, xz, yy, yz, zz of symmetric ones, [h, w] each; right [h, w, 3]. By cofactors: several
    times as fast as numpy's solver for stacks of matrices, and a cancel waits for it."""
    xx, xy, xz, yy, yz, zz = matrix
    inner = (yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy)
    outer = (xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy)
    inverse = (inner, (inner[1], outer[0], outer[1]), (inner[2], outer[1], outer[2]))
    scale = xx * inner[0] + xy * inner[1] + xz * inner[2]
    found = [sum(part * right[..., i] for i, part in enumerate(row)) / scale for row in inverse]
    return np.stack(found, -1).astype(np.float32)
