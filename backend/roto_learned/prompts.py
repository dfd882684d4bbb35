"""What SAM 2 is told of an artist's hints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.roto.cut import Cutter, Hints
from shared.roto_prompts import Stroke

Picture = NDArray[np.uint8]
_STROKE_POINTS = 5
_INCLUDED, _EXCLUDED = 1, 0


@dataclass(frozen=True)
class Told:
    """One of: a mask, bool [H, W] (all False: the object is not to be seen); or points [N, 2] with labels [N] (1 on the
    object, 0 off it) and a box [4], plate px. correction: the points only say where the object is not, so that they
    can but correct a mask that was followed here."""

    mask: NDArray[np.bool_] | None = None
    points: NDArray[np.float64] | None = None
    labels: NDArray[np.int64] | None = None
    box: NDArray[np.float64] | None = None
    correction: bool = False


def told(hints: Hints, picture: Callable[[], Picture]) -> Told:
    """The hints of one frame as SAM 2 takes them: it knows masks, or points with one box. A painted mask that other
    hints correct is corrected first, as the preview shows it. Raises `InvalidRequest`."""
    if hints.absent:
        return Told(mask=np.zeros(picture().shape[:2], bool))
    corrected = len(hints.include) or len(hints.exclude) or hints.strokes or len(hints.boxes)
    if hints.mask is not None:
        return Told(mask=Cutter(picture()).soft_mask(hints) >= 0.5 if corrected else hints.mask)
    points = [*((p, _INCLUDED) for p in hints.include), *((p, _EXCLUDED) for p in hints.exclude)]
    for stroke in hints.strokes:
        label = _INCLUDED if stroke.include else _EXCLUDED
        points += [(point, label) for point in _along(stroke)]
    labels = np.array([label for _, label in points], np.int64)
    box = None
    if len(hints.boxes):
        box = np.concatenate([hints.boxes[:, :2].min(0), hints.boxes[:, 2:].max(0)])
    return Told(
        points=np.array([point for point, _ in points], np.float64).reshape(-1, 2),
        labels=labels,
        box=box,
        correction=only_says_where_not(hints),
    )


def only_says_where_not(hints: Hints) -> bool:
    """Whether hints can but correct what was followed to their frame."""
    return not hints.absent and not hints.says_where


def _along(stroke: Stroke) -> list[NDArray[np.float64]]:
    """A few points evenly along a stroke, its ends among them."""
    line = np.asarray(stroke.points, np.float64)
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    count = 1 if lengths[-1] <= stroke.radius else _STROKE_POINTS
    at = np.linspace(0.0, lengths[-1], count) if count > 1 else np.array([lengths[-1] / 2])
    return list(np.stack([np.interp(at, lengths, line[:, axis]) for axis in (0, 1)], 1))
