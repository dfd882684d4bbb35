"""Where places of the world are in the plate, lens and all. No bpy here."""

from __future__ import annotations

import numpy as np

from ..shared.camera_files import SolvedCamera

_BEHIND = 1e-6
_FAR_OUT = 3.0
"""Tangent of the angle to the axis beyond which a lens polynomial is none."""


def plate_places(camera: SolvedCamera, number: int, xyz: np.ndarray) -> np.ndarray | None:
    """[N,2] px of the distorted plate, edges at integers, of world places [N,3]; NaN behind the camera. None where the
    frame has no camera."""
    pose = next((frame for frame in camera.extrinsics.frames if frame.frame == number), None)
    k = next((frame for frame in camera.intrinsics.frames if frame.frame == number), None)
    if pose is None or k is None or pose.world_from_camera is None:
        return None
    matrix = np.array(pose.world_from_camera)
    seen = (np.asarray(xyz, float) - matrix[:3, 3]) @ matrix[:3, :3]
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = seen[:, :2] / seen[:, 2:]
    flat[(seen[:, 2] < _BEHIND) | (np.abs(flat) > _FAR_OUT).any(1)] = np.nan
    return _distorted(camera, flat) * (k.fx, k.fy) + (k.cx, k.cy)


def _distorted(camera: SolvedCamera, flat: np.ndarray) -> np.ndarray:
    """COLMAP's OPENCV model."""
    lens = camera.intrinsics
    x, y = flat[:, 0], flat[:, 1]
    r2 = x * x + y * y
    radial = 1.0 + lens.k1 * r2 + lens.k2 * r2 * r2
    return np.stack(
        [
            x * radial + 2 * lens.p1 * x * y + lens.p2 * (r2 + 2 * x * x),
            y * radial + 2 * lens.p2 * x * y + lens.p1 * (r2 + 2 * y * y),
        ],
        axis=-1,
    )
