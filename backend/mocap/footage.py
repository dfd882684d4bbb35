"""What one camera saw of a person over a whole clip, read window by window: no evidence of other frames is held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from .evidence import Cameras, Evidence, Flags, TooLittleSeen, View
from .lift import with_depth
from .skeleton import Skeleton
from .swaps import put_right

CHUNK = 120
"""Frames that are read at once."""


class Seen(Protocol):
    """The evidence of a clip; `Evidence` itself is one."""

    def __len__(self) -> int: ...
    def part(self, start: int, stop: int) -> Evidence:
        """Of frames start..stop - 1."""
        ...


@dataclass(frozen=True)
class Footage:
    """cameras: of all frames; numbers that are not finite: that frame has none."""

    cameras: Cameras
    seen: Seen


@dataclass(frozen=True)
class ReadyFootage:
    """As the solver wants it: cameras [T] all finite, what is seen in frames without one (hidden [T]) left out, left
    and right in their places (wrong [T,2]: where they are not), and a guess of the depth where the detector has none,
    for a body of `size` over the skeleton's."""

    skeleton: Skeleton
    cameras: Cameras
    seen: Seen
    hidden: Flags
    wrong: Flags
    size: float

    def __len__(self) -> int:
        return len(self.hidden)

    def part(self, start: int, stop: int) -> View:
        evidence = put_right(self.skeleton, self.raw(start, stop), self.wrong[start:stop])
        return with_depth(self.skeleton, View(self.cameras.part(start, stop), evidence), self.size)

    def raw(self, start: int, stop: int) -> Evidence:
        """With left and right as they were."""
        evidence, hidden = self.seen.part(start, stop), self.hidden[start:stop]
        if not hidden.any():
            return evidence
        sd_px, sd_m = (np.where(hidden[:, None], np.inf, sd) for sd in (evidence.sd_px, evidence.sd_m))
        return replace(evidence, sd_px=sd_px, sd_m=sd_m)

    def parts(self) -> Iterator[tuple[int, View]]:
        """Views of consecutive frames, each with its first."""
        for start in range(0, len(self), CHUNK):
            yield start, self.part(start, min(start + CHUNK, len(self)))

    def shaped(self) -> Flags:
        """[T]: frames that show enough of the person."""
        found = np.zeros(len(self), np.bool_)
        for start, view in self.parts():
            found[start : start + len(view.evidence)] = view.evidence.shaped
        return found

    def scaled(self, factor: float) -> ReadyFootage:
        """In a world with `factor` units for each of these."""
        moved = replace(self.cameras, translation=factor * self.cameras.translation)
        return replace(self, cameras=moved)


def usable(skeleton: Skeleton, footage: Footage, size: float) -> ReadyFootage:
    """Frames without a camera show nothing, and stand at the nearest one that has. Left and right are as they were.
    Raises `TooLittleSeen` when no frame has a camera."""
    cameras = footage.cameras
    numbers = (cameras.matrix, cameras.rotation, cameras.translation[:, None])
    good: Flags = np.all([np.isfinite(one).all((1, 2)) for one in numbers], axis=0)
    if not good.any():
        raise TooLittleSeen("no frame has a camera")
    if not good.all():
        at = np.nonzero(good)[0]
        after = np.searchsorted(at, np.arange(len(good))).clip(0, len(at) - 1)
        before = (after - 1).clip(0)
        frames = np.arange(len(good))
        nearest = np.where(frames - at[before] <= at[after] - frames, at[before], at[after])
        nearest = np.where(good, frames, nearest)
        nearest[: at[0]] = at[0]
        cameras = Cameras(cameras.matrix[nearest], cameras.rotation[nearest], cameras.translation[nearest])
    return ReadyFootage(skeleton, cameras, footage.seen, ~good, np.zeros((len(good), 2), np.bool_), size)
