"""One person through a whole clip of any length, as far as the person is to be seen.

Frames in which too little is seen are bridged when they are few, and absent when they are many: nothing is made up
there, and what lies on both sides is solved by itself. So is what lies on both sides of a cut. Long stretches are
solved in windows: the bones first, from some windows spread over the clip, each adding to what the earlier ones told;
then window after window with these bones, each beginning with the last frames of the one before, held as they are.
Since every frame is tied to no more than two before it, the joint does not show, and what a window holds does not grow
with the clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shared.motion_arrays import ABSENT, BRIDGED, TRACKED

from .certainty import certainty
from .contacts import Floor
from .evidence import Cameras, Flags, TooLittleSeen, View
from .footage import Footage, ReadyFootage, Seen, usable
from .kept import KeptBody
from .scale import metres_per_unit
from .skeleton import STATURE_M, Skeleton
from .solver import BodyMotion, Known, MotionSettings, bones_of, solve_window
from .swaps import exchanged
from .terms import Contacts

_WINDOW, _AHEAD, _HELD = 120, 24, 2
"""Frames of a window; those at its end that the next one solves again, and those that it keeps."""

_BONE_WINDOWS, _BONE_FRAMES = 4, 60
"""Windows that the bones of a long clip come from, and their frames."""

_LEAST_S = 0.1
"""Somebody seen for less than this is not followed."""

_USUAL_M = 0.98 * STATURE_M

Checkpoint = Callable[[int, int], None]
"""Frames done, frames in all; raises to stop."""

Span = tuple[int, int]


@dataclass(frozen=True)
class ClipSettings:
    """fps: frames a second. floor: what feet stand on, world units; None when it is not known. height_m: of the person,
    or None. metric: world units are metres; else the person tells how long they are. cuts: indices of frames that
    follow a cut. bridge_s: what is unseen for longer is absent."""

    fps: float
    floor: Floor | None = None
    height_m: float | None = None
    metric: bool = True
    cuts: tuple[int, ...] = ()
    bridge_s: float = 1.0


@dataclass(frozen=True)
class ClipMotion:
    """body: T frames, world units; NaN where absent; its `size` is the person's, over a stature of `STATURE_M`. state
    [T]. confidence [T,J]: 0..1. metres_per_unit: factor that makes the world metric; None where it is said to be.
    exchanged: indices of frames in which a detector had taken left for right, of arms or legs."""

    body: KeptBody
    contacts: Contacts | None
    state: tuple[str, ...]
    confidence: NDArray[np.float32]
    metres_per_unit: float | None
    exchanged: tuple[int, ...] = ()

    @property
    def height_m(self) -> float:
        return self.body.size * STATURE_M


def solve_clip(
    skeleton: Skeleton,
    cameras: Cameras,
    evidence: Seen,
    settings: ClipSettings,
    *,
    views: Sequence[Footage] = (),
    checkpoint: Checkpoint = lambda done, total: None,
) -> ClipMotion:
    """The motion of one person. cameras with numbers that are not finite: that frame has none. views: more calibrated
    cameras that took the same moments. Raises `TooLittleSeen` when no frame shows enough of the person, and what
    checkpoint raises."""
    every = [_made_ready(skeleton, view, settings) for view in (Footage(cameras, evidence), *views)]
    swapped = tuple(np.nonzero(np.any([view.wrong for view in every], axis=(0, 2)))[0].tolist())
    state = frame_states(_seen_enough(every), settings)
    spans = _spans(state, settings.cuts)
    if not spans:
        raise TooLittleSeen("no frame shows enough joints")
    factor = 1.0 if settings.metric else metres_per_unit(skeleton, every, settings.floor)
    every = [view.scaled(factor) for view in every]
    floor = None if settings.floor is None else replace(settings.floor, offset=factor * settings.floor.offset)
    clip = _Clip(
        skeleton, every, MotionSettings(settings.fps, floor, settings.height_m, not settings.metric), spans, checkpoint
    )
    found = clip.solved(len(evidence))
    sure = certainty(found.body, every, settings.fps)
    if settings.metric:
        return ClipMotion(found.body, found.contacts, state, sure, None, swapped)
    taller = (settings.height_m or _USUAL_M) / (found.body.size * STATURE_M)
    contacts = None if found.contacts is None else found.contacts.scaled(1.0 / factor)
    return ClipMotion(found.body.scaled(1.0 / factor), contacts, state, sure, factor * taller, swapped)


def _made_ready(skeleton: Skeleton, footage: Footage, settings: ClipSettings) -> ReadyFootage:
    view = usable(skeleton, footage, (settings.height_m or _USUAL_M) / STATURE_M)
    return replace(view, wrong=exchanged(skeleton, view.raw, len(view), settings.fps, settings.cuts))


def frame_states(enough: Flags, settings: ClipSettings) -> tuple[str, ...]:
    """enough [T]: frames that show enough of the person. Gaps count within a cut's side only."""
    state = np.full(len(enough), ABSENT, dtype="<U7")
    edges = [0, *sorted({cut for cut in settings.cuts if 0 < cut < len(enough)}), len(enough)]
    for start, stop in pairwise(edges):
        at = start + np.nonzero(enough[start:stop])[0]
        runs = np.split(at, np.nonzero(np.diff(at) > settings.bridge_s * settings.fps + 1)[0] + 1)
        for run in runs:
            if len(run) >= max(2.0, _LEAST_S * settings.fps):
                state[run[0] : run[-1] + 1] = BRIDGED
                state[run] = TRACKED
    return tuple(str(one) for one in state)


