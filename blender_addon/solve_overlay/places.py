"""From pixels of the plate to where the viewport shows them in its camera frame. No bpy here.

The frame's coordinates are 0 to 1 from its left to its right and from its lower to its upper edge.
"""

from __future__ import annotations

import numpy as np

from ..compositing.lens_maps import distort, undistort
from ..importers.lens import is_distorted
from ..shared.camera_files import Intrinsics

_BLOCK = 1 << 14
"""Places that go through the lens at once: temporary arrays of more would not fit any cache."""


def frame_places(xy: np.ndarray, lens: Intrinsics, *, undistorted: bool, overscan: float = 1.0) -> np.ndarray:
    """float64 [N,2] of places [N,2] of the distorted plate, px; nan where the lens model reaches no such place.

    undistorted: the plate is shown without its lens distortion, which a Movie Clip undoes with the median focal length.
    overscan: how many times the plate's size the camera sees."""
    size = np.array((lens.width, lens.height))
    places = np.asarray(xy, np.float64)
    if undistorted and is_distorted(lens) and len(places):
        k = _median(lens)
        cuts = range(_BLOCK, len(places), _BLOCK)
        blocks = [undistort(*((block - k[2:]) / k[:2]).T, lens) for block in np.split(places, cuts)]
        places = np.concatenate([np.stack(block, axis=-1) for block in blocks]) * k[:2] + k[2:]
    shown = 0.5 + (places / size - 0.5) / overscan
    shown[:, 1] = 1.0 - shown[:, 1]
    return shown


def plate_uv(places: np.ndarray, lens: Intrinsics, *, undistorted: bool, overscan: float = 1.0) -> np.ndarray:
    """The inverse: texture coordinates [N,2] of the plate, 0 to 1 with v upwards, of places [N,2] of the frame."""
    size = np.array((lens.width, lens.height))
    down = np.array(places, np.float64)
    down[:, 1] = 1.0 - down[:, 1]
    pixels = (0.5 + (down - 0.5) * overscan) * size
    if undistorted and is_distorted(lens):
        k = _median(lens)
        x, y = distort((pixels[:, 0] - k[2]) / k[0], (pixels[:, 1] - k[3]) / k[1], lens)
        pixels = np.stack([x * k[0] + k[2], y * k[1] + k[3]], axis=-1)
    uv = pixels / size
    uv[:, 1] = 1.0 - uv[:, 1]
    return uv


def _median(lens: Intrinsics) -> np.ndarray:
    """fx, fy, cx, cy as `importers.plate.set_tracking_camera` gives them to the clip."""
    return np.median([(f.fx, f.fy, f.cx, f.cy) for f in lens.frames], axis=0)
