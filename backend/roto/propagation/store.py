"""What propagation keeps between runs, so that a killed run goes on and a correction re-runs only what it changes.

A track is one object's run through one span in one direction; its key says all that its masks depend on (`plan.py`).
Masks lie at the working size, which is the plate's or smaller (`settings.py`); the finished masks are made from them
anew each time, since that is cheap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

PROMPTED, TRACKED, HIDDEN, LOST = "prompted", "tracked", "hidden", "lost"
"""States of an object in a frame. hidden: behind something or outside of the picture, or said to be absent: the mask is
empty. lost: it should be in the picture and is not found, the mask is empty."""


@dataclass(frozen=True)
class StoredMask:
    """soft: uint8 [h, w] at the working size, 255 where the object is for certain. state: one of the four above.
    confidence: 0..1."""

    soft: NDArray[np.uint8]
    state: str
    confidence: float


class MaskStore(Protocol):
    """Where tracks are kept. Keys are short and fit for file names; labels are as the user wrote them."""

    def has(self, key: str, label: str, number: int) -> bool:
        """Whether the frame of this track is complete."""
        ...

    def get(self, key: str, label: str, number: int) -> StoredMask:
        """What was put, bit for bit in `soft` and `state`. Raises `KeyError` when it is not there."""
        ...

    def put(self, key: str, label: str, number: int, mask: StoredMask) -> None:
        """Crash-safe: complete under its name or not there. Raises `DiskFull`, `ShotReadOnly`."""
        ...

    def remember(self, key: str, label: str, number: int, state: bytes) -> None:
        """Keeps what a tracker knew after a frame of this track, in place of what was kept before; crash-safe. Raises
        `DiskFull`, `ShotReadOnly`."""
        ...

    def remembered(self, key: str, label: str) -> tuple[int, bytes] | None:
        """The frame and the state kept last; None without one, or with a damaged one."""
        ...

    def forget(self, key: str, label: str) -> None:
        """Removes the state: the track is complete."""
        ...


class MemoryStore:
    """Tracks in memory, for short clips and tests. Memory grows with the clip: stages keep theirs on disk. states: key
    and label -> frame and state of trackers that are on their way."""

    def __init__(self) -> None:
        self._masks: dict[tuple[str, str, int], StoredMask] = {}
        self.states: dict[tuple[str, str], tuple[int, bytes]] = {}

    def __len__(self) -> int:
        return len(self._masks)

    def has(self, key: str, label: str, number: int) -> bool:
        return (key, label, number) in self._masks

    def get(self, key: str, label: str, number: int) -> StoredMask:
        return self._masks[key, label, number]

    def put(self, key: str, label: str, number: int, mask: StoredMask) -> None:
        self._masks[key, label, number] = mask

    def remember(self, key: str, label: str, number: int, state: bytes) -> None:
        self.states[key, label] = number, state

    def remembered(self, key: str, label: str) -> tuple[int, bytes] | None:
        return self.states.get((key, label))

    def forget(self, key: str, label: str) -> None:
        self.states.pop((key, label), None)
