"""Which frames of a solve are worth a look. No bpy here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_APART = 5
"""Frames nearer to a worse one are of the same trouble."""


@dataclass(frozen=True)
class FrameQuality:
    """error: px, nan when it is not known. confidence: 0..1, nan when it is not known."""

    frame: int
    error: float
    confidence: float

    @property
    def sentence(self) -> str:
        told = [f"{self.error:.2f} px"] if np.isfinite(self.error) else []
        told += [f"confidence {self.confidence:.2f}"] if np.isfinite(self.confidence) else []
        return f"Frame {self.frame}: {', '.join(told)}"


def worst_frames(frames: np.ndarray, error: np.ndarray, confidence: np.ndarray, count: int) -> list[FrameQuality]:
    """The worst first, each of another trouble. frames, error px, confidence: [T], nan where not known. Frames are
    ranked by what confidence they lack, equal ones by their error."""
    known = np.isfinite(error) | np.isfinite(confidence)
    lacking = np.round(1.0 - np.nan_to_num(confidence, nan=1.0), 2)
    order = np.lexsort((-np.nan_to_num(error), -lacking))
    found: list[FrameQuality] = []
    for row in order[known[order]].tolist():
        frame = int(frames[row])
        if all(abs(frame - other.frame) >= _APART for other in found):
            found.append(FrameQuality(frame, float(error[row]), float(confidence[row])))
        if len(found) == count:
            break
    return found


def next_start(starts: list[int], frame: int, *, forwards: bool) -> int | None:
    """The first of a list of frames after (before) this one, and at the end the list's other end; None for none."""
    if not starts:
        return None
    beyond = [start for start in starts if (start > frame if forwards else start < frame)]
    if not beyond:
        return min(starts) if forwards else max(starts)
    return min(beyond) if forwards else max(beyond)
