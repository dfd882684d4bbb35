"""All objects followed through the clip in one direction.

Frames whose tracks are in the store are not followed again. Where a track stops in the middle (the run was killed), the
tracker goes on from the state that was kept last and follows the few frames since once more, so that the result is that
of a run that was not disturbed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import cv2

from .ahead import FlowAhead
from .anchors import Anchors
from .compete import claims_of, compete, union
from .memory import frozen, thawed
from .mend import mended, remaining
from .movement import Floats, Movement
from .plan import Anchor, LabelPlan, Span
from .settings import PropagationSettings
from .store import MaskStore, StoredMask
from .tracker import Proposal, Tracker
from .windows import Pictures, Working, from_bytes, to_bytes

Checkpoint = Callable[[str, int, int], None]
_REMEMBERED = 8
"""Frames after which the trackers' states are kept."""


class Sweep:
    """One direction. `run` fills the store."""

    def __init__(
        self,
        pictures: Pictures,
        numbers: Sequence[int],
        plans: Mapping[str, LabelPlan],
        anchors: Anchors,
        store: MaskStore,
        settings: PropagationSettings,
        *,
        forward: bool,
    ) -> None:
        """numbers: plate numbers, ascending."""
        self._pictures, self._plans, self._anchors = pictures, plans, anchors
        self._store, self._settings, self._forward = store, settings, forward
        self._order = list(numbers) if forward else list(reversed(numbers))
        self._spans = {
            (label, number): span for label, plan in plans.items() for span in plan.spans for number in span.numbers
        }
        self._trackers: dict[str, Tracker] = {}
        self._along: dict[str, Span] = {}
        self._again: set[tuple[str, int]] = set()
        self._states: dict[tuple[str, int], bytes] = {}
        self._starts = self._find_starts()
        self._before: Working | None = None
        self._next: Working | None = None

    def run(self, checkpoint: Checkpoint) -> None:
        """Raises what `checkpoint` raises, to stop; the store is good at any time."""
        what = "following the objects forwards" if self._forward else "following the objects backwards"
        total = max(1, len(self._order))
        with FlowAhead() as flows:
            for done, number in enumerate(self._order):
                checkpoint(what, done, total)
                starting = [label for (label, at) in self._starts if at == number]
                if self._trackers or starting:
                    self._frame(number, starting, self._order[done + 1 : done + 2], flows)
                else:
                    self._before = None
                if (done + 1) % _REMEMBERED == 0:
                    self._remember(number)
        self._trackers.clear()

    def _remember(self, number: int) -> None:
        """Keeps what the trackers know after this frame."""
        for label, tracker in self._trackers.items():
            span = self._spans.get((label, number))
            if span is not None:
                self._store.remember(span.track(self._forward), label, number, frozen(tracker))

    def _let_go(self, label: str) -> None:
        del self._trackers[label]
        self._store.forget(self._along.pop(label).track(self._forward), label)

    def _frame(self, number: int, starting: Sequence[str], after: Sequence[int], flows: FlowAhead) -> None:
        """after: the next plate number, if there is one, whose movement is measured while this frame is worked on."""
        picture = self._next if self._next is not None and self._next.number == number else self._working(number)
        movement = flows.between(self._before, picture) if self._trackers and self._before is not None else None
        self._next = self._working(after[0]) if after else None
        if self._next is not None:
            flows.begin(picture, self._next)
        if movement is not None:
            self._advance(picture, movement)
        for label in starting:
            self._start(label, picture)
        self._before = picture if self._trackers else None

    def _advance(self, picture: Working, movement: Movement) -> None:
        """One step of every tracker: proposals, competition, decision."""
        before = {label: tracker.soft for label, tracker in self._trackers.items()}
        shape = picture.gray.shape
        beside = {label: self._others(label, before, self._before, shape) for label in before}
        proposals = {label: self._trackers[label].propose(picture, movement, beside[label]) for label in before}
        decided = self._decide(picture.number, proposals, shape)
        for label in before:
            tracker, soft = self._trackers[label], decided[label]
            tracker.take_along(movement)
            others = union([mask for other, mask in decided.items() if other != label], (shape[0], shape[1]))
            tracker.accept(picture, soft, others, proposals[label])
            self._finish(label, picture, tracker)

    def _decide(self, number: int, proposals: Mapping[str, Proposal], shape: Sequence[int]) -> dict[str, Floats]:
        """The live objects' masks, quantised as they are kept, and what is known of the others' in this frame."""
        masks: dict[str, Floats] = {}
        claims: dict[str, Floats] = {}
        for label in self._plans:
            if label in proposals:
                masks[label], claims[label] = proposals[label].soft, proposals[label].odds
            else:
                kept = self._kept(label, number)
                if kept is not None:
                    masks[label], claims[label] = kept, claims_of(kept)
        decided = compete(list(masks.values()), list(claims.values()))
        return {
            label: from_bytes(to_bytes(soft)) if label in proposals else masks[label]
            for label, soft in zip(masks, decided, strict=True)
        }

    def _finish(self, label: str, picture: Working, tracker: Tracker) -> None:
        """Keeps a live mask; at the next anchor, has it cut and lets the tracker go."""
        number = picture.number
        span = self._spans.get((label, number))
        if span is not None:
            key = span.track(self._forward)
            if (label, number) in self._again or not self._store.has(key, label, number):
                kept = StoredMask(to_bytes(tracker.soft), tracker.state, tracker.confidence)
                self._mend(span, number, tracker, kept)
                self._store.put(key, label, number, kept)
                self._again.discard((label, number))
            last = span.numbers[-1] if self._forward else span.numbers[0]
            if number == last and not self._wants_anchor(span):
                self._let_go(label)
            return
        anchor = self._anchors.at(label, number)
        if anchor is not None and not self._anchors.is_made(label, anchor):
            self._store.remember(anchor.key, label, number, frozen(tracker, small=True))
            self._anchors.make(label, anchor, self._enlarged(tracker.soft, number))
        self._let_go(label)

    def _mend(self, span: Span, number: int, tracker: Tracker, kept: StoredMask) -> None:
        """What was followed to the frame, changed by what is followed back from a correction: kept before the track is,
        so that no frame that has both tracks lacks it."""
        key = span.track(not self._forward)
        if not span.is_mended or self._forward or not self._store.has(key, span.label, number):
            return
        before = self._store.get(key, span.label, number)
        tracker.changed = remaining(from_bytes(before.soft), tracker.soft, tracker.changed, tracker.alike)
        made = mended(before, kept, tracker.changed, span.share(number))
        self._store.put(span.mended, span.label, number, made)

    def _start(self, label: str, picture: Working) -> None:
        anchor, span = self._starts[label, picture.number]
        state = self._states.pop((label, picture.number), None)
        if state is not None:
            self._trackers[label], self._along[label] = thawed(state, picture), span
            return
        made = self._anchors.make(label, anchor, None)
        if self._goes_on(label, anchor, span, made, picture):
            return
        shape = (picture.gray.shape[0], picture.gray.shape[1])
        soft = self._anchors.shrunk(made)
        if not (soft > 0.5).any():
            return  # smaller than a pixel: nothing to follow
        before = {other: tracker.soft for other, tracker in self._trackers.items()}
        others = self._others(label, before, picture, shape)
        self._trackers[label] = Tracker(picture, soft, others, painted=anchor.hints.mask is not None)
        self._along[label] = span

    def _goes_on(self, label: str, anchor: Anchor, span: Span, made: StoredMask, picture: Working) -> bool:
        """From a correction on the object is followed with all that was known of it when it was corrected."""
        kept = None if anchor.strong else self._store.remembered(anchor.key, label)
        if kept is None or not self._is_state(*kept):
            return False
        tracker = thawed(kept[1], picture)
        before = {other: tracker.soft for other, tracker in self._trackers.items()}
        shape = (picture.gray.shape[0], picture.gray.shape[1])
        others = self._others(label, before, picture, shape)
        tracker.correct(self._anchors.shrunk(made), others, turned=not self._forward and span.forward)
        self._trackers[label], self._along[label] = tracker, span
        return True

    def _others(
        self, label: str, current: Mapping[str, Floats], picture: Working | None, shape: Sequence[int]
    ) -> Floats:
        """Where the other objects are in a picture, as far as that is known: float32 [h, w]."""
        masks = []
        for other in self._plans:
            if other == label or picture is None:
                continue
            mask = current.get(other)
            mask = self._kept(other, picture.number) if mask is None else mask
            if mask is not None:
                masks.append(mask)
        return union(masks, (shape[0], shape[1]))

    def _kept(self, label: str, number: int) -> Floats | None:
        """An object's mask that is known already: of its anchor or its track in this direction, else in the other."""
        known = self._anchors.working(label, number)
        known = self._followed(label, number) if known is None else known
        if known is not None:
            return known
        span = self._spans.get((label, number))
        if span is not None and self._store.has(span.track(not self._forward), label, number):
            return from_bytes(self._store.get(span.track(not self._forward), label, number).soft)
        return None

    def _followed(self, label: str, number: int) -> Floats | None:
        """An object's mask that an earlier run followed in this direction."""
        span = self._spans.get((label, number))
        if span is None or (label, number) in self._again:
            return None
        if not self._store.has(span.track(self._forward), label, number):
            return None
        return from_bytes(self._store.get(span.track(self._forward), label, number).soft)

    def _find_starts(self) -> dict[tuple[str, int], tuple[Anchor, Span]]:
        """(label, plate number) -> the anchor and span that a tracker starts there for."""
        starts = {}
        for label, plan in self._plans.items():
            for span in plan.spans:
                anchor, goes = (span.first, span.forward) if self._forward else (span.last, span.backward)
                open_end = (span.last if self._forward else span.first) is None
                wanted = self._settings.forward if self._forward else self._settings.backward
                if anchor is None or not goes or anchor.hints.absent or (open_end and not wanted):
                    continue
                if self._missing(span) or self._wants_anchor(span):
                    starts[label, self._start_of(span, anchor)] = (anchor, span)
        return starts

    def _missing(self, span: Span) -> list[int]:
        """Frames of the span that are to be followed, in the order of the sweep."""
        numbers = span.numbers if self._forward else span.numbers[::-1]
        keys = [span.track(self._forward)]
        if span.is_mended and not self._forward:
            keys.append(span.mended)
        return [number for number in numbers if not all(self._store.has(key, span.label, number) for key in keys)]

    def _wants_anchor(self, span: Span) -> bool:
        """Whether the anchor that the span leads to is a correction of what is followed to there, and not made yet."""
        anchor = span.last if self._forward else span.first
        if anchor is None or anchor.strong or self._anchors.is_made(span.label, anchor):
            return False
        return self._forward == span.forward

    def _start_of(self, span: Span, anchor: Anchor) -> int:
        """Where the tracker starts: at the frame whose state was kept last, else at the anchor. What lies behind is
        followed again, though it may be in the store."""
        numbers = span.numbers if self._forward else span.numbers[::-1]
        number, at = anchor.number, 0
        kept = self._store.remembered(span.track(self._forward), span.label)
        if kept is not None and kept[0] in numbers and self._is_state(*kept):
            number, at = kept[0], numbers.index(kept[0]) + 1
            self._states[span.label, number] = kept[1]
        self._again |= {(span.label, later) for later in numbers[at:]}
        return number

    def _is_state(self, number: int, state: bytes) -> bool:
        """Whether it is whole, and of this version's making."""
        try:
            thawed(state, self._working(number))
        except ValueError:
            return False
        return True

    def _working(self, number: int) -> Working:
        return Working.of(number, self._pictures(number), self._settings.longest_side)

    def _enlarged(self, soft: Floats, number: int) -> Floats:
        height, width = self._pictures(number).shape[:2]
        enlarged: Floats = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
        return enlarged
