"""sRGB codes as the linear values that Blender's colour attributes hold. No bpy here."""

from __future__ import annotations

import numpy as np

_BLOCK = 1 << 15

# Linear values of the 256 sRGB codes (IEC 61966-2-1).
_CODES = np.arange(256) / 255.0
_LINEAR = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)


def linear_colour(rgb: np.ndarray) -> np.ndarray:
    """sRGB codes uint8 [N,3] as linear float32 [N,4]. In blocks: numpy holds Python's lock while it looks
    up, and Blender's main thread must not wait for it."""
    colour = np.ones((len(rgb), 4), dtype=np.float32)
    for start in range(0, len(rgb), _BLOCK):
        block = slice(start, start + _BLOCK)
        colour[block, :3] = _LINEAR[rgb[block]]
    return colour
