"""What the add-on's own shaders share: how they are put together, and colours as the screen shows them."""

from __future__ import annotations

from collections.abc import Sequence

import gpu

_SHOWN = """
/* Colours are given as they shall be seen; the framebuffers of some editors encode sRGB by themselves. */
vec3 shown(vec3 seen)
{
  vec3 bent = mix(seen / 12.92, pow((seen + 0.055) / 1.055, vec3(2.4)), step(vec3(0.04045), seen));
  return srgbTarget ? bent : seen;
}
"""


def compiled(
    name: str, vertex: str, fragment: str, constants: Sequence[tuple[str, str]], *, sampler: str, corners: Sequence[str]
) -> gpu.types.GPUShader:
    """A shader whose fragments know `place`, a vec2 that `vertex` sets, and write `fragColor`.

    constants: (type, name) each. sampler: name of its 2D texture. corners: names of its vec2 attributes. `fragment` may
    call `shown(color)`.
    """
    passed = gpu.types.GPUStageInterfaceInfo(f"backlot_{name}_interface")
    passed.smooth("VEC2", "place")
    info = gpu.types.GPUShaderCreateInfo()
    info.push_constant("MAT4", "ModelViewProjectionMatrix")
    info.push_constant("BOOL", "srgbTarget")  # Blender sets it
    for kind, constant in constants:
        info.push_constant(kind, constant)
    info.sampler(0, "FLOAT_2D", sampler)
    for slot, corner in enumerate(corners):
        info.vertex_in(slot, "VEC2", corner)
    info.vertex_out(passed)
    info.fragment_out(0, "VEC4", "fragColor")
    info.vertex_source(vertex)
    info.fragment_source(_SHOWN + fragment)
    return gpu.shader.create_from_info(info)
