"""Where an object went that moves farther between two frames than dense flow can follow.

Flow from coarse to fine loses what is small and fast: at the coarse levels it is gone (Brox & Malik, "Large
displacement optical flow", PAMI 2011). Where the flow does not explain the object's pixels, the whole object is looked
for at every shift within reach: a shift is good as far as the pixels it leads to look like the object's and unlike the
background that was seen there. The flow is then measured once more in the object's own frame, and taken where it is the
better one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .background import Background, allowance, slope_of, squared_gap
from .movement import Floats, FlowMeter, Movement, fetch, squared_length
from .windows import Window, Working

_POINTS = 200
_EXPLAINED = 0.6
"""Share of the object that has to be explained for its flow to be taken as it is."""
_SURPRISE, _SURPRISE_BEHIND, _UNSEEN = 0.2, 0.02, 0.2
"""How likely a pixel looks like nothing that was seen: of the object, of a background that was seen; of one that was
not, how likely it looks like the object."""
_REACH, _LEAST_REACH = 2.0, 0.08
"""How far it is looked for: in sizes of the object, and at least in parts of the picture's longer side."""
_STEPS_TO_SIZE = 8
_FAR = 0.2
"""In sizes of the object: flow follows what goes less far, and fails at it for other reasons than distance."""
_BETTER = 0.3
"""Nats a pixel by which a shift has to be better than the flow."""
_LEAST_SEEN = 0.3
_LEAST_SIDE = 24
_NEW, _SEEN, _SHARED = 9.0, 0.3, 0.2
"""Squared deviations from the background, how well that has to be known, and the share of a part that looks new that
the object has to lie on."""
_GROWS = 0.15
"""In sizes of the object, how far it may reach beyond itself in a frame, unless it comes in from the picture's rim."""
_ALIKE, _ALIKE_SHARE = 1.0, 0.2
"""Variance of a movement that is like another one, px^2, and its deviation in parts of what they differ by."""
_NOISE = 6.0
"""Squared Lab deviation that is the same colour still."""


Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Leapt:
    """movement: with the leap in it. shift: px x, y back in time, float32 [2]. new: bool [h, w], what turned up where
    the object went and was background before. Both None when it did not leap."""

    movement: Movement
    shift: Floats | None = None
    new: Flags | None = None


@dataclass(frozen=True)
class _Points:
    """Some of the object's pixels: x, y [N] px of the frame before; lab [N, 3]; slope [N], the squared gradient."""

    x: Floats
    y: Floats
    lab: Floats
    slope: Floats


def with_leap(
    soft: Floats,
    before: Working,
    picture: Working,
    movement: Movement,
    background: Background,
    others: Floats,
    speed: Floats,
) -> Leapt:
    """The movement as it is where it explains the object, else with the object's leap in it.

    soft: float32 [h, w] of the frame before, of one object. background: carried to the current frame. others: float32
    [h, w], where other objects are expected now. speed: px a frame against the background, float32 [2].
    """
    inside = soft > 0.5
    if not inside.any() or _explained(inside, before, picture, movement, others) >= _EXPLAINED:
        return Leapt(movement)
    leap = _found(inside, before, picture, movement, background, others, speed)
    if leap is None:
        return Leapt(movement)
    merged = _only_credible(_merged(inside, before, picture, movement, leap), background.flow, leap)
    new = _new_there(inside, background, others, leap)
    return Leapt(merged, -np.asarray(leap, np.float32), new)


def _explained(inside: Flags, before: Working, picture: Working, movement: Movement, others: Floats) -> float:
    """Share of the object's pixels that are where the flow says, or behind other objects, or left the picture."""
    gap = squared_gap(before.lab, fetch(picture.lab, movement.forth))
    like = np.exp(-gap / (2 * allowance(gap, slope_of(before.lab), (~inside).astype(np.float32))))
    rows, columns = np.nonzero(inside)
    x, y = columns + movement.forth[inside][:, 0], rows + movement.forth[inside][:, 1]
    away = (x < 0) | (y < 0) | (x > inside.shape[1] - 1) | (y > inside.shape[0] - 1)
    hidden = cv2.dilate(others, np.ones((5, 5), np.uint8))[inside] > 0.5
    return float(np.where(away | hidden, 1.0, like[inside] * movement.kept[inside]).mean())


