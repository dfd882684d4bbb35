"""Where pixels go through the lens: the maps between the plate and a render that sees more than it. No bpy here.

The render has the plate's number of pixels and no distortion. A barrel lens pulls into the plate's corners what lies
outside such a picture, so the render is given room: it sees `overscan` times as much in width and height, and a plate
pixel covers 1 / overscan of a render pixel. 1 is no room.
"""

from __future__ import annotations

import math

import numpy as np

from ..shared.camera_files import FrameIntrinsics, Intrinsics

UNDISTORT, REDISTORT = "undistort", "redistort"
MOST_OVERSCAN = 2.0
"""Beyond it most of the render would be thrown away."""
_NEWTON_STEPS = 12
_BORDER_SAMPLES = 129
_SOLVED = 1e-6
_EXACT = 1e-12
"""Normalised coordinates; a step more would change nothing that a float32 map holds."""
_STRIP_ROWS = 32
_MARGIN_PX = 2.0
"""Bilinear filters look one pixel beyond the last."""
_NOWHERE = -1e6


def distort(x: np.ndarray, y: np.ndarray, lens: Intrinsics) -> tuple[np.ndarray, np.ndarray]:
    """Normalised coordinates through the lens: COLMAP's OPENCV model, y down."""
    r2 = x * x + y * y
    radial = 1 + lens.k1 * r2 + lens.k2 * r2 * r2
    return (
        x * radial + 2 * lens.p1 * x * y + lens.p2 * (r2 + 2 * x * x),
        y * radial + 2 * lens.p2 * x * y + lens.p1 * (r2 + 2 * y * y),
    )


def undistort(x: np.ndarray, y: np.ndarray, lens: Intrinsics) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of `distort`, by Newton steps with the exact Jacobian; nan where the model reaches no such place.
    A picture goes in strips of rows: some thirty temporary arrays of a whole one would not fit any cache."""
    if x.ndim < 2 or len(x) <= _STRIP_ROWS:
        return _undistort(x, y, lens)
    cuts = range(_STRIP_ROWS, len(x), _STRIP_ROWS)
    strips = [_undistort(*pair, lens) for pair in zip(np.split(x, cuts), np.split(y, cuts), strict=True)]
    return np.concatenate([u for u, _ in strips]), np.concatenate([v for _, v in strips])


def _undistort(x: np.ndarray, y: np.ndarray, lens: Intrinsics) -> tuple[np.ndarray, np.ndarray]:
    u, v = x.copy(), y.copy()
    with np.errstate(all="ignore"):
        for _ in range(_NEWTON_STEPS):
            found_x, found_y = distort(u, v, lens)
            error_x, error_y = x - found_x, y - found_y
            missed = np.maximum(np.abs(error_x), np.abs(error_y))
            if missed.max() < _EXACT:  # not so while a place is out of reach: it takes all steps
                break
            r2 = u * u + v * v
            radial = 1 + lens.k1 * r2 + lens.k2 * r2 * r2
            slope = 2 * lens.k1 + 4 * lens.k2 * r2
            cross = slope * u * v + 2 * lens.p1 * u + 2 * lens.p2 * v
            along_x = radial + slope * u * u + 2 * lens.p1 * v + 6 * lens.p2 * u
            along_y = radial + slope * v * v + 2 * lens.p2 * u + 6 * lens.p1 * v
            determinant = along_x * along_y - cross * cross
            u += (along_y * error_x - cross * error_y) / determinant
            v += (along_x * error_y - cross * error_x) / determinant
        lost = ~(missed < _SOLVED) | (u * u + v * v > reach(lens) ** 2)
    u[lost] = v[lost] = np.nan
    return u, v


def reach(lens: Intrinsics) -> float:
    """Undistorted radius up to which the radial part grows; further out the model folds back onto itself and says
    nothing about the lens."""
    roots = np.atleast_1d(np.roots([5.0 * lens.k2, 3.0 * lens.k1, 1.0]))
    folds = [root.real for root in roots if abs(root.imag) < 1e-12 and root.real > 0.0]
    return math.sqrt(min(folds)) if folds else math.inf


def overscan_of(lens: Intrinsics) -> float:
    """How much more than the plate a render must see so that every plate pixel has one, in every frame's zoom."""
    half = np.array((lens.width, lens.height)) / 2.0
    needed = max(np.max(_border(lens, frame) / half) for frame in distinct(lens))
    return float(min(max(needed + _MARGIN_PX / half.min(), 1.0), MOST_OVERSCAN))


def distinct(lens: Intrinsics) -> list[FrameIntrinsics]:
    """A frame of every different K of the shot."""
    return list({(frame.fx, frame.fy, frame.cx, frame.cy): frame for frame in lens.frames}.values())


def _border(lens: Intrinsics, frame: FrameIntrinsics) -> np.ndarray:
    """[2] px: how far from the middle the plate's edge is without the lens, in x and y."""
    along = np.linspace(0.0, 1.0, _BORDER_SAMPLES)
    zero, one = np.zeros_like(along), np.ones_like(along)
    x = np.concatenate([along, along, zero, one]) * lens.width
    y = np.concatenate([zero, one, along, along]) * lens.height
    u, v = undistort((x - frame.cx) / frame.fx, (y - frame.cy) / frame.fy, lens)
    away = np.stack([u * frame.fx + frame.cx - lens.width / 2, v * frame.fy + frame.cy - lens.height / 2])
    reached = np.isfinite(away).all(axis=0)
    return np.abs(away[:, reached]).max(axis=1) if reached.any() else np.zeros(2)


def pixel_map(lens: Intrinsics, kind: str, overscan: float = 1.0) -> np.ndarray:
    """float64 [H,W,2]: for each pixel centre of the result, where in the source picture it comes from, px; far
    outside where the lens model does not reach. UNDISTORT makes the render's view of the plate, REDISTORT the plate's
    view of the render."""
    k = np.median([(f.fx, f.fy, f.cx, f.cy) for f in lens.frames], axis=0)
    middle = np.array((lens.width, lens.height)) / 2.0
    wide = np.concatenate([k[:2] / overscan, middle + (k[2:] - middle) / overscan])
    result, source = (wide, k) if kind == UNDISTORT else (k, wide)
    x, y = np.meshgrid(np.arange(lens.width) + 0.5, np.arange(lens.height) + 0.5)
    x, y = (x - result[2]) / result[0], (y - result[3]) / result[1]
    if kind == UNDISTORT:
        beyond = x * x + y * y > reach(lens) ** 2
        x, y = distort(x, y, lens)
        x[beyond] = y[beyond] = np.nan
    else:
        x, y = undistort(x, y, lens)
    return np.nan_to_num(np.stack([x * source[0] + source[2], y * source[1] + source[3]], axis=-1), nan=_NOWHERE)
