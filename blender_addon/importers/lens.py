"""From K in pixels of the plate to Blender's lens, and back.

Backlot's K is in pixels, with the centre of the top-left pixel at (0.5, 0.5). Blender's camera with
sensor fit HORIZONTAL sees, for a render of W x H px with pixels `a` times as wide as high:

    fx = lens / sensor_width * W        fy = fx * a
    cx = W/2 - shift_x * W              cy = H/2 + shift_y * W * a

With overscan the camera sees o times the plate: its sensor is o times as wide, and its shifts, which count in widths
of what it sees, are o times as small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..shared.camera_files import Intrinsics


@dataclass(frozen=True)
class BlenderLens:
    """lens_mm, shift_x, shift_y: float64 [T], one for each frame of the intrinsics. pixel_aspect: width
    over height of a pixel, such that fx and fy both come out exactly."""

    lens_mm: np.ndarray
    shift_x: np.ndarray
    shift_y: np.ndarray
    pixel_aspect: float


def to_blender(intrinsics: Intrinsics, sensor_mm: float, overscan: float = 1.0) -> BlenderLens:
    """Blender's lens of every frame. sensor_mm: of the plate, without overscan."""
    k = np.array([(f.fx, f.fy, f.cx, f.cy) for f in intrinsics.frames], dtype=np.float64)
    width, height = intrinsics.width, intrinsics.height
    aspect = pixel_aspect(intrinsics)
    return BlenderLens(
        lens_mm=k[:, 0] * sensor_mm / width,
        shift_x=(width / 2 - k[:, 2]) / (overscan * width),
        shift_y=(k[:, 3] - height / 2) / (overscan * aspect * width),
        pixel_aspect=aspect,
    )


def pixel_aspect(intrinsics: Intrinsics) -> float:
    """The pixel aspect that makes Blender's camera agree with K. Blender has one focal length, so a solve
    whose fy/fx is not quite the declared aspect is exact only with its own ratio."""
    return float(np.median([f.fy / f.fx for f in intrinsics.frames]))


def varies(values: np.ndarray, tolerance: float) -> bool:
    """Whether values [T] change over the shot by more than `tolerance`."""
    return bool(np.ptp(values) > tolerance)


def is_distorted(intrinsics: Intrinsics) -> bool:
    """Whether the plate has lens distortion."""
    return intrinsics.model == "BROWN" and any((intrinsics.k1, intrinsics.k2, intrinsics.p1, intrinsics.p2))
