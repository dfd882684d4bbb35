"""The plate's cameras, as a mesh is seen through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.export.lens_distortion import Lens, lens_of
from shared.camera_files import Extrinsics, Intrinsics

from .field import Floats


@dataclass(frozen=True)
class View:
    """A frame's camera. focal, centre [2]: px of the plate. rotation [3,3], place [3]: camera from world, OpenCV axes.
    size: (width, height) px."""

    number: int
    focal: Floats
    centre: Floats
    rotation: Floats
    place: Floats
    lens: Lens
    size: tuple[int, int]

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """World [N,3] -> (px of the distorted plate [N,2], edges at integers, NaN where the lens does not see; depth
        [N] along the camera's axis, world units)."""
        camera = points @ self.rotation.T + self.place
        depth = camera[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            flat = np.where(depth[:, None] > 0.0, camera[:, :2] / depth[:, None], np.nan)
        if not self.lens.is_straight:
            flat = self.lens.distort(flat)
        return flat * self.focal + self.centre, depth

    def eye(self) -> Floats:
        """[3] world."""
        return np.asarray(-self.rotation.T @ self.place)

    def slope(self, points: Floats) -> Floats:
        """[N,2,3]: px by world coordinates, without the lens's small share in it."""
        camera = points @ self.rotation.T + self.place
        depth = np.maximum(camera[:, 2], 1e-9)
        found = np.zeros((len(points), 2, 3))
        for axis in (0, 1):
            found[:, axis, axis] = self.focal[axis] / depth
            found[:, axis, 2] = -self.focal[axis] * camera[:, axis] / depth**2
        return np.asarray(found @ self.rotation)


def views_of(intrinsics: Intrinsics, extrinsics: Extrinsics) -> dict[int, View]:
    """By plate number; frames that were not solved are not in it."""
    lens = lens_of(intrinsics)
    inner = {frame.frame: frame for frame in intrinsics.frames}
    found = {}
    for pose in extrinsics.frames:
        own = inner.get(pose.frame)
        if pose.world_from_camera is None or own is None:
            continue
        world = np.array(pose.world_from_camera, np.float64)
        rotation = world[:3, :3].T
        found[pose.frame] = View(
            number=pose.frame,
            focal=np.array([own.fx, own.fy]),
            centre=np.array([own.cx, own.cy]),
            rotation=rotation,
            place=-rotation @ world[:3, 3],
            lens=lens,
            size=(intrinsics.width, intrinsics.height),
        )
    return found
