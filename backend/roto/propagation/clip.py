"""A clip's masks from its prompted frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from backend.roto.cut import Hints
from backend.roto.timing import Measure, unmeasured

from .anchors import Anchors
from .blend import at_full_size, blended, without_overlap
from .movement import Floats
from .plan import LabelPlan, Span, plan_label
from .result import FrameMasks
from .settings import PropagationSettings
from .store import HIDDEN, LOST, MaskStore, StoredMask
from .sweep import Sweep
from .windows import Pictures, from_bytes

Checkpoint = Callable[[str, int, int], None]


def clip_masks(
    pictures: Pictures,
    numbers: Sequence[int],
    prompts: Mapping[str, Mapping[int, Hints]],
    store: MaskStore,
    settings: PropagationSettings,
    checkpoint: Checkpoint,
    measure: Measure = unmeasured,
) -> Iterator[FrameMasks]:
    """Every number once, ascending, with the masks of all labels.

    pictures: plate number -> uint8 [H, W, 3] RGB; asked in order, forwards, backwards and forwards again as far as
    needed, each frame a few times in a row. prompts: label -> plate number -> hints; first labels in front where
    nothing else decides. checkpoint(what, done, total): may raise to stop; what is in the store then is used
    by the next run. measure: hears what prompted frames take as `PROMPTED_FRAMES`.
    Memory does not depend on the clip's length. Raises `InvalidRequest` for hints that make no sense.
    """
    ordered = sorted(numbers)
    plans = {label: plan_label(label, hints, ordered) for label, hints in prompts.items()}
    anchors = Anchors(pictures, ordered, plans, store, settings, measure)
    for forward in (True, False):
        Sweep(pictures, ordered, plans, anchors, store, settings, forward=forward).run(checkpoint)
    finish = _Finish(pictures, plans, anchors, store)
    for done, number in enumerate(ordered):
        checkpoint("finishing the masks", done, len(ordered))
        yield finish.frame(number)


class _Finish:
    """From the store to finished masks."""

    def __init__(self, pictures: Pictures, plans: Mapping[str, LabelPlan], anchors: Anchors, store: MaskStore) -> None:
        self._pictures, self._plans, self._anchors, self._store = pictures, plans, anchors, store
        self._spans = {(s.label, number): s for plan in plans.values() for s in plan.spans for number in s.numbers}

    def frame(self, number: int) -> FrameMasks:
        softs: dict[str, Floats] = {}
        states: dict[str, str] = {}
        confidence: dict[str, float] = {}
        for label in self._plans:
            soft, mask = self._mask(label, number)
            softs[label], states[label], confidence[label] = soft, mask.state, float(mask.confidence)
        return FrameMasks(number, without_overlap(softs), states, confidence)

    def _mask(self, label: str, number: int) -> tuple[Floats, StoredMask]:
        anchor = self._anchors.at(label, number)
        if anchor is not None:
            made = self._anchors.make(label, anchor, None)
            return from_bytes(made.soft), made
        span = self._spans[label, number]
        before, after = self._track(span, number, forward=True), self._track(span, number, forward=False)
        if before is None and after is None:
            return self._nothing(span, number)
        if span.is_mended and before is not None and after is not None:
            mask = self._store.get(span.mended, label, number)
        else:
            mask = blended(before, after, span.share(number))
        return at_full_size(mask.soft, self._pictures(number)), mask

    def _track(self, span: Span, number: int, *, forward: bool) -> StoredMask | None:
        key = span.track(forward)
        return self._store.get(key, span.label, number) if self._store.has(key, span.label, number) else None

    def _nothing(self, span: Span, number: int) -> tuple[Floats, StoredMask]:
        """Not followed: beside an anchor that says it is absent, or on a side where following is not wanted."""
        ends = [anchor for anchor in (span.first, span.last) if anchor is not None]
        absent = any(anchor.hints.absent for anchor in ends)
        height, width = self._pictures(number).shape[:2]
        empty = StoredMask(np.zeros((1, 1), np.uint8), HIDDEN if absent else LOST, 1.0 if absent else 0.0)
        return np.zeros((height, width), np.float32), empty
