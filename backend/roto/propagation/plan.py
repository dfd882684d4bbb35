"""Which frames of an object follow from which of its prompted frames, and what has to run again when those change.

The prompted frames of an object (anchors) cut the clip into spans. Frames between two anchors are followed from both
sides and blended; those before the first and after the last from one side. A span's key is a hash of its two anchors,
so that a changed hint changes the keys of the two spans beside it and no others.

An anchor with a box, a painted mask or the word that the object is absent stands by itself. One that only has clicks or
strokes corrects what was followed to there from the anchor before (or after, in front of the first that stands by
itself). Its mask, once made, stays as long as its own hints and the anchor it hangs on stay, whatever happens in
between: a later correction never undoes an earlier one.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.roto.cut import Hints

from .settings import ENGINE_VERSION

Prompts = Mapping[str, Mapping[int, Hints]]


@dataclass(frozen=True)
class Anchor:
    """A prompted frame. strong: its mask needs no other frame. key: of what its mask depends on."""

    number: int
    hints: Hints
    strong: bool
    key: str


@dataclass(frozen=True)
class Span:
    """Frames between two anchors, or before the first (first is None), or after the last (last is None).

    numbers: plate numbers of the frames in between, ascending. forward, backward: from which sides they are followed.
    """

    label: str
    first: Anchor | None
    last: Anchor | None
    numbers: tuple[int, ...]
    forward: bool
    backward: bool
    key: str

    def track(self, forward: bool) -> str:
        """The key of one direction's masks."""
        return f"{self.key}{'f' if forward else 'b'}"

    def share(self, number: int) -> float:
        """0 at the anchor before .. 1 at the one after."""
        if self.first is None or self.last is None:
            return 1.0 if self.first is None else 0.0
        return (number - self.first.number) / (self.last.number - self.first.number)

    @property
    def is_mended(self) -> bool:
        """Whether it ends with a correction of what is followed to there."""
        return self.forward and self.last is not None and not self.last.strong

    @property
    def mended(self) -> str:
        """The key of the masks that such a correction changes."""
        return f"{self.key}m"


@dataclass(frozen=True)
class LabelPlan:
    """anchors: plate number -> anchor. spans: in order; together they cover every frame."""

    label: str
    anchors: Mapping[int, Anchor]
    spans: tuple[Span, ...]

    def keys(self) -> dict[int, str]:
        """Plate number -> what its mask depends on."""
        keys = {number: span.key for span in self.spans for number in span.numbers}
        return keys | {number: anchor.key for number, anchor in self.anchors.items()}


def plan_label(label: str, hints: Mapping[int, Hints], numbers: Sequence[int]) -> LabelPlan:
    """The plan of one object. Prompts at frames that are not among `numbers` do not count."""
    there = frozenset(numbers)
    anchors = _anchors({number: said for number, said in sorted(hints.items()) if number in there})
    ends: list[Anchor | None] = [None, *anchors, None]
    pairs = itertools.pairwise(ends)
    spans = tuple(_span(label, first, last, anchors, numbers) for first, last in pairs)
    return LabelPlan(label, {anchor.number: anchor for anchor in anchors}, spans)


def affected(old: Prompts, new: Prompts, numbers: Sequence[int]) -> dict[str, list[int]]:
    """Label -> the plate numbers that must be followed or cut again when `old` prompts become `new`, ascending.

    Only labels of `new` with such frames. Other objects' finished masks may still change at these frames, where they
    compete with this one for pixels; what was followed of them is not run again.
    """
    changed: dict[str, list[int]] = {}
    for label, hints in new.items():
        before = plan_label(label, old.get(label, {}), numbers).keys()
        now = plan_label(label, hints, numbers).keys()
        frames = [number for number in sorted(numbers) if before.get(number) != now[number]]
        if frames:
            changed[label] = frames
    return changed


def digest_of(hints: Hints) -> str:
    """A hash of everything that is said."""
    digest = hashlib.blake2b(repr((hints.strokes, hints.absent)).encode(), digest_size=12)
    for points in (hints.include, hints.exclude, hints.boxes):
        digest.update(np.ascontiguousarray(points, np.float64).tobytes() + b"\0")
    if hints.mask is not None:
        digest.update(repr(hints.mask.shape).encode() + np.packbits(hints.mask).tobytes())
    return digest.hexdigest()


def _anchors(hints: Mapping[int, Hints]) -> list[Anchor]:
    strong = {n for n, said in hints.items() if said.absent or said.mask is not None or len(said.boxes)}
    if all(hints[n].absent for n in strong):  # nobody says where it is but clicks: the first of them has to
        strong.update([n for n, said in hints.items() if said.says_where][:1])
    anchors: list[Anchor] = []
    for number, said in hints.items():
        key = _hash("anchor", str(number), digest_of(said))
        if number not in strong:
            base = _base(number, strong)
            key = _hash(key, "-" if base is None else digest_of(hints[base]), str(base))
        anchors.append(Anchor(number, said, number in strong, key))
    return anchors


def _base(number: int, strong: set[int]) -> int | None:
    """The anchor that stands by itself and that a correction at `number` hangs on: the one before, else the next."""
    before = [n for n in strong if n < number]
    return max(before) if before else min(strong, default=None)


def _span(
    label: str, first: Anchor | None, last: Anchor | None, anchors: Sequence[Anchor], numbers: Sequence[int]
) -> Span:
    low = -1 if first is None else first.number
    high = max(numbers, default=0) + 1 if last is None else last.number
    between = tuple(sorted(number for number in numbers if low < number < high))
    started = first is not None and any(a.strong for a in anchors if a.number <= first.number)
    key = _hash("span", "" if first is None else first.key, "" if last is None else last.key)
    return Span(label, first, last, between, started, last is not None, key)


def _hash(*parts: str) -> str:
    return hashlib.blake2b("\0".join((ENGINE_VERSION, *parts)).encode(), digest_size=12).hexdigest()
