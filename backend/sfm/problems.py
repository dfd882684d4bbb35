"""Why some frames are weak or have no camera, in words an artist can act on.

Candidates are frames without a pose, frames of low confidence, and frames that suddenly see a fifth less of the
points than the frames around them. Their pictures are compared with those of the nearest sound frames. A sudden
loss that nothing in the picture explains and that leaves the confidence high is no problem and is not reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from shared.solve_report import Problem

from .confidence import WEAK, FrameQuality
from .frames import Flags, Floats, FrameSource
from .picture_facts import PictureFacts, picture_facts
from .scene import Scene
from .tracks import Tracks

_AROUND = 12
_SUDDEN = 0.8
_NEIGHBOURS = 6
_MOST_LOOKS = 120
_SOFT = 0.6
_EVEN = 0.7
"""Share of its neighbours' gradient energy below which a picture is soft; a soft picture whose worst direction has
this share of its best one's is out of focus, and not moved."""

_FLASH, _BURNT = 0.12, 0.3
_MOVING_SHARE = 0.5
_FEW_TRACKS = 60
_LEAST_COVERAGE = 0.1


@dataclass(frozen=True)
class _Cause:
    kind: str
    words: str


def find_problems(
    source: FrameSource, scene: Scene, followed: Tracks, quality: FrameQuality, checkpoint: Callable[[], None]
) -> tuple[tuple[Problem, ...], tuple[str, ...]]:
    """Problems by range, and each frame's own cause ("" for a sound one). followed: every track of the clip, also those
    that the solve threw out. Kinds: motion-blur, out-of-focus, exposure, moving, coverage, few-tracks, low-parallax,
    disagreement."""
    weak = quality.confidence < WEAK
    sudden = quality.points < _SUDDEN * median_filter(quality.points, 2 * _AROUND + 1, mode="nearest")
    candidates = np.nonzero(weak | sudden)[0].tolist()
    looks = _Looks(source, ~(weak | sudden), checkpoint)
    causes: list[_Cause | None] = [None] * len(weak)
    step = max(1, -(-len(candidates) // _MOST_LOOKS))
    per_frame = followed.per_frame()
    for n, frame in enumerate(candidates):
        seen = looks.cause(frame) if n % step == 0 else causes[candidates[n - 1]]
        found = seen if seen is not None and seen.kind in _PICTURED else None
        if found is None and weak[frame]:
            found = _cause_of_tracks(frame, scene, int(per_frame[frame]), quality)
        causes[frame] = found
    return _in_ranges(source, causes, scene, quality), tuple("" if c is None else c.words for c in causes)


_PICTURED = ("motion-blur", "out-of-focus", "exposure")


class _Looks:
    """Looks at pictures and remembers what it saw. sound [F]: frames to compare with."""

    def __init__(self, source: FrameSource, sound: Flags, checkpoint: Callable[[], None]) -> None:
        self._source, self._sound = source, np.nonzero(sound)[0]
        self._checkpoint = checkpoint
        self._seen: dict[int, PictureFacts] = {}

    def _look(self, frame: int) -> PictureFacts:
        if frame not in self._seen:
            self._checkpoint()
            self._seen[frame] = picture_facts(self._source, frame)
        return self._seen[frame]

    def cause(self, frame: int) -> _Cause | None:
        """What is wrong with the picture itself, compared with the nearest sound ones; None for nothing."""
        near = self._sound[np.argsort(np.abs(self._sound - frame), kind="stable")[:_NEIGHBOURS]]
        if not len(near):
            return None
        mine, others = self._look(frame), [self._look(int(other)) for other in near]
        usual = float(np.median([other.brightness for other in others]))
        burnt = mine.burnt - float(np.median([other.burnt for other in others]))
        if abs(mine.brightness - usual) > _FLASH or burnt > _BURNT:
            return _Cause("exposure", "flash" if mine.brightness > usual else "the picture goes dark")
        share: Floats = mine.sharpness / np.maximum(np.median([other.sharpness for other in others], axis=0), 1e-9)
        if share.min() > _SOFT:
            return None
        if share.min() > _EVEN * share.max():
            return _Cause("out-of-focus", "out of focus")
        return _Cause("motion-blur", "motion blur")


def _cause_of_tracks(frame: int, scene: Scene, followed: int, quality: FrameQuality) -> _Cause:
    """What the tracks of a weak frame say."""
    points = int(quality.points[frame])
    if followed < _FEW_TRACKS:
        return _Cause("few-tracks", "too few features to follow")
    if not scene.posed[frame]:
        return _Cause("low-parallax", "the features that are followed here show no depth anywhere else")
    if points < (1.0 - _MOVING_SHARE) * followed:
        return _Cause("moving", "most of what is followed moves by itself")
    if quality.coverage[frame] < _LEAST_COVERAGE:
        return _Cause("coverage", "points only in a corner of the picture")
    if points < _FEW_TRACKS:
        return _Cause("few-tracks", "too few points")
    return _Cause("disagreement", "the points disagree about the camera")


def _in_ranges(
    source: FrameSource, causes: list[_Cause | None], scene: Scene, quality: FrameQuality
) -> tuple[Problem, ...]:
    """Neighbouring frames of the same cause become one problem."""
    problems: list[Problem] = []
    first = 0
    for frame in range(1, len(causes) + 1):
        ended = frame == len(causes) or causes[frame] != causes[first]
        if not ended:
            continue
        cause = causes[first]
        if cause is not None:
            lost = int((~scene.posed[first:frame]).sum())
            left = int(quality.points[first:frame].min())
            problems.append(_problem(cause, source.numbers[first], source.numbers[frame - 1], left, lost))
        first = frame
    return tuple(problems)


def _problem(cause: _Cause, first: int, last: int, left: int, lost: int) -> Problem:
    span = f"frame {first}" if first == last else f"frames {first}-{last}"
    tracks = f"{left} track{'' if left == 1 else 's'} left"
    camera = "" if not lost else ", no camera" if first == last else f", {lost} without a camera"
    return Problem(first, last, cause.kind, f"{span}: {cause.words}, {tracks}{camera}")
