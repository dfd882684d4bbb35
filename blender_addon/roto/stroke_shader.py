"""Strokes on the graphics card: every pixel within a radius of a polyline, coloured once however often the hand has
crossed it."""

from __future__ import annotations

import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from .shaders import compiled

Spot = tuple[float, float]
_BORDER_PX = 1.5
_VERTEX = """
void main()
{
  place = pos;
  gl_Position = ModelViewProjectionMatrix * vec4(pos, 0.0, 1.0);
}
"""
_FRAGMENT = """
void main()
{
  float nearest = 1e9;
  for (int i = 0; i < count - 1; i++) {
    vec2 a = texelFetch(path, ivec2(i, 0), 0).rg;
    vec2 b = texelFetch(path, ivec2(i + 1, 0), 0).rg;
    vec2 along = b - a;
    float share = clamp(dot(place - a, along) / max(dot(along, along), 1e-6), 0.0, 1.0);
    nearest = min(nearest, distance(place, a + share * along));
  }
  if (nearest > radius) {
    discard;
  }
  float alpha = nearest > radius - border ? 0.9 : color.a;
  fragColor = vec4(shown(color.rgb), alpha);
}
"""


class StrokeShader:
    """Made when it is first drawn with: there is no graphics card before."""

    def __init__(self) -> None:
        constants = (("VEC4", "color"), ("FLOAT", "radius"), ("FLOAT", "border"), ("INT", "count"))
        corners = (("VEC2", "pos"),)
        self._shader = compiled("stroke", _VERTEX, _FRAGMENT, constants, corners=corners, samplers=("path",))

    def draw(self, path: list[Spot], radius: float, colour: tuple[float, float, float, float], scale: float) -> None:
        """path: px of the region, one point or more. radius: px. colour: sRGB and the fill's opacity. scale: of the
        interface."""
        places = path if len(path) > 1 else [path[0], path[0]]
        flat = np.array(places, np.float32)
        data = gpu.types.Buffer("FLOAT", flat.size, flat.ravel())
        texture = gpu.types.GPUTexture((len(places), 1), format="RG32F", data=data)
        (left, bottom), (right, top) = flat.min(axis=0) - radius, flat.max(axis=0) + radius
        shader = self._shader
        shader.bind()
        shader.uniform_sampler("path", texture)
        shader.uniform_int("count", len(places))
        shader.uniform_float("color", colour)
        shader.uniform_float("radius", radius)
        shader.uniform_float("border", _BORDER_PX * scale)
        corners = ((left, bottom), (right, bottom), (right, top), (left, top))
        batch_for_shader(shader, "TRI_FAN", {"pos": corners}).draw(shader)
