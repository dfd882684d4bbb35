"""Plate and render, mixed on the graphics card."""

from __future__ import annotations

from typing import Any

import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..roto.shaders import compiled
from ..shared.camera_files import Intrinsics
from ..solve_overlay.places import plate_uv
from .wipe import WipeLine

_CELLS = 64
"""The lens is bent exactly at the corners of so many cells a side, straight between: off by less than a tenth of a
pixel for any lens that a solve finds."""
_VERTEX = """
void main()
{
  place = pos;
  plate_place = uv;
  gl_Position = ModelViewProjectionMatrix * vec4(pos, 0.0, 1.0);
}
"""
_FRAGMENT = """
vec3 code(vec3 linear)
{
  vec3 bent = 1.055 * pow(max(linear, 0.0), vec3(1.0 / 2.4)) - 0.055;
  return mix(linear * 12.92, bent, step(vec3(0.0031308), linear));
}

vec4 picked(sampler2D picture, vec2 at)
{
  vec2 inside = step(vec2(0.0), at) * step(at, vec2(1.0));
  return texture(picture, clamp(at, 0.0, 1.0)) * inside.x * inside.y;
}

void main()
{
  vec4 a = picked(plate, plate_place);
  int way = choice % 3, rendered = choice / 3;
  vec4 b = rendered > 0 ? picked(render, rendered > 1 ? plate_place : place) : vec4(0.0);
  vec4 mixed = a * line.w;
  if (way == 0) {
    mixed = dot(line.xy, place - 0.5) < line.z ? a : b;
  }
  else if (way == 1 && rendered > 0) {
    mixed = mix(b, a, line.w);
  }
  else if (way == 2) {
    vec3 away = abs(code(a.rgb) - code(b.rgb)) * tint.w;
    fragColor = vec4(shown(min(away, 1.0)) * a.a, a.a);
    return;
  }
  mixed.rgb *= tint.rgb;
  fragColor = vec4(srgbTarget ? mixed.rgb : code(mixed.rgb), mixed.a);
}
"""
WAYS = {"WIPE": 0, "ONION": 1, "DIFFERENCE": 2}
WHITE = (1.0, 1.0, 1.0)


class CompareShader:
    """Made when it is first drawn with: there is no graphics card before."""

    def __init__(self) -> None:
        # line: WipeLine and the opacity. tint: and the gain. Graphics cards grant 128 bytes for sure.
        constants = (("VEC4", "line"), ("VEC4", "tint"), ("INT", "choice"))
        corners = (("VEC2", "pos"), ("VEC2", "uv"))
        passed = (("VEC2", "place"), ("VEC2", "plate_place"))
        self._shader = compiled(
            "compare", _VERTEX, _FRAGMENT, constants, corners=corners, samplers=("plate", "render"), passed=passed
        )

    def batch(self, lens: Intrinsics, *, undistorted: bool, overscan: float) -> gpu.types.GPUBatch:
        """The camera frame, with the plate as the viewport shows it."""
        places = grid()
        uv = plate_uv(places, lens, undistorted=undistorted, overscan=overscan)
        flat = {"pos": places.astype(np.float32), "uv": uv.astype(np.float32)}
        return batch_for_shader(self._shader, "TRIS", flat, indices=triangles())

    def draw(
        self,
        batch: gpu.types.GPUBatch,
        way: str,
        plate: Any,
        render: Any = None,
        *,
        line: WipeLine | None = None,
        opacity: float = 1.0,
        gain: float = 1.0,
        tint: tuple[float, float, float] = WHITE,
        is_distorted: bool = False,
    ) -> None:
        """render: None for what lies below. is_distorted: the render has the plate's lens distortion."""
        shader = self._shader
        shader.bind()
        shader.uniform_sampler("plate", plate)
        shader.uniform_sampler("render", render if render is not None else plate)
        cut = (line.a, line.b, line.c) if line is not None else (0.0, 0.0, 1.0)
        shader.uniform_float("line", (*cut, opacity))
        shader.uniform_float("tint", (*tint, gain))
        rendered = 0 if render is None else (2 if is_distorted else 1)
        shader.uniform_int("choice", WAYS[way] + 3 * rendered)
        batch.draw(shader)


def grid() -> np.ndarray:
    """float64 [N,2]: the corners of the cells, row by row, 0 to 1."""
    along = np.linspace(0.0, 1.0, _CELLS + 1)
    x, y = np.meshgrid(along, along)
    return np.stack([x, y], axis=-1).reshape(-1, 2)


def triangles() -> np.ndarray:
    """int32 [2 * cells, 3]: two for each cell of `grid`."""
    row, column = np.divmod(np.arange(_CELLS * _CELLS), _CELLS)
    first = row * (_CELLS + 1) + column
    above = first + _CELLS + 1
    halves = np.concatenate([np.stack([first, first + 1, above + 1], -1), np.stack([first, above + 1, above], -1)])
    return halves.astype(np.int32)
