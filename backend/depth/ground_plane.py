"""Engine `ground-plane`: the depth of the floor of the shot's world, for cameras that see no parallax.

It is an explicit choice, never a fallback: everything that stands on the floor gets the depth of the floor behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from shared.camera_files import Extrinsics
from shared.errors import ArtifactMissing

from .frame import Depth, FrameDepth
from .poses import Pose

ESTIMATED = 0.25
"""Confidence of every pixel of the floor: it was not measured."""

_NO_UP = "Set the shot's world first: the floor, or at least what is up (`python -m backend world SHOT --auto-ground`)."


def floor_height(extrinsics: Extrinsics, poses: Sequence[Pose | None], camera_height: float | None) -> float:
    """z of the floor in the world: 0, or `camera_height` world units below the cameras' median height. Raises
    `ArtifactMissing` when nobody has said what is up, or when the cameras are not above the floor."""
    if extrinsics.up_source == "none":
        raise ArtifactMissing("The shot's world does not know what is up, so there is no floor in it.", _NO_UP)
    heights = [float(pose.centre[2]) for pose in poses if pose is not None]
    if camera_height is not None:
        return float(np.median(heights)) - camera_height
    if min(heights) <= 0.0:
        raise ArtifactMissing(
            f"The floor of the shot's world (z = 0) is not below the camera (z = {min(heights):.3g}).",
            "Pick the floor, or give the camera's height over it (--camera-height).",
        )
    return 0.0


def plane_depth(poses: Sequence[Pose | None], floor: float, wanted: Sequence[int]) -> Iterator[FrameDepth]:
    """Depth of the horizontal plane z = `floor` up to the horizon, unknown above it, for the indices `wanted` into
    poses."""
    for index in wanted:
        pose = poses[index]
        if pose is None:
            continue
        depth = _depth(pose, floor)
        confidence = np.where(depth > 0.0, ESTIMATED, 0.0).astype(np.float32)
        yield FrameDepth(pose.number, depth, confidence)


def _depth(pose: Pose, floor: float) -> Depth:
    """float32 [H, W]: with a ray of planar depth 1, the plane lies (floor - height) / (ray's fall) away."""
    height, width = pose.size
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    falls = pose.world_from_camera[2, :3] @ np.linalg.inv(pose.K)
    fall = falls[0] * x[None, :] + falls[1] * y[:, None] + falls[2]
    away = floor - pose.centre[2]
    depth = np.divide(away, fall, out=np.zeros_like(fall), where=fall < -1e-9)
    return np.asarray(np.maximum(depth, 0.0), np.float32)