def _seen_enough(views: Sequence[ReadyFootage]) -> Flags:
    found: Flags = np.any([view.shaped() for view in views], axis=0)
    return found


def _spans(state: tuple[str, ...], cuts: tuple[int, ...]) -> list[Span]:
    """Runs of frames that are not absent, split at cuts."""
    known = np.array([one != ABSENT for one in state])
    starts = known & ~np.concatenate([[False], known[:-1]])
    starts[[cut for cut in cuts if 0 <= cut < len(known) and known[cut]]] = True
    found = []
    for start in np.nonzero(starts)[0].tolist():
        ends = np.nonzero(~known[start:] | (np.arange(start, len(known)) > start) & starts[start:])[0]
        found.append((start, start + int(ends[0]) if len(ends) else len(known)))
    return found


@dataclass(frozen=True)
class _Whole:
    body: KeptBody
    contacts: Contacts | None


@dataclass(frozen=True)
class _Clip:
    """views, settings: metric."""

    skeleton: Skeleton
    views: Sequence[ReadyFootage]
    settings: MotionSettings
    spans: list[Span]
    checkpoint: Checkpoint

    def solved(self, frames: int) -> _Whole:
        longest = max(stop - start for start, stop in self.spans)
        if len(self.spans) == 1 and longest <= _WINDOW:
            start, stop = self.spans[0]
            return _gathered(frames, [(start, self._window(start, stop, Known()))])
        known = self._bones()
        return _gathered(frames, (one for span in self.spans for one in self._along(span, known)))

    def _bones(self) -> Known:
        """What windows spread over the clip tell of the bones, one after the other."""
        known, heights = Known(), []
        for start, stop in _spread(self.spans):
            motion = self._window(start, stop, known)
            known = replace(known, bones=bones_of(self._parts(start, stop), self.settings, known, motion))
            if motion.contacts is not None:
                heights.append(motion.contacts.height)
        stand = np.median(heights, axis=0) if heights else None
        return Known(known.bones, held_bones=True, stand=stand)

    def _along(self, span: Span, known: Known) -> Iterator[tuple[int, BodyMotion]]:
        start, end = span
        before: BodyMotion | None = None
        while True:
            stop = min(start + _WINDOW, end)
            motion = self._window(start, stop, replace(known, before=before))
            if stop == end:
                yield start, motion
                return
            keep = stop - start - _AHEAD
            yield start, _cut(motion, 0, keep)
            before = _cut(motion, keep - _HELD, keep)
            start += keep - _HELD

    def _parts(self, start: int, stop: int) -> list[View]:
        return [view.part(start, stop) for view in self.views]

    def _window(self, start: int, stop: int, known: Known) -> BodyMotion:
        total = len(self.views[0])
        return solve_window(
            self.skeleton, self._parts(start, stop), self.settings, known, lambda: self.checkpoint(start, total)
        )


def _gathered(frames: int, parts: Iterable[tuple[int, BodyMotion]]) -> _Whole:
    """Of parts of a clip, each with its first frame; at least one. What stands is as high as in the last one."""
    body: KeptBody | None = None
    touching: NDArray[np.float32] | None = None
    last: Contacts | None = None
    for start, motion in parts:
        body = body or KeptBody.absent(frames, motion.body)
        body.put(start, motion.body)
        last = motion.contacts
        if last is not None:
            if touching is None:
                touching = np.zeros((frames, last.touching.shape[1]), np.float32)
            touching[start : start + motion.body.frames] = last.touching
    assert body is not None
    body = replace(body, rest=motion.body.rest, size=motion.body.size, measure=motion.body.measure)
    return _Whole(body, None if last is None or touching is None else replace(last, touching=touching))


def _cut(motion: BodyMotion, start: int, stop: int) -> BodyMotion:
    contacts = motion.contacts
    if contacts is not None:
        contacts = replace(contacts, touching=contacts.touching[start:stop].copy())
    return BodyMotion(motion.body.part(start, stop), contacts)


def _spread(spans: list[Span]) -> list[Span]:
    """Windows for the bones, longest spans first, spread over each."""
    found: list[Span] = []
    frames = sum(stop - start for start, stop in spans)
    for start, stop in sorted(spans, key=lambda one: one[0] - one[1]):
        length = min(_BONE_FRAMES, stop - start)
        share = (stop - start) / frames * _BONE_WINDOWS
        count = min(max(1, round(share)), (stop - start) // length, _BONE_WINDOWS - len(found))
        firsts = np.linspace(start, stop - length, max(count, 0) + 2)[1:-1].astype(int).tolist()
        found += [(first, first + length) for first in firsts]
    return found
