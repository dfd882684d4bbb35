"""What the solver is given: frames one at a time, and somebody to tell how far it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


class FrameSource(Protocol):
    """The plate. `numbers` are plate numbers in order; the methods take the index into it and may be called
    from another thread."""

    @property
    def numbers(self) -> Sequence[int]: ...

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    def gray(self, index: int) -> Picture:
        """uint8 [H, W]."""

    def rgb(self, index: int) -> Picture:
        """uint8 [H, W, 3]."""

    def usable(self, index: int) -> Flags | None:
        """bool [H, W], False where pixels must be ignored; None when all may be used."""


class DepthSource(Protocol):
    """Depth maps of the plate, made without knowing its camera. shared_scale: all maps have one (unknown) scale; else
    each has its own."""

    @property
    def shared_scale(self) -> bool: ...

    def depth(self, index: int) -> NDArray[np.float32] | None:
        """float32 [H, W] of the frame `index` of the clip, planar z, 0 unknown, 1e10 sky; None without a map."""


class Observer(Protocol):
    """Hears how far the solve is. Either call may raise `JobCancelled`, which passes through."""

    def progress(
        self, done: int, total: int, frame: int | None = None, note: str = "", frames: tuple[int, int] = (0, 0)
    ) -> None: ...

    def check_cancelled(self) -> None: ...


class SilentObserver:
    """Nobody listens."""

    def progress(
        self, done: int, total: int, frame: int | None = None, note: str = "", frames: tuple[int, int] = (0, 0)
    ) -> None:
        return None

    def check_cancelled(self) -> None:
        return None


@dataclass(frozen=True)
class WorkingFrame:
    """A frame at tracking resolution: gray uint8 [h, w] and usable bool [h, w] or None."""

    index: int
    gray: Picture
    usable: Flags | None


_AHEAD = 3
"""Frames that are read ahead while one is tracked: the only pictures in memory besides the previous frame."""


def working_size(width: int, height: int, longest: int) -> tuple[int, int]:
    """(w, h) of the tracking resolution: the plate's, or smaller so that its longer side is `longest`."""
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def read_frames(source: FrameSource, indices: Sequence[int], size: tuple[int, int]) -> Iterator[WorkingFrame]:
    """The frames `indices` at `size` (w, h), in order, decoded ahead in a thread."""
    with ThreadPoolExecutor(1, thread_name_prefix="sfm-frames") as pool:
        waiting: deque[Future[WorkingFrame]] = deque()
        try:
            for index in indices:
                waiting.append(pool.submit(_load, source, index, size))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _load(source: FrameSource, index: int, size: tuple[int, int]) -> WorkingFrame:
    gray, usable = source.gray(index), source.usable(index)
    if (gray.shape[1], gray.shape[0]) != size:
        gray = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
    if usable is not None and (usable.shape[1], usable.shape[0]) != size:
        usable = cv2.resize(usable.astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
    return WorkingFrame(index, gray, usable)
