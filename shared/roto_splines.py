"""`roto/<label>/splines.json`: the masks of one object as bezier curves with few keys.

Coordinates are pixels of the plate with edges at integers, x right, y down: the centre of the top-left pixel is
(0.5, 0.5). Frame numbers are plate numbers. docs/roto-splines.md shows an example.
"""

from __future__ import annotations

from dataclasses import dataclass

from .artifacts import ROTO
from .shot import ShotFolder, read_document

SPLINES_VERSION = 1
SPLINES_FILE = "splines.json"

ControlPoint = tuple[float, float, float, float, float, float]
"""x, y of the point, then of its left (incoming) and its right (outgoing) handle, all absolute, px."""


@dataclass(frozen=True)
class SplineKey:
    """The closed curve on one frame: from each point to the next, and from the last to the first, a cubic bezier,
    anticlockwise on the screen."""

    frame: int
    points: tuple[ControlPoint, ...]


@dataclass(frozen=True)
class MaskSpline:
    """One closed curve that is there from frame `first` to frame `last`, both included. points: how many it has, the
    same in every key. Between keys all six numbers of a point go linearly; before the first and after the last key they
    stay. subtract: what lies within is cut out of the splines before it."""

    first: int
    last: int
    points: int
    keys: tuple[SplineKey, ...]
    subtract: bool = False


@dataclass(frozen=True)
class LabelSplines:
    """One object. splines: to be applied in this order. width, height: of the plate, px. fit_error_px: the largest
    distance, over all frames, between a curve and the outline of the mask, both ways. keys: of all splines together.
    """

    version: int
    label: str
    width: int
    height: int
    fit_error_px: float
    keys: int
    splines: tuple[MaskSpline, ...] = ()


def read_splines(shot: ShotFolder, label: str) -> LabelSplines:
    """The document of one object. Raises `ArtifactMissing` when there is none, `ShotCorrupt`."""
    return read_document(shot.root / ROTO / label / SPLINES_FILE, LabelSplines)
