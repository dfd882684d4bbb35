"""Masks on the graphics card: a fill and an outline of even width on the screen, whatever the zoom."""

from __future__ import annotations

from collections import OrderedDict

import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from .editor import PlateView
from .mask_files import Shown
from .shaders import compiled

_KEPT = 16
_VERTEX = """
void main()
{
  place = uv;
  gl_Position = ModelViewProjectionMatrix * vec4(pos, 0.0, 1.0);
}
"""
_FRAGMENT = """
float mask_at(vec2 at)
{
  vec2 inside = step(vec2(0.0), at) * step(at, vec2(1.0));
  return texture(mask, clamp(at, 0.0, 1.0)).r * inside.x * inside.y;
}

void main()
{
  float here = mask_at(place);
  float low = here, high = here;
  for (int i = 0; i < 16; i++) {
    float turn = 6.2831853 * float(i) / 16.0;
    float there = mask_at(place + vec2(cos(turn), sin(turn)) * reach);
    low = min(low, there);
    high = max(high, there);
  }
  float is_edge = (low < 0.5 && high >= 0.5) ? 1.0 : 0.0;
  float is_inside = here >= 0.5 ? 1.0 : 0.0;
  float alpha = max(is_inside * color.a, reach.x > 0.0 ? is_edge : 0.0);
  if (alpha <= 0.0) {
    discard;
  }
  /* Where the outline lies outside of the object it is dark, so that it is seen on a plate of its own colour. */
  vec3 shade = (is_edge > 0.5 && is_inside < 0.5) ? vec3(0.0) : shown(color.rgb);
  fragColor = vec4(shade, (is_edge > 0.5 && is_inside < 0.5) ? alpha * 0.6 : alpha);
}
"""


class MaskShader:
    """Made when it is first drawn with: there is no graphics card before."""

    def __init__(self) -> None:
        constants = (("VEC4", "color"), ("VEC2", "reach"))
        corners = (("VEC2", "pos"), ("VEC2", "uv"))
        self._shader = compiled("mask", _VERTEX, _FRAGMENT, constants, corners=corners, samplers=("mask",))
        self._textures: OrderedDict[int, gpu.types.GPUTexture] = OrderedDict()

    def draw(self, shown: Shown, view: PlateView, color: tuple[float, float, float], fill: float, width: float) -> None:
        """fill: opacity 0..1. width: of the outline, px of the screen; 0 for none."""
        shader = self._shader
        right, top = view.left + view.width, view.bottom + view.height
        corners = ((view.left, view.bottom), (right, view.bottom), (right, top), (view.left, top))
        places = ((0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0))
        shader.bind()
        shader.uniform_sampler("mask", self._texture(shown))
        shader.uniform_float("color", (*color, fill))
        shader.uniform_float("reach", (width / view.width, width / view.height))
        batch_for_shader(shader, "TRI_FAN", {"pos": corners, "uv": places}).draw(shader)

    def _texture(self, shown: Shown) -> gpu.types.GPUTexture:
        if shown.serial in self._textures:
            self._textures.move_to_end(shown.serial)
            return self._textures[shown.serial]
        height, width = shown.grey.shape
        values = np.ascontiguousarray(shown.grey, np.float32).ravel() / np.float32(255.0)
        data = gpu.types.Buffer("FLOAT", values.size, values)
        made = gpu.types.GPUTexture((width, height), format="R8", data=data)
        self._textures[shown.serial] = made
        while len(self._textures) > _KEPT:
            self._textures.popitem(last=False)
        return made
