"""The analysis as one picture: the path from above, and speed, rotation and shake over the frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.chart_scales import short, ticks

from .analysis import MotionAnalysis

Picture = NDArray[np.uint8]
WIDTH, HEIGHT = 1400, 900
_MARGIN = 62
_INK, _FAINT, _PAPER = (50, 50, 50), (225, 225, 225), (255, 255, 255)
_LINE, _LOST = (180, 90, 20), (205, 205, 245)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class Panel:
    """A rectangle of the picture in px, and the values its edges stand for."""

    left: int
    top: int
    width: int
    height: int
    x: tuple[float, float]
    y: tuple[float, float]

    def place(self, x: float, y: float) -> tuple[int, int]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return round(self.left + across * self.width), round(self.top + (1.0 - up) * self.height)


def draw(analysis: MotionAnalysis) -> Picture:
    """uint8 [900,1400,3] BGR."""
    picture: Picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    _path(picture, analysis, 0, 0, WIDTH // 2, HEIGHT // 2)
    speeds = [frame.speed for frame in analysis.frames]
    turns = [frame.turn_deg for frame in analysis.frames]
    shakes = [frame.shake_px for frame in analysis.frames]
    _curve(picture, analysis, speeds, "speed, units/s", WIDTH // 2, 0)
    _curve(picture, analysis, turns, "rotation, degrees a frame", 0, HEIGHT // 2)
    score = "" if analysis.shake_score is None else f" (score {analysis.shake_score:g} of 100)"
    _curve(picture, analysis, shakes, f"shake, px{score}", WIDTH // 2, HEIGHT // 2, least=0.5)
    return picture


def _curve(
    picture: Picture,
    analysis: MotionAnalysis,
    values: Sequence[float | None],
    title: str,
    left: int,
    top: int,
    least: float = 1e-6,
) -> None:
    """least: the smallest top of the scale, so that noise does not fill the panel."""
    numbers = [frame.frame for frame in analysis.frames]
    peak = 1.06 * max(*(value for value in values if value is not None), least, 0.0)
    panel = _panel(left, top, WIDTH // 2, HEIGHT // 2, (numbers[0], max(numbers[-1], numbers[0] + 1)), (0.0, peak))
    for frame in analysis.frames_without_pose:
        start, end = panel.place(frame - 0.5, panel.y[1]), panel.place(frame + 0.5, panel.y[0])
        cv2.rectangle(picture, start, end, _LOST, cv2.FILLED)
    _grid(picture, panel, title, whole_x=True)
    _lines(picture, panel, list(zip(numbers, values, strict=True)))


def _path(picture: Picture, analysis: MotionAnalysis, left: int, top: int, width: int, height: int) -> None:
    """From above, the same scale both ways."""
    places = [frame.position for frame in analysis.frames]
    known = np.array([place for place in places if place is not None])
    middle = (known.min(axis=0) + known.max(axis=0)) / 2.0
    inner = (width - 2 * _MARGIN, height - 2 * _MARGIN)
    reach = np.ptp(known, axis=0)
    scale = max(reach[0] / inner[0], reach[1] / inner[1], 1e-9) * 1.08
    half = (scale * inner[0] / 2.0, scale * inner[1] / 2.0)
    ranges = [(float(middle[i] - half[i]), float(middle[i] + half[i])) for i in (0, 1)]
    panel = _panel(left, top, width, height, ranges[0], ranges[1])
    length = f"path from above (x, y), length {analysis.scene.path_length:.4g} units"
    _grid(picture, panel, length)
    _lines(picture, panel, [(p[0], p[1]) if p is not None else (0.0, None) for p in places])
    first = next(place for place in places if place is not None)
    cv2.circle(picture, panel.place(first[0], first[1]), 5, (40, 140, 40), cv2.FILLED, cv2.LINE_AA)


def _panel(left: int, top: int, width: int, height: int, x: tuple[float, float], y: tuple[float, float]) -> Panel:
    return Panel(left + _MARGIN, top + _MARGIN, width - 2 * _MARGIN, height - 2 * _MARGIN, x, y)


def _grid(picture: Picture, panel: Panel, title: str, *, whole_x: bool = False) -> None:
    for value in ticks(panel.x, whole=whole_x):
        at = panel.place(value, panel.y[0])
        cv2.line(picture, at, (at[0], panel.top), _FAINT, 1)
        _text(picture, short(value), (at[0], at[1] + 20), centre=True)
    for value in ticks(panel.y):
        at = panel.place(panel.x[0], value)
        cv2.line(picture, at, (panel.left + panel.width, at[1]), _FAINT, 1)
        _text(picture, short(value), (6 + panel.left - _MARGIN, at[1] + 5))
    corner = (panel.left + panel.width, panel.top + panel.height)
    cv2.rectangle(picture, (panel.left, panel.top), corner, _INK, 1)
    _text(picture, title, (panel.left, panel.top - 14), size=0.55)


def _lines(picture: Picture, panel: Panel, points: Sequence[tuple[float, float | None]]) -> None:
    """Lines between neighbours that both have a value; a dot for one that stands alone."""
    placed = [None if y is None else panel.place(x, y) for x, y in points]
    for i, place in enumerate(placed):
        before = placed[i - 1] if i else None
        if place is None:
            continue
        if before is not None:
            cv2.line(picture, before, place, _LINE, 2, cv2.LINE_AA)
        elif i + 1 == len(placed) or placed[i + 1] is None:
            cv2.circle(picture, place, 2, _LINE, cv2.FILLED)


def _text(picture: Picture, text: str, at: tuple[int, int], *, centre: bool = False, size: float = 0.45) -> None:
    if centre:
        (width, _), _ = cv2.getTextSize(text, _FONT, size, 1)
        at = (at[0] - width // 2, at[1])
    target: Any = picture
    cv2.putText(target, text, at, _FONT, size, _INK, 1, cv2.LINE_AA)
