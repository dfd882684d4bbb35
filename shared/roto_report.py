"""`roto/report.json`: what the masks of each object are like, and the frames that need a look.

Frame numbers are plate numbers, ranges include both ends. Nothing in it depends on the shot's world.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .shot import ShotFolder, read_document

ROTO_REPORT_VERSION = 1
ROTO_REPORT = "roto/report.json"


@dataclass(frozen=True)
class RotoProblem:
    """A range of frames of one object that needs a look. label: the object, "" for the clip as a whole. kind: a word
    for programs ("area-jump", "empty", "flicker", "identity-swap", "merged", "phantom", "count-change", "lost"; new
    ones may come). message: for people, with the frames named and what to do."""

    label: str
    kind: str
    first: int
    last: int
    message: str


@dataclass(frozen=True)
class LabelReport:
    """The masks of one object. first, last: frames with something in them, None where all are empty. frames: how many
    masks there are; empty: how many hold nothing; prompted, tracked, hidden, lost: how many are in that state.
    area_px: median area of the masks that hold something. confidence: median, 0..1, None where the engine gives none.
    facts: more plain values (the keys of the splines, ...)."""

    first: int | None
    last: int | None
    frames: int
    empty: int
    prompted: int = 0
    tracked: int = 0
    hidden: int = 0
    lost: int = 0
    area_px: float = 0.0
    confidence: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RotoReport:
    """engine: that made the masks. labels: name -> its report, in the order of the prompts."""

    version: int
    engine: str
    labels: dict[str, LabelReport] = field(default_factory=dict)
    problems: tuple[RotoProblem, ...] = ()
    notices: tuple[str, ...] = ()


def read_roto_report(shot: ShotFolder) -> RotoReport:
    """The document of a shot. Raises `ArtifactMissing` before the roto stage, `ShotCorrupt`."""
    return read_document(shot.root / ROTO_REPORT, RotoReport)
