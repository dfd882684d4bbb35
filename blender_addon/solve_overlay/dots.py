"""Round dots and rings of one size on the screen, a hundred thousand at once."""

from __future__ import annotations

import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..roto.shaders import compiled

_VERTEX = """
void main()
{
  tint = color;
  gl_Position = ModelViewProjectionMatrix * vec4(pos, 1.0);
  gl_PointSize = size;
}
"""
_FRAGMENT = """
void main()
{
  float away = 2.0 * distance(gl_PointCoord, vec2(0.5));
  float soft = 2.0 / size;
  float inside = 1.0 - smoothstep(1.0 - soft, 1.0, away);
  float outside = hole > 0.0 ? smoothstep(hole - soft, hole, away) : 1.0;
  /* A dark rim, so that a dot is seen on a plate of its own colour. */
  float rim = hole > 0.0 ? 0.0 : smoothstep(1.0 - 2.0 * soft, 1.0 - soft, away);
  float alpha = tint.a * inside * outside;
  if (alpha <= 0.0) {
    discard;
  }
  fragColor = vec4(shown(tint.rgb * (1.0 - 0.8 * rim)), alpha);
}
"""


class DotShader:
    """Made when it is first drawn with: there is no graphics card before."""

    def __init__(self) -> None:
        constants = (("FLOAT", "size"), ("FLOAT", "hole"))
        corners = (("VEC3", "pos"), ("VEC4", "color"))
        passed = (("VEC4", "tint"),)
        self._shader = compiled("dots", _VERTEX, _FRAGMENT, constants, corners=corners, passed=passed)

    def batch(self, places: np.ndarray, colours: np.ndarray) -> gpu.types.GPUBatch | None:
        """places float [N,2] or [N,3], colours float32 [N,4]; None without dots."""
        return _batch(self._shader, "POINTS", places, colours)

    def draw(self, batch: gpu.types.GPUBatch | None, size: float, hole: float = 0.0) -> None:
        """size: px across. hole: of a ring, its inner width as a share of the outer."""
        if batch is None:
            return
        self._shader.bind()
        self._shader.uniform_float("size", size)
        self._shader.uniform_float("hole", hole)
        gpu.state.program_point_size_set(True)
        batch.draw(self._shader)
        gpu.state.program_point_size_set(False)


class LineShader:
    """Lines of one width on the screen, coloured at their ends."""

    def __init__(self) -> None:
        self._shader = gpu.shader.from_builtin("POLYLINE_SMOOTH_COLOR")

    def batch(self, places: np.ndarray, colours: np.ndarray) -> gpu.types.GPUBatch | None:
        """places float [2L,2] or [2L,3], colours float32 [2L,4]; None without lines."""
        return _batch(self._shader, "LINES", places, colours)

    def draw(self, batch: gpu.types.GPUBatch | None, width: float) -> None:
        """width: px."""
        if batch is None:
            return
        self._shader.bind()
        self._shader.uniform_float("viewportSize", gpu.state.viewport_get()[2:])
        self._shader.uniform_float("lineWidth", width)
        batch.draw(self._shader)


def _batch(
    shader: gpu.types.GPUShader, kind: str, places: np.ndarray, colours: np.ndarray
) -> gpu.types.GPUBatch | None:
    if not len(places):
        return None
    flat = np.zeros((len(places), 3), np.float32)
    flat[:, : places.shape[1]] = places
    return batch_for_shader(shader, kind, {"pos": flat, "color": np.ascontiguousarray(colours, np.float32)})
