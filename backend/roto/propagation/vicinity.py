"""What the frames near a prompted one show of what is in its box: what moves against the background is the object.

Pixels are followed for some frames (Brox & Malik, ECCV 2010: long movement tells objects apart where that of one frame
does not), and so is the background, whose movement is taken around the box and continued into it. What goes with the
background all the while does not belong to the object, however much it looks like it. A shadow goes with the object:
there the background shows through, darker by the same factor in all colours (Horprasert et al., 1999).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .background import allowance, background_flow, shade, slope_of, squared_gap
from .movement import Floats, FlowMeter, fetch, pixel_grid, squared_length
from .settings import PropagationSettings
from .windows import Pictures, Working, shrink

Flags = NDArray[np.bool_]

_FRAMES = 12
"""That are looked at, on both sides together."""
_STEPS = frozenset((1, 2, 3, 4, 6, 8, 10, 12))
"""Distances at which the movement so far is judged."""
_LEAST_AROUND = 500
_LEAST_SHARE, _BEYOND_NOISE = 0.05, 4.0
"""Of the box: with less that moves beyond the noise nothing is said."""
_HALF = 0.6
"""Share of the object's movement, near by, that is neither its own nor the background's."""
_NEAR = 0.12
"""Of the box: how far away what is near by may be."""
_MOST = 2.0
"""Log odds."""
_MISFIT, _EXPLAINED = 12.0, 4.0
"""In squared deviations: more is the same, and what still counts as a likeness."""
_DOUBT, _LEAST_HEARD = 0.25, 1e-3
_SHADED = -1.0
"""Log odds of the object where its shadow explains what is seen."""


def evidence_around(
    pictures: Pictures, number: int, numbers: Sequence[int], inside: Flags, settings: PropagationSettings
) -> Floats | None:
    """Log odds of the object, float32 [h, w] at the working size, about -4..4; None where the frames tell nothing, as
    when nothing moves.

    numbers: of the clip, ascending. inside: bool [H, W], the box at the plate's size.
    """
    here = Working.of(number, pictures(number), settings.longest_side)
    box = shrink(inside.astype(np.uint8) * np.uint8(255), settings.longest_side) > 0
    judge = _Judge(here, box)
    for side in _sides(number, numbers):
        judge.follow(Working.of(other, pictures(other), settings.longest_side) for other in side)
    return judge.verdict()


def _sides(number: int, numbers: Sequence[int]) -> list[list[int]]:
    """The frames after and before, nearest first; where one side has few the other has more."""
    after = [other for other in numbers if other > number]
    before = [other for other in reversed(numbers) if other < number]
    half = _FRAMES // 2
    later = min(len(after), max(half, _FRAMES - len(before)))
    return [after[:later], before[: _FRAMES - later]]


@dataclass(frozen=True)
class _Followed:
    """From the prompted frame to another: flow, still: float32 [h, w, 2], of the pixels and of the background. trust:
    float32 [h, w], whether the pixel is still to be seen. around: the same, 0 in the box. there: the other's Lab."""

    flow: Floats
    still: Floats
    trust: Floats
    around: Floats
    there: Floats


class _Judge:
    """Sums up what each step says."""

    def __init__(self, here: Working, box: Flags) -> None:
        self._here, self._box = here, box
        shape = box.shape
        self._around = (cv2.dilate(box.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0).astype(np.float32)
        self._side = float(np.sqrt(box.sum()))
        wide = int(max(8.0, 0.25 * self._side))
        ring = cv2.dilate(box.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=wide) > 0
        self._ring = ring & (self._around > 0)
        self._slope = slope_of(here.lab)
        self._moves, self._moves_heard = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._looks, self._looks_heard = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._shades: list[Floats] = []

    def follow(self, others: Iterator[Working]) -> None:
        """others: the frames of one side, nearest first."""
        meter, before = FlowMeter(), self._here
        flow = np.zeros((*self._box.shape, 2), np.float32)
        trust = np.ones(self._box.shape, np.float32)
        for step, other in enumerate(others, 1):
            movement = meter.between(before.gray, other.gray)
            trust = trust * fetch(movement.kept, flow)
            flow = flow + fetch(movement.forth, flow)
            before = other
            around = self._around * trust
            if around.sum() < _LEAST_AROUND:
                return
            if step in _STEPS:
                self._take(_Followed(flow, background_flow(flow, around), trust, around, other.lab))

    def _take(self, way: _Followed) -> None:
        """A step counts at a pixel as far as one of the two movements explains what it looks like."""
        against = np.sqrt(squared_length(way.flow - way.still))
        moves = self._movement(against, way.trust)
        if moves is None:
            return
        still = fetch(way.there, way.still)
        gap = squared_gap(self._here.lab, still)
        allowed = allowance(gap, self._slope, way.around)
        stays, goes = gap / allowed, squared_gap(self._here.lab, fetch(way.there, way.flow)) / allowed
        heard = way.trust * np.exp(-goes / _EXPLAINED)
        self._moves += heard * moves
        self._moves_heard += heard
        in_sight = _leads_inside(way.still)
        heard = in_sight * np.exp(-np.minimum(stays, goes) / _EXPLAINED)
        better = np.minimum(stays, _MISFIT) - np.minimum(goes, _MISFIT)
        self._looks += heard * np.clip(better / 2, -_MOST, _MOST)
        self._looks_heard += heard
        self._shades.append(in_sight * shade(self._here.lab, still, allowed))

    def _movement(self, against: Floats, trust: Floats) -> Floats | None:
        """Log odds by how far each pixel went against the background, px; None where nothing did."""
        near = self._ring & (trust > 0.5)
        noise = 0.2 + 1.5 * (float(np.median(against[near])) if near.any() else 0.3)
        moving = self._box & (trust > 0.3) & (against > _BEYOND_NOISE * noise)
        if moving.sum() < _LEAST_SHARE * self._box.sum():
            return None
        usual = float(np.median(against[moving]))
        reach = int(max(3.0, _NEAR * self._side))
        fastest = cv2.blur(np.where(self._box, against * trust, np.float32(0.0)), (3, 3))
        fastest = cv2.dilate(fastest, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
        local = np.clip(cv2.GaussianBlur(fastest, (0, 0), reach), 0.5 * usual, 2 * usual)
        half = _HALF * local
        odds: Floats = np.clip(_MOST * (against - half) / half, -_MOST, _MOST)
        return odds

    def verdict(self) -> Floats | None:
        if not self._shades:
            return None
        odds = self._moves / (self._moves_heard + _DOUBT) + self._looks / (self._looks_heard + _LEAST_HEARD)
        shaded = np.sort(np.stack(self._shades), axis=0)[len(self._shades) // 2 :].mean(0)
        out: Floats = ((1 - shaded) * odds + shaded * np.minimum(odds, _SHADED)).astype(np.float32)
        return out


def _leads_inside(flow: Floats) -> Floats:
    """1 where the flow leads to a place in the picture, else 0."""
    height, width = flow.shape[:2]
    x, y = pixel_grid(height, width)
    x, y = x + flow[..., 0], y + flow[..., 1]
    inside: Floats = ((x > 0) & (x < width - 1) & (y > 0) & (y < height - 1)).astype(np.float32)
    return inside
