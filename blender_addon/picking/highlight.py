"""Rings around picked points, drawn over the viewport."""

from __future__ import annotations

import math

import gpu
from gpu_extras.batch import batch_for_shader

_SEGMENTS = 24
_PICKED, _HOVERED, _LINE = (1.0, 0.55, 0.0, 1.0), (1.0, 1.0, 1.0, 0.9), (1.0, 0.55, 0.0, 0.7)
Spot = tuple[float, float]


def draw(picked: list[Spot], hovered: Spot | None, scale: float) -> None:
    """Spots in px of the region; scale: of the interface."""
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    gpu.state.line_width_set(2.0 * scale)
    shader.bind()
    if len(picked) > 1:
        _lines(shader, [*picked, picked[0]] if len(picked) > 2 else picked, _LINE)
    for spot in picked:
        _lines(shader, _ring(spot, 8.0 * scale), _PICKED)
    if hovered is not None:
        _lines(shader, _ring(hovered, 11.0 * scale), _HOVERED)
    gpu.state.line_width_set(1.0)
    gpu.state.blend_set("NONE")


def _ring(spot: Spot, radius: float) -> list[Spot]:
    turns = (2.0 * math.pi * step / _SEGMENTS for step in range(_SEGMENTS + 1))
    return [(spot[0] + radius * math.cos(turn), spot[1] + radius * math.sin(turn)) for turn in turns]


def _lines(shader: gpu.types.GPUShader, spots: list[Spot], colour: tuple[float, ...]) -> None:
    shader.uniform_float("color", colour)
    batch_for_shader(shader, "LINE_STRIP", {"pos": spots}).draw(shader)
