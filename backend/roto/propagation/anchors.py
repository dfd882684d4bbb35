"""Masks of the prompted frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from backend.roto.cut import Cutter, Hints, beside
from backend.roto.timing import PROMPTED_FRAMES, Measure, unmeasured

from .movement import Floats
from .plan import Anchor, LabelPlan
from .settings import PropagationSettings
from .store import HIDDEN, PROMPTED, MaskStore, StoredMask
from .vicinity import evidence_around
from .windows import Pictures, from_bytes, shrink, to_bytes


class Anchors:
    """Cuts each prompted frame once, at the plate's size, and keeps it in the store under the anchor's key."""

    def __init__(
        self,
        pictures: Pictures,
        numbers: Sequence[int],
        plans: Mapping[str, LabelPlan],
        store: MaskStore,
        settings: PropagationSettings,
        measure: Measure = unmeasured,
    ) -> None:
        """numbers: of the clip, ascending."""
        self._numbers, self._measure = numbers, measure
        self._pictures, self._plans, self._store, self._settings = pictures, plans, store, settings
        self._cutter: tuple[int, Cutter] | None = None

    def at(self, label: str, number: int) -> Anchor | None:
        return self._plans[label].anchors.get(number)

    def is_made(self, label: str, anchor: Anchor) -> bool:
        return self._store.has(anchor.key, label, anchor.number)

    def make(self, label: str, anchor: Anchor, followed: Floats | None) -> StoredMask:
        """followed: the soft mask that led here, float32 [H, W] at the plate's size, for an anchor that corrects it.

        Raises `InvalidRequest` for hints that make no sense, naming label and frame.
        """
        if self.is_made(label, anchor):
            return self._store.get(anchor.key, label, anchor.number)
        with self._measure(PROMPTED_FRAMES):
            made = self._cut(label, anchor, followed)
        self._store.put(anchor.key, label, anchor.number, made)
        return made

    def _cut(self, label: str, anchor: Anchor, followed: Floats | None) -> StoredMask:
        start = followed if followed is not None and not anchor.strong and (followed >= 0.5).any() else None
        others = self._beside(label, anchor.number)
        evidence = self._evidence(anchor) if start is None else None
        soft = self._cutter_of(anchor.number).soft_mask(anchor.hints, others, start, evidence=evidence)
        state = HIDDEN if anchor.hints.absent else PROMPTED
        return StoredMask(to_bytes(soft), state, 1.0)

    def working(self, label: str, number: int) -> Floats | None:
        """The mask at the working size, as far as it is made or needs no other frame; None otherwise."""
        anchor = self.at(label, number)
        if anchor is None or not (anchor.strong or self.is_made(label, anchor)):
            return None
        return self.shrunk(self.make(label, anchor, None))

    def shrunk(self, made: StoredMask) -> Floats:
        return from_bytes(shrink(made.soft, self._settings.longest_side))

    def _evidence(self, anchor: Anchor) -> Floats | None:
        """What the frames near by say of a box; nothing of a painted mask, nor where there is no box."""
        hints = anchor.hints
        if hints.absent or hints.mask is not None or not len(hints.boxes):
            return None
        inside = _inside(hints, self._pictures(anchor.number).shape)
        if not inside.any() or inside.all():
            return None
        return evidence_around(self._pictures, anchor.number, self._numbers, inside, self._settings)

    def _beside(self, label: str, number: int) -> list[Floats]:
        """Masks of the other objects that stand by themselves at the frame and were cut before."""
        beside = []
        for other in self._plans:
            anchor = self.at(other, number)
            if other != label and anchor is not None and self.is_made(other, anchor):
                beside.append(from_bytes(self._store.get(anchor.key, other, number).soft))
        return beside

    def _cutter_of(self, number: int) -> Cutter:
        """A picture's features serve all objects that are prompted on it."""
        if self._cutter is None or self._cutter[0] != number:
            neighbour = beside(number, self._numbers)
            moving = None if neighbour is None else self._pictures(neighbour)
            self._cutter = (number, Cutter(self._pictures(number), moving))
        return self._cutter[1]


def _inside(hints: Hints, shape: Sequence[int]) -> NDArray[np.bool_]:
    """The union of the boxes, bool [H, W]."""
    inside = np.zeros((shape[0], shape[1]), bool)
    for x0, y0, x1, y1 in hints.boxes:
        rows = slice(max(0, math.floor(y0)), max(0, math.ceil(y1)))
        inside[rows, max(0, math.floor(x0)) : max(0, math.ceil(x1))] = True
    return inside
