"""Whether a solve fits into the memory that is free, asked before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from backend.sfm.bridge import LONGEST
from backend.sfm.settings import PRESETS, Preset, longest_side

_MB = 1024.0**2
_GB = 1024.0**3

_BASE = 200.0 * _MB
"""Python with NumPy, OpenCV and pycolmap loaded."""
_PLATE_BYTES = 32.0
"""Of a plate pixel: decoded frames read ahead, their grey and resized copies."""
_TRACKING_BYTES = 80.0
"""Of a pixel at tracking resolution: the image pyramids of two frames, float pictures, corner scores."""
_SIFT_BYTES = 240.0
"""Of a pixel in which a lost view is looked for (`backend/sfm/bridge.py`)."""
_OBSERVATION_BYTES = 900.0
"""Of an observation: Jacobians and residuals of the final adjustment and what is made of them meanwhile."""
_CAMERA_BYTES = 3.0 * 8.0 * 49.0
"""Of a pair of frames: three copies of the reduced camera system, 7 x 7 numbers for each."""
_MOST_FREE = 0.9
"""Share of the free memory that a solve may plan with."""


@dataclass(frozen=True)
class AffordablePreset:
    """quality: the preset to solve with. notice: why it is another one than was chosen, or "" """

    quality: str
    notice: str = ""


def peak_bytes(preset: Preset, width: int, height: int, frames: int) -> float:
    """Estimated peak resident memory of a solve, bytes: base + plate + tracking + observations + camera system. The
    factors were measured (docs/solve.md has the table); only the last two grow with the clip."""
    longest = longest_side(preset, width, height)
    working = width * height * min(1.0, longest / max(width, height)) ** 2
    sought = working * min(1.0, LONGEST / longest) ** 2
    fixed = _BASE + _PLATE_BYTES * width * height + _TRACKING_BYTES * working + _SIFT_BYTES * sought
    return fixed + _OBSERVATION_BYTES * preset.features * frames + _CAMERA_BYTES * frames**2


def affordable(quality: str, width: int, height: int, frames: int, free: float) -> AffordablePreset:
    """The chosen preset, or the next cheaper one that fits into `free` bytes."""
    limit = _MOST_FREE * free
    wanted = peak_bytes(PRESETS[quality], width, height, frames)
    chosen, needed = quality, wanted
    while needed > limit and PRESETS[chosen].lower:
        chosen = PRESETS[chosen].lower
        needed = peak_bytes(PRESETS[chosen], width, height, frames)
    if wanted <= limit:
        return AffordablePreset(quality)
    clip = f"{frames} frames of {width}x{height}"
    short = f"{clip} with the preset {quality!r} need about {_gb(wanted)} of memory, {_gb(free)} are free"
    if chosen != quality and needed <= limit:
        return AffordablePreset(chosen, f"{short}: the preset is lowered to {chosen!r} (about {_gb(needed)}).")
    lowest = "" if chosen == quality else f" The preset is lowered to {chosen!r} (about {_gb(needed)})."
    return AffordablePreset(
        chosen, f"{short}.{lowest} The solve may run out of memory: close other programs, or solve a shorter range."
    )


def _gb(count: float) -> str:
    return f"{count / _GB:.1f} GB" if count >= 0.95 * _GB else f"{math.ceil(count / _MB)} MB"
