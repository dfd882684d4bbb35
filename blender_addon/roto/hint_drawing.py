"""Points, boxes and strokes over the plate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import blf
import gpu
from gpu_extras.batch import batch_for_shader

from ..shared.roto_prompts import FramePrompt, Stroke
from .editor import PlateView
from .edits import thinned
from .gesture import BOX, STROKE, Gesture

if TYPE_CHECKING:
    from .stroke_shader import StrokeShader

Colour = tuple[float, float, float, float]
Spot = tuple[float, float]
INCLUDE: Colour = (0.15, 0.95, 0.25, 1.0)
EXCLUDE: Colour = (1.0, 0.2, 0.15, 1.0)
_DARK: Colour = (0.0, 0.0, 0.0, 0.75)
_STROKE_ALPHA = 0.35
_SEGMENTS = 20
_POINT_PX = 5.0
_TEXT_PX = 13.0
_FONT = 0


class HintPen:
    """Draws in px of the region. scale: of the interface."""

    def __init__(self, view: PlateView, scale: float, strokes: StrokeShader) -> None:
        self._view, self._scale, self._strokes = view, scale, strokes
        self._shader = gpu.shader.from_builtin("UNIFORM_COLOR")
        self._shader.bind()

    def prompt(self, prompt: FramePrompt, color: tuple[float, float, float]) -> None:
        """All that is said of an object at this frame."""
        for stroke in prompt.strokes:
            self.stroke(stroke)
        for box in prompt.boxes:
            self.box(box[:2], box[2:], (*color, 1.0))
        for at in prompt.include:
            self.point(at, INCLUDE, is_plus=True)
        for at in prompt.exclude:
            self.point(at, EXCLUDE, is_plus=False)

    def gesture(self, gesture: Gesture, color: tuple[float, float, float]) -> None:
        """What the hand is about."""
        if gesture.kind == STROKE:
            path = thinned(gesture.path, gesture.radius / 8.0)
            self.stroke(Stroke(tuple(path), gesture.radius, gesture.include))
        elif gesture.kind == BOX:
            self.box(gesture.path[0], gesture.path[-1], (*color, 1.0))

    def point(self, at: Spot, colour: Colour, *, is_plus: bool) -> None:
        x, y = self._view.place(at)
        size = _POINT_PX * self._scale
        self._fan((x, y), size + 1.5 * self._scale, _DARK)
        self._fan((x, y), size, colour)
        half = size * 0.55
        self._bar(x - half, y, x + half, y)
        if is_plus:
            self._bar(x, y - half, x, y + half)

    def box(self, first: Spot, second: Spot, colour: Colour) -> None:
        (x0, y0), (x1, y1) = self._view.place(first), self._view.place(second)
        border = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
        self._line(border, _DARK, 3.5)
        self._line(border, colour, 1.5)

    def stroke(self, stroke: Stroke) -> None:
        colour = INCLUDE if stroke.include else EXCLUDE
        places = [self._view.place(at) for at in stroke.points]
        radius = max(stroke.radius * self._view.scale, 1.0)
        self._strokes.draw(places, radius, (*colour[:3], _STROKE_ALPHA), self._scale)
        self._shader.bind()

    def text(self, lines: list[tuple[str, Colour]], left: float, top: float) -> None:
        """Lines below each other, readable on any plate."""
        draw_text(lines, left, top, self._scale)
        self._shader.bind()

    def _bar(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self._line([(x0, y0), (x1, y1)], (1.0, 1.0, 1.0, 1.0), 2.0)

    def _fan(self, at: Spot, radius: float, colour: Colour) -> None:
        self._shader.uniform_float("color", colour)
        self._draw("TRI_FAN", [at, *_circle(at, radius, closed=True)])

    def _line(self, places: list[Spot], colour: Colour, width: float) -> None:
        gpu.state.line_width_set(width * self._scale)
        self._shader.uniform_float("color", colour)
        self._draw("LINE_STRIP", places)
        gpu.state.line_width_set(1.0)

    def _draw(self, kind: str, places: list[Spot]) -> None:
        batch_for_shader(self._shader, kind, {"pos": places}).draw(self._shader)


def _circle(at: Spot, radius: float, *, closed: bool) -> list[Spot]:
    turns = (2.0 * math.pi * step / _SEGMENTS for step in range(_SEGMENTS + closed))
    return [(at[0] + radius * math.cos(turn), at[1] + radius * math.sin(turn)) for turn in turns]


def draw_text(lines: list[tuple[str, Colour]], left: float, top: float, scale: float) -> tuple[float, float]:
    """Lines below each other on a dark ground. scale: of the interface. Returns its right and lower edge, px."""
    size = _TEXT_PX * scale
    blf.size(_FONT, size)
    widest = max(blf.dimensions(_FONT, text)[0] for text, _ in lines)
    height = 1.5 * size
    bottom = top - height * len(lines) - 0.4 * size
    right = left + widest + 1.2 * size
    gpu.state.blend_set("ALPHA")  # drawing text leaves it off
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.bind()
    shader.uniform_float("color", (0.0, 0.0, 0.0, 0.55))
    ground = [(left, bottom), (right, bottom), (right, top), (left, top)]
    batch_for_shader(shader, "TRI_FAN", {"pos": ground}).draw(shader)
    for row, (text, colour) in enumerate(lines):
        blf.color(_FONT, *colour)
        blf.position(_FONT, left + 0.6 * size, top - height * (row + 1) + 0.25 * size, 0)
        blf.draw(_FONT, text)
    return right, bottom