def _found(
    inside: Flags,
    before: Working,
    picture: Working,
    movement: Movement,
    background: Background,
    others: Floats,
    speed: Floats,
) -> tuple[int, int] | None:
    """The shift x, y in px to the current frame; None where none is clearly better than the flow."""
    size = float(np.sqrt(inside.sum()))
    step = max(1, round(size / _STEPS_TO_SIZE))
    points = _some(inside, before)
    behind = -np.median(background.flow[inside], axis=0)
    expected = behind + speed
    reach = max(_REACH * size, _LEAST_REACH * max(inside.shape)) + float(np.hypot(*speed))
    unlike = _unlike_behind(background, others)
    ticks = np.arange(-np.ceil(reach / step), np.ceil(reach / step) + 1) * step
    shifts = np.rint(np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2) + expected)
    best = _best(points, shifts, picture.lab, unlike, step, expected, reach)
    if best is None:
        return None
    if step > 1:
        ticks = np.arange(-step, step + 1)
        shifts = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2) + best
        best = _best(points, shifts, picture.lab, unlike, step, expected, reach)
    if best is None:
        return None
    rows, columns = points.y.astype(np.intp), points.x.astype(np.intp)
    closes = movement.kept[rows, columns]
    here, _ = _scores(points, movement.forth[rows, columns][None], picture.lab, unlike, step, closes)
    there, _ = _scores(points, best[None, None], picture.lab, unlike, step)
    far = float(np.hypot(*(best - behind))) >= _FAR * size
    if not far or there[0] < here[0] + _BETTER:
        return None
    return int(best[0]), int(best[1])


