"""What is seen of people: keypoints of one person in one frame, and of one person over the clip."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]

HAND_POINTS = 21
FACE_POINTS = 70
"""Of the hand: wrist, then four of each finger from the thumb on, root first. Of the face: the 68 of iBUG's 300-W
(Sagonas et al., ICCVW 2013), then the right and the left pupil: OpenPose's order."""


@dataclass(frozen=True)
class Keypoints:
    """One person in one frame of the distorted plate; px with edges at integers, left and right are the person's.

    names [N]: motion names (docs/formats.md: nose, left_shoulder, left_foot_index, ...), as far as they are seen;
    `left_hand` is the middle of the knuckles. xy [N,2]: px. score [N]: 0..1, how sure the network is that the joint is
    to be seen. sd_px [N]: standard deviation of xy along each axis, inf where it is unknown. relative [N,3]: metres in
    camera axes (x right, y down, z away) from the middle of the hips, of a body of the network's own size; None from
    engines that see the picture only. sd_m [N]: of `relative` along each axis, inf where unknown. box: x0, y0, x1, y1
    around the person, may reach beyond the picture. whole: 0..1, share of the joints that are to be seen.
    hands [2,21,3]: left, right; x, y px and score; face [70,3] likewise; None where nobody looked or none was found,
    score 0 for a part that was not. All float32.
    """

    names: tuple[str, ...]
    xy: Floats
    score: Floats
    sd_px: Floats
    box: Box
    whole: float
    relative: Floats | None = None
    sd_m: Floats | None = None
    hands: Floats | None = None
    face: Floats | None = None

    def index(self, name: str) -> int:
        """Raises `ValueError` for a joint that the engine does not see."""
        return self.names.index(name)

    @property
    def is_half_visible(self) -> bool:
        """Whether so much of the person is hidden or out of the picture that the pose is partly a guess."""
        return self.whole < HALF_VISIBLE


HALF_VISIBLE = 0.6
"""Share of the joints to be seen, below which a frame is called half-visible."""


@dataclass(frozen=True)
class PersonTrack:
    """One person over the clip. frames: plate numbers where the person is seen, ascending; keypoints: of those, which
    may be read from disk one by one (`store.StoredKeypoints`): go through them, and do not keep them. absent: the
    clip's other numbers: hidden, or out of the picture."""

    label: str
    frames: tuple[int, ...]
    keypoints: Sequence[Keypoints]
    absent: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.frames) != len(self.keypoints):
            raise ValueError(f"{len(self.frames)} frames of {self.label} with {len(self.keypoints)} keypoints")

    @cached_property
    def by_frame(self) -> Mapping[int, Keypoints]:
        return _ByFrame(self.frames, self.keypoints)

    @property
    def half_visible(self) -> tuple[int, ...]:
        """Frames that show a part of the person only."""
        return tuple(f for f, seen in zip(self.frames, self.keypoints, strict=True) if seen.is_half_visible)


@dataclass(frozen=True)
class _ByFrame(Mapping[int, Keypoints]):
    """Keypoints by plate number. frames: ascending."""

    frames: tuple[int, ...]
    keypoints: Sequence[Keypoints]

    def __getitem__(self, number: int) -> Keypoints:
        at = bisect_left(self.frames, number)
        if at == len(self.frames) or self.frames[at] != number:
            raise KeyError(number)
        return self.keypoints[at]

    def __iter__(self) -> Iterator[int]:
        return iter(self.frames)

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True)
class PoseResult:
    """tracks: label -> person, in the labels' order or by first appearance; empty when nobody is in the clip. A label
    that was asked for and is never seen has a track without frames. engine, version: what saw them, for files and
    keys. model: weights that ran, "" for the engine's own. notices: sentences for people. cuts: plate numbers that
    begin another take; without masks whoever is seen after one is somebody new."""

    tracks: Mapping[str, PersonTrack]
    engine: str
    version: str
    model: str = ""
    notices: tuple[str, ...] = ()
    cuts: tuple[int, ...] = ()


def box_around(points: Floats, margin: float = 0.0) -> Box:
    """x0, y0, x1, y1 around points [N,2]; margin: in longer sides of the box."""
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    more = margin * max(float(x1 - x0), float(y1 - y0))
    return float(x0 - more), float(y0 - more), float(x1 + more), float(y1 + more)


def track_of(label: str, numbers: Sequence[int], seen: Mapping[int, Keypoints]) -> PersonTrack:
    """The track of what was seen in some of the clip's frames."""
    frames, absent = apart(numbers, seen)
    return PersonTrack(label, frames, tuple(seen[number] for number in frames), absent)


def apart(numbers: Sequence[int], seen: Container[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The clip's numbers that are among those where somebody is seen, and the others."""
    there = [number in seen for number in numbers]
    frames = tuple(number for number, found in zip(numbers, there, strict=True) if found)
    return frames, tuple(number for number, found in zip(numbers, there, strict=True) if not found)
