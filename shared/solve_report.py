"""`camera/report.json`: how well the solve went, for people and panels.

Nothing in it is in world units, so that it stays true when the shot's world is set or moved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

REPORT_VERSION = 1


@dataclass(frozen=True)
class Problem:
    """A range of frames, plate numbers, both included, that are weak or have no camera. kind: a word for programs
    ("blur", "few-tracks", "low-parallax", ...; new ones may come). sentence: for people, with the frames named:
    "frames 41-47: motion blur, 38 tracks left"."""

    first: int
    last: int
    kind: str
    sentence: str


@dataclass(frozen=True)
class SolveReport:
    """engine: that solved. motion: "full", "nodal" or "locked" when all solved frames are, else "mixed".
    frames, frames_solved: counts. reprojection_error_px: mean over all observations. confidence: median over the
    solved frames, None when it was not measured. tracks, tracks_used: how many there are in `tracks.npz`, and
    how many of them hold a point. step_seconds: wall time by step. facts: more plain values of the engine."""

    version: int
    engine: str
    motion: str
    frames: int
    frames_solved: int
    reprojection_error_px: float
    confidence: float | None
    tracks: int
    tracks_used: int
    problems: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()
    step_seconds: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
