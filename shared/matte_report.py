"""`matte/report.json`: what the mattes of each object are like. Frame numbers are plate numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from .shot import ShotFolder, read_document

MATTE_REPORT_VERSION = 1
MATTE_REPORT = "matte/report.json"


@dataclass(frozen=True)
class MatteFacts:
    """The mattes of one object. frames: how many were made. empty: in how many nothing is to be seen. band_px: mean
    width of the band in which alpha was looked for. soft: share 0..1 of the band whose alpha is neither 0 nor 1.
    flicker: mean absolute change of alpha in the band from one frame to the next, 0..1: what moves is part of it.
    flicker_worst: the largest of a single frame, and flicker_frame, where."""

    frames: int
    empty: int
    band_px: float
    soft: float
    flicker: float
    flicker_worst: float = 0.0
    flicker_frame: int | None = None


@dataclass(frozen=True)
class MatteReport:
    """engine: that made the mattes. labels: name -> its facts."""

    version: int
    engine: str
    labels: dict[str, MatteFacts] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def read_matte_report(shot: ShotFolder) -> MatteReport:
    """The document of a shot. Raises `ArtifactMissing` before the matte stage, `ShotCorrupt`."""
    return read_document(shot.root / MATTE_REPORT, MatteReport)
