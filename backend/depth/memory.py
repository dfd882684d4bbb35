"""Whether multi-view stereo of a plate fits into the memory that is free, asked before it starts."""

from __future__ import annotations

_MB = 1024.0**2
_GB = 1024.0**3

_BASE = 270.0 * _MB
"""Python with torch, OpenCV and the shot loaded."""

_PIXEL_BYTES = 1400.0
"""Of a working pixel: measured at two resolutions, with the maps and views that are kept of neighbouring frames."""

_MOST_FREE = 0.9
"""Share of the free memory that may be planned with."""


def peak_bytes(pixels: int) -> float:
    """Estimated peak resident memory, bytes, for working pictures of so many pixels; the same for any clip length."""
    return _BASE + _PIXEL_BYTES * pixels


def affordable(pixels: int, half: bool, free: float) -> tuple[bool, str]:
    """Whether to work at half resolution, and why that is not what was asked for, or what to expect: "" when all is
    well. pixels: of the working picture at full resolution. free: bytes."""
    limit, wanted, least = _MOST_FREE * free, peak_bytes(pixels // 4 if half else pixels), peak_bytes(pixels // 4)
    if wanted <= limit:
        return half, ""
    short = f"Depth at this resolution needs about {wanted / _GB:.1f} GB of memory, {free / _GB:.1f} GB are free"
    if least <= limit:
        return True, f"{short}: it is found at half resolution (about {least / _GB:.1f} GB)."
    return True, f"{short}. It may run out of memory even at half resolution: close other programs."
