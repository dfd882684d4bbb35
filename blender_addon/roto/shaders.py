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
    name: str,
    vertex: str,
    fragment: str,
    constants: Sequence[tuple[str, str]],
    *,
    corners: Sequence[tuple[str, str]],
    samplers: Sequence[str] = (),
    passed: Sequence[tuple[str, str]] = (("VEC2", "place"),),
) -> gpu.types.GPUShader:
    """A shader whose fragments write `fragColor`; they may call `shown(color)`.

    constants, corners (attributes), passed (from `vertex` to the fragments, smoothly): (type, name) each. samplers:
    names of 2D textures.
    """
    between = gpu.types.GPUStageInterfaceInfo(f"backlot_{name}_interface")
    for kind, handed in passed:
        between.smooth(kind, handed)
    info = gpu.types.GPUShaderCreateInfo()
    info.push_constant("MAT4", "ModelViewProjectionMatrix")
    info.push_constant("BOOL", "srgbTarget")  # Blender sets it
    for kind, constant in constants:
        info.push_constant(kind, constant)
    for slot, sampler in enumerate(samplers):
        info.sampler(slot, "FLOAT_2D", sampler)
    for slot, (kind, corner) in enumerate(corners):
        info.vertex_in(slot, kind, corner)
    info.vertex_out(between)
    info.fragment_out(0, "VEC4", "fragColor")
    info.vertex_source(vertex)
    info.fragment_source(_SHOWN + fragment)
    return gpu.shader.create_from_info(info)
