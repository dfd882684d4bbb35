"""What an artist says of one object on one picture, checked against that picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidRequest
from shared.roto_prompts import FramePrompt, Point, Stroke

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
_SUBPIXEL_BITS = 4
_DAB = 1.5
"""Widths of the brush up to which a stroke is a click."""


def _no_points() -> Floats:
    return np.zeros((0, 2))


def _no_boxes() -> Floats:
    return np.zeros((0, 4))


@dataclass(frozen=True, eq=False)
class Hints:
    """A `FramePrompt` for one picture. Plate px, edges at integers.

    include, exclude: float [N,2]. boxes: float [N,4], half-open. strokes: in the order they were painted. mask: bool
    [H,W], a full mask of the object that the other hints correct. absent: the object is not to be seen. label, frame:
    for the sentences of errors.
    """

    include: Floats = field(default_factory=_no_points)
    exclude: Floats = field(default_factory=_no_points)
    boxes: Floats = field(default_factory=_no_boxes)
    strokes: tuple[Stroke, ...] = ()
    mask: Bools | None = None
    absent: bool = False
    label: str = "object"
    frame: int = 0

    @classmethod
    def of(cls, prompt: FramePrompt, *, mask: Bools | None = None, label: str = "object", frame: int = 0) -> Hints:
        """mask: the picture that `prompt.mask` names, read."""
        return cls(
            np.asarray(prompt.include, np.float64).reshape(-1, 2),
            np.asarray(prompt.exclude, np.float64).reshape(-1, 2),
            np.asarray(prompt.boxes, np.float64).reshape(-1, 4),
            prompt.strokes,
            mask,
            prompt.absent,
            label,
            frame,
        )

    @property
    def is_empty(self) -> bool:
        nothing = not (len(self.include) or len(self.exclude) or len(self.boxes) or self.strokes)
        return nothing and self.mask is None and not self.absent

    @property
    def says_where(self) -> bool:
        """Whether anything says where the object is, not only where it is not."""
        painted = any(stroke.include for stroke in self.strokes)
        return bool(len(self.include) or len(self.boxes) or painted or self.mask is not None)


@dataclass(frozen=True, eq=False)
class Marks:
    """Hints as pixels, bool [H,W]: include, exclude hold what is certain. inside: union of the boxes, None without.
    painted: px from end to end of what was painted of the object, 0 when it was only clicked or dabbed on."""

    include: Bools
    exclude: Bools
    inside: Bools | None
    painted: float


def marks_of(hints: Hints, height: int, width: int, *, correcting: bool = False) -> Marks:
    """The pixels of the hints. correcting: there is a mask already, so that an exclude alone is enough.

    Raises `InvalidRequest` for hints that are empty, off the picture or against each other, naming label and frame.
    """
    _check_places(hints, height, width)
    if hints.is_empty:
        raise _refused(hints, "has no hint", "Click on it, draw a box around it or paint it.")
    if not correcting and not hints.absent and not hints.says_where:
        raise _refused(hints, "has only hints of where it is not", "Click once on the object itself.")
    painted_in, painted_out = _painted(hints.strokes, height, width)
    points_in, points_out = (_pixels(points, height, width) for points in (hints.include, hints.exclude))
    _check_agreement(hints, points_in, points_out, painted_in, painted_out)
    inside, painted = _inside(hints.boxes, height, width), _painted_length(hints.strokes, painted_in)
    return Marks(painted_in | points_in, painted_out | points_out, inside, painted)


def _check_places(hints: Hints, height: int, width: int) -> None:
    size = f"the picture ({width} x {height})"
    for kind, points in (("include", hints.include), ("exclude", hints.exclude)):
        for x, y in points:
            if not (0 <= x < width and 0 <= y < height):
                raise _refused(hints, f"has an {kind} point at ({x:g}, {y:g}), outside of {size}", "Move or remove it.")
    for x0, y0, x1, y1 in hints.boxes:
        box = f"a box ({x0:g}, {y0:g}, {x1:g}, {y1:g})"
        if not (x0 < x1 and y0 < y1):
            raise _refused(hints, f"has {box} that is empty", "Draw it again from corner to corner.")
        if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
            raise _refused(hints, f"has {box} outside of {size}", "Draw it over the object.")
    for stroke in hints.strokes:
        if not any(
            -stroke.radius < x < width + stroke.radius and -stroke.radius < y < height + stroke.radius
            for x, y in stroke.points
        ):
            raise _refused(hints, f"has a stroke outside of {size}", "Paint over the picture.")
    if hints.mask is not None and hints.mask.shape != (height, width):
        rows, columns = hints.mask.shape[:2]
        raise _refused(
            hints, f"has a painted mask of {columns} x {rows} for a picture of {width} x {height}", "Paint it again."
        )
    if hints.mask is not None and not hints.mask.any() and not hints.absent:
        raise _refused(hints, "has a painted mask that is empty", "Paint the object, or say that it is absent here.")


def _check_agreement(hints: Hints, points_in: Bools, points_out: Bools, painted_in: Bools, painted_out: Bools) -> None:
    for first, second, what in (
        (points_in, points_out, "an include and an exclude point"),
        (points_in, painted_out, "an include point and an exclude stroke"),
        (points_out, painted_in, "an exclude point and an include stroke"),
    ):
        both = np.argwhere(first & second)
        if len(both):
            y, x = both[0]
            raise _refused(hints, f"has {what} on the same pixel ({x}, {y})", "Remove one of them.")
    if hints.absent and (points_in.any() or painted_in.any() or len(hints.boxes) or hints.mask is not None):
        raise _refused(hints, "is said to be absent and to be there", "Remove one of the two.")


def _refused(hints: Hints, what: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(f"{hints.label!r} {what}, at frame {hints.frame}.", remedy)


def _painted(strokes: tuple[Stroke, ...], height: int, width: int) -> tuple[Bools, Bools]:
    """Pixels whose last stroke includes them, and those whose last stroke excludes them."""
    drawn = np.zeros((height, width), np.uint8)
    for stroke in strokes:
        _draw(drawn, stroke.points, stroke.radius, 1 if stroke.include else 2)
    return drawn == 1, drawn == 2


def _painted_length(strokes: tuple[Stroke, ...], painted: Bools) -> float:
    """px, of pixels that strokes include; 0 when they are hardly longer than their brush is wide."""
    if not painted.any():
        return 0.0
    rows, columns = np.nonzero(painted)
    length = math.hypot(float(np.ptp(rows)) + 1, float(np.ptp(columns)) + 1)
    widest = max(2 * stroke.radius for stroke in strokes if stroke.include)
    return length if length > _DAB * widest else 0.0


def _draw(drawn: NDArray[np.uint8], points: tuple[Point, ...], radius: float, value: int) -> None:
    """A thin stroke still covers the pixels that its points lie in."""
    scale = 1 << _SUBPIXEL_BITS
    path: NDArray[Any] = np.round((np.asarray(points) - 0.5) * scale).astype(np.int32)
    thickness = max(1, round(2 * radius))
    if len(path) == 1:
        center = (int(path[0, 0]), int(path[0, 1]))
        cv2.circle(drawn, center, round(radius * scale), value, cv2.FILLED, cv2.LINE_8, _SUBPIXEL_BITS)
    else:
        cv2.polylines(drawn, [path.reshape(-1, 1, 2)], False, value, thickness, cv2.LINE_8, _SUBPIXEL_BITS)


def _pixels(points: Floats, height: int, width: int) -> Bools:
    found = np.zeros((height, width), bool)
    at = np.floor(points).astype(np.intp)
    found[at[:, 1], at[:, 0]] = True
    return found


def _inside(boxes: Floats, height: int, width: int) -> Bools | None:
    """Pixels whose centre is in a box; a box thinner than a pixel holds the one it lies in."""
    if not len(boxes):
        return None
    inside = np.zeros((height, width), bool)
    for x0, y0, x1, y1 in boxes:
        left, right = _span(x0, x1, width)
        top, bottom = _span(y0, y1, height)
        inside[top:bottom, left:right] = True
    return inside


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    start = min(max(int(np.ceil(low - 0.5)), 0), size - 1)
    return start, max(start + 1, min(int(np.ceil(high - 0.5)), size))
