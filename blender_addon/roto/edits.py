"""What a click, a box or a stroke makes of the hints of a frame. No bpy here.

Coordinates are pixels of the plate with edges at integers, y down, as in `shared/roto_prompts.py`.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

from ..shared.errors import InvalidRequest
from ..shared.roto_prompts import Box, FramePrompt, Point, Stroke

_DIGITS = 2
_LEAST_BOX_PX = 1.0
Size = tuple[int, int]
NOTHING = FramePrompt()


def with_point(prompt: FramePrompt, at: Point, include: bool, size: Size) -> FramePrompt:
    """size: width and height of the plate. Raises `InvalidRequest` for a place beside the plate."""
    if not (0.0 <= at[0] < size[0] and 0.0 <= at[1] < size[1]):
        raise InvalidRequest("This point lies beside the picture.", "Click inside of the plate.")
    point = _inside(at, size)
    name = "include" if include else "exclude"
    return replace(prompt, absent=False, **{name: (*getattr(prompt, name), point)})


def with_box(prompt: FramePrompt, first: Point, second: Point, size: Size) -> FramePrompt:
    """The box between two corners, as far as it is on the plate. Raises `InvalidRequest` when nothing is left."""
    x = sorted(min(max(corner[0], 0.0), float(size[0])) for corner in (first, second))
    y = sorted(min(max(corner[1], 0.0), float(size[1])) for corner in (first, second))
    if x[1] - x[0] < _LEAST_BOX_PX or y[1] - y[0] < _LEAST_BOX_PX:
        raise InvalidRequest("This box holds no pixel of the plate.", "Drag it over the object.")
    box: Box = (*_rounded((x[0], y[0])), *_rounded((x[1], y[1])))
    return replace(prompt, absent=False, boxes=(*prompt.boxes, box))


def with_stroke(prompt: FramePrompt, path: list[Point], radius: float, include: bool, size: Size) -> FramePrompt:
    """A stroke as the hand drew it, with no more points than its form needs. Raises `InvalidRequest` for a stroke
    beside the plate."""
    inside = any(-radius <= x <= size[0] + radius and -radius <= y <= size[1] + radius for x, y in path)
    if not inside:
        raise InvalidRequest("This stroke lies beside the picture.", "Paint on the plate.")
    kept = [_inside(at, size) for at in thinned(path, radius / 8.0)]
    stroke = Stroke(tuple(kept), round(radius, _DIGITS), include)
    return replace(prompt, absent=False, strokes=(*prompt.strokes, stroke))


def with_mask(prompt: FramePrompt, file: str) -> FramePrompt:
    """file: of the painted mask, under roto/."""
    return replace(prompt, absent=False, mask=file)


def without_nearest(prompt: FramePrompt, at: Point, reach: float) -> FramePrompt | None:
    """Takes away the hint that is nearest to a place; None when none is within `reach` px."""
    found: list[tuple[float, str, int]] = []
    for name in ("include", "exclude"):
        found += [(math.dist(at, point), name, i) for i, point in enumerate(getattr(prompt, name))]
    for i, stroke in enumerate(prompt.strokes):
        found.append((max(0.0, distance_to_path(at, stroke.points) - stroke.radius), "strokes", i))
    for i, box in enumerate(prompt.boxes):
        found.append((_distance_to_border(at, box), "boxes", i))
    near = min(found, default=None)
    if near is None or near[0] > reach:
        return None
    _, name, index = near
    hints = getattr(prompt, name)
    return replace(prompt, **{name: hints[:index] + hints[index + 1 :]})


def count(prompt: FramePrompt) -> int:
    """How many hints there are."""
    several = sum(len(getattr(prompt, name)) for name in ("include", "exclude", "boxes", "strokes"))
    return several + (prompt.mask is not None) + prompt.absent


def in_words(prompt: FramePrompt) -> str:
    """What there is, in a few words."""
    if prompt.absent:
        return "not to be seen"
    hints = count(prompt)
    return "no hints" if hints == 0 else f"{hints} hint{'s' if hints > 1 else ''}"


def thinned(path: list[Point], tolerance: float) -> list[Point]:
    """A polyline that stays within `tolerance` px of another one, with fewer points (Ramer 1972, Douglas and Peucker
    1973)."""
    keep = {0, len(path) - 1}
    spans = [(0, len(path) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        ends = (path[first], path[last])
        far, index = max((distance_to_path(path[i], ends), i) for i in range(first + 1, last))
        if far > tolerance:
            keep.add(index)
            spans += [(first, index), (index, last)]
    return [path[i] for i in sorted(keep)]


def distance_to_path(at: Point, path: tuple[Point, ...]) -> float:
    """px, to the nearest place of a polyline of one point or more."""
    if len(path) == 1:
        return math.dist(at, path[0])
    return min(_distance_to_line(at, a, b) for a, b in itertools.pairwise(path))


def _distance_to_line(at: Point, a: Point, b: Point) -> float:
    along = (b[0] - a[0], b[1] - a[1])
    length = along[0] ** 2 + along[1] ** 2
    share = 0.0 if length == 0.0 else ((at[0] - a[0]) * along[0] + (at[1] - a[1]) * along[1]) / length
    share = min(max(share, 0.0), 1.0)
    return math.dist(at, (a[0] + share * along[0], a[1] + share * along[1]))


def _distance_to_border(at: Point, box: Box) -> float:
    x0, y0, x1, y1 = box
    return distance_to_path(at, ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)))


def _inside(point: Point, size: Size) -> Point:
    """The nearest place of the plate: the right and the lower edge belong to nobody."""
    least = 10.0**-_DIGITS
    x, y = (min(max(value, 0.0), length - least) for value, length in zip(point, size, strict=True))
    return _rounded((x, y))


def _rounded(point: Point) -> Point:
    return round(float(point[0]), _DIGITS), round(float(point[1]), _DIGITS)
