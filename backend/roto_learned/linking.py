"""Boxes of single frames joined over time, and hints made of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from backend.roto.cut import Hints

from .boxes import Boxes, Detected
from .sam2 import Floats, Picture

_GATE = 1.2
"""Of the cost: boxes that do not overlap at all may still be the same if they are near and look alike."""

_UNLIKE = 0.75
_BINS = 8
_FORGOTTEN_S = 3.0
_PROMPTS_PER_S = 0.5


@dataclass
class BoxTrack:
    """One object. seen: (index, detection) by frame. colours [bins^3]: of the box's inside, sum 1."""

    label: str
    colours: Floats
    seen: list[tuple[int, Detected]] = field(default_factory=list)

    @property
    def score(self) -> float:
        return max(found.score for _, found in self.seen)

    def expected(self, index: int) -> Boxes:
        """Where the box would be if it went on as between its last two frames."""
        last, found = self.seen[-1]
        if len(self.seen) < 2:
            return found.box
        before, other = self.seen[-2]
        ahead = min((index - last) / (last - before), 2.0)
        return np.asarray(found.box + ahead * (found.box - other.box))


class BoxLinker:
    """Frames are given in order. fps: of the clip."""

    def __init__(self, fps: float) -> None:
        self._patience = max(1.0, _FORGOTTEN_S * fps)
        self.tracks: list[BoxTrack] = []

    def add(self, index: int, found: Sequence[Detected], picture: Picture) -> None:
        alive = [track for track in self.tracks if index - track.seen[-1][0] <= self._patience]
        colours = [colours_in(picture, one.box) for one in found]
        cost = np.array([[_cost(t, index, d, c) for d, c in zip(found, colours, strict=True)] for t in alive])
        taken: set[int] = set()
        if cost.size:
            rows, columns = linear_sum_assignment(np.where(np.isfinite(cost), cost, 1e3))
            for row, column in zip(rows, columns, strict=True):
                if math.isfinite(cost[row, column]):
                    alive[row].seen.append((index, found[column]))
                    alive[row].colours = 0.75 * alive[row].colours + 0.25 * colours[column]
                    taken.add(int(column))
        for column, one in enumerate(found):
            if column not in taken:
                self.tracks.append(BoxTrack(one.label, colours[column], [(index, one)]))


def _cost(track: BoxTrack, index: int, found: Detected, colours: Floats) -> float:
    """Infinite where they cannot be the same."""
    if track.label != found.label:
        return math.inf
    expected = track.expected(index)
    size = math.sqrt(max(1.0, float(np.prod(expected[2:] - expected[:2]))))
    apart = float(np.hypot(*(_middle(expected) - _middle(found.box)))) / size
    unlike = math.sqrt(max(0.0, 1.0 - float(np.sqrt(track.colours * colours).sum())))
    cost = min(apart, 2.0) + unlike
    return cost if cost < _GATE and unlike < _UNLIKE else math.inf


def _middle(box: Boxes) -> Boxes:
    return np.asarray((box[:2] + box[2:]) / 2.0)


def colours_in(picture: Picture, box: Boxes) -> Floats:
    """float32 [bins^3]: histogram in CIE Lab of the middle half of a box, where the object fills it."""
    quarter = (box[2:] - box[:2]) / 4.0
    x0, y0 = np.floor(box[:2] + quarter).astype(int)
    x1, y1 = np.maximum(np.ceil(box[2:] - quarter).astype(int), (x0 + 1, y0 + 1))
    lab = cv2.cvtColor(np.ascontiguousarray(picture[y0:y1, x0:x1]), cv2.COLOR_RGB2LAB)
    lab = np.clip(lab, [0, 64, 64], [255, 191, 191]).astype(np.uint8)
    counts = cv2.calcHist([lab], [0, 1, 2], None, [_BINS] * 3, [0, 256, 64, 192, 64, 192]).ravel()
    return np.asarray(counts / max(float(counts.sum()), 1.0), np.float32)


def hints_of_tracks(
    tracks: Sequence[BoxTrack], numbers: Sequence[int], fps: float
) -> list[tuple[str, Mapping[int, Hints]]]:
    """(label, plate number -> hints) of every object, in order: its surest boxes."""
    return [
        (
            track.label,
            {
                numbers[index]: Hints(boxes=one.box[None], label=track.label, frame=numbers[index])
                for index, one in surest(track, fps)
            },
        )
        for track in tracks
    ]


def in_order(tracks: Sequence[BoxTrack]) -> list[BoxTrack]:
    """By first appearance, then from left to right."""
    return sorted(tracks, key=lambda one: (one.seen[0][0], float(one.seen[0][1].box[0])))


def surest(track: BoxTrack, fps: float) -> list[tuple[int, Detected]]:
    """(index, detection): the one with the highest score of every two seconds."""
    best: dict[int, tuple[int, Detected]] = {}
    for index, one in track.seen:
        slot = int(index * _PROMPTS_PER_S / fps)
        if slot not in best or one.score > best[slot][1].score:
            best[slot] = (index, one)
    return list(best.values())