def _some(inside: Flags, before: Working) -> _Points:
    rows, columns = np.nonzero(inside)
    some = slice(None, None, max(1, len(rows) // _POINTS))
    rows, columns = rows[some], columns[some]
    slope = slope_of(before.lab)[rows, columns]
    return _Points(columns.astype(np.float32), rows.astype(np.float32), before.lab[rows, columns], slope)


def _unlike_behind(background: Background, others: Floats) -> Floats:
    """-log of how likely the background makes what is seen: float32 [h, w]; nan where other objects hide it."""
    seen = _SURPRISE_BEHIND + (1 - _SURPRISE_BEHIND) * np.exp(-background.gap / 2)
    likely = (1 - background.known) * _UNSEEN + background.known * seen
    unlike: Floats = np.where(others > 0.5, np.float32(np.nan), -np.log(likely)).astype(np.float32)
    return unlike


def _best(
    points: _Points, shifts: Floats, lab: Floats, unlike: Floats, step: int, expected: Floats, reach: float
) -> Floats | None:
    """The best of the shifts [C, 2]; None when all of them lead out of the picture."""
    score, seen = _scores(points, shifts[:, None], lab, unlike, step)
    far = np.square(shifts - expected).sum(1) / (2 * reach**2)
    score = np.where(seen >= _LEAST_SEEN, score - far, -np.inf)
    best = int(score.argmax())
    return shifts[best] if np.isfinite(score[best]) else None


def _scores(
    points: _Points, shifts: Floats, lab: Floats, unlike: Floats, step: int, heard: Floats | float = 1.0
) -> tuple[Floats, Floats]:
    """Mean log odds of object over background where the points are led to, and the share that is in sight.
    shifts: [C, N or 1, 2]. step: px that a shift may be off by half of. heard: [N], how far each way is believed."""
    h, w = unlike.shape
    steps = shifts.astype(np.float32)
    x, y = points.x[None] + steps[..., 0], points.y[None] + steps[..., 1]
    within = (x >= 0) & (y >= 0) & (x <= w - 1) & (y <= h - 1)
    place = (np.clip(np.rint(y), 0, h - 1) * np.float32(w) + np.clip(np.rint(x), 0, w - 1)).astype(np.intp)
    apart = squared_length(lab.reshape(-1, 3).take(place, 0) - points.lab)
    gap = apart / (_NOISE + 0.25 * step**2 * points.slope)
    odds = np.log(_SURPRISE + (1 - _SURPRISE) * np.exp(-gap / 2)) + unlike.take(place)
    seen = within & np.isfinite(odds)
    count = np.maximum(seen.sum(1), 1)
    return np.where(seen, odds * heard, 0).sum(1) / count, seen.mean(1)


def _merged(inside: Flags, before: Working, picture: Working, movement: Movement, leap: tuple[int, int]) -> Movement:
    """Flow measured around the object in its own frame, taken where it explains more."""
    height, width = inside.shape
    margin = max(8, round(0.5 * float(np.sqrt(inside.sum()))))
    old = Window.around(inside.astype(np.float32), margin)
    assert old is not None
    dx, dy = leap
    x0, y0 = max(old.x0, -dx, 0), max(old.y0, -dy, 0)
    x1, y1 = min(old.x1, width - dx, width), min(old.y1, height - dy, height)
    if x1 - x0 < _LEAST_SIDE or y1 - y0 < _LEAST_SIDE:
        x0, x1 = _widened(x0, x1, -dx, width)
        y0, y1 = _widened(y0, y1, -dy, height)
    there, here = (slice(y0, y1), slice(x0, x1)), (slice(y0 + dy, y1 + dy), slice(x0 + dx, x1 + dx))
    own = FlowMeter().between(np.ascontiguousarray(before.gray[there]), np.ascontiguousarray(picture.gray[here]))
    part = picture.lab[here]
    gap_own = squared_gap(part, fetch(before.lab[there], own.back))
    gap = squared_gap(picture.lab, fetch(before.lab, movement.back))[here]
    allowed = allowance(gap, slope_of(part), np.ones_like(gap))
    better = own.trust * np.exp(-gap_own / (2 * allowed)) > movement.trust[here] * np.exp(-gap / (2 * allowed))
    back, trust = movement.back.copy(), movement.trust.copy()
    back[here] = np.where(better[..., None], own.back - np.asarray(leap, np.float32), back[here])
    trust[here] = np.where(better, own.trust, trust[here])
    return Movement(back, movement.forth, trust, movement.kept)


def _only_credible(movement: Movement, behind: Floats, leap: tuple[int, int]) -> Movement:
    """With no trust in what goes neither with the background nor about as the object leapt: flow that mixes the two."""
    jump = -np.asarray(leap, np.float32)
    allowed = 2 * (_ALIKE + np.square(_ALIKE_SHARE) * squared_length(behind - jump))
    nearest = np.minimum(squared_length(movement.back - jump), squared_length(movement.back - behind))
    return replace(movement, trust=(movement.trust * np.exp(-nearest / allowed)).astype(np.float32))


def _new_there(inside: Flags, background: Background, others: Floats, leap: tuple[int, int]) -> Flags:
    """The connected parts of what the background does not explain, neither in a shadow, that lie for a good share where
    the object went: such a part is the object, even if it shows for the first time."""
    shift = np.array([[1, 0, leap[0]], [0, 1, leap[1]]], np.float32)
    there = cv2.warpAffine(inside.astype(np.uint8), shift, inside.shape[::-1], flags=cv2.INTER_NEAREST)
    new = (background.gap > _NEW) & (background.known > _SEEN) & (others < 0.5)
    solid = cv2.morphologyEx(new.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(solid, connectivity=4)
    area = np.bincount(labels.ravel(), minlength=count)
    shared = np.bincount(labels.ravel(), there.ravel(), minlength=count)
    taken = shared >= _SHARED * np.maximum(area, 1)
    taken[0] = False
    found: Flags = taken[labels]
    if not _at_the_rim(inside):
        reach = max(2, round(_GROWS * float(np.sqrt(inside.sum()))))
        found &= cv2.dilate(there, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
    return found


def _at_the_rim(inside: Flags) -> bool:
    return bool(inside[0].any() or inside[-1].any() or inside[:, 0].any() or inside[:, -1].any())


def _widened(low: int, high: int, first: int, size: int) -> tuple[int, int]:
    """At least _LEAST_SIDE long, where the picture and the shifted picture (from `first` on) both go on."""
    least, most = max(0, first), min(size, size + first)
    high = min(most, max(high, low + _LEAST_SIDE))
    return max(least, min(low, high - _LEAST_SIDE)), high
