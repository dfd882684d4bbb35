"""What the mapper builds: the lens, camera poses and points, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .frames import Flags, Floats, Indices


@dataclass(frozen=True)
class Lens:
    """One lens for all frames: COLMAP's RADIAL model, px of the plate, edges at integers.

    aspect: fy / fx (pixel aspect of the plate); 1 for square pixels.
    """

    focal: float
    cx: float
    cy: float
    k1: float = 0.0
    k2: float = 0.0
    aspect: float = 1.0

    def normalised(self, xy: Floats) -> Floats:
        """Undistorted normalised coordinates [N, 2] of pixels [N, 2] (fixed-point iteration, then Newton's
        method on the radius would not pay for the mild distortion this model is used for)."""
        seen = (xy - [self.cx, self.cy]) / [self.focal, self.focal * self.aspect]
        ray: Floats = seen.copy()
        if self.k1 == 0.0 and self.k2 == 0.0:
            return ray
        for _ in range(25):
            r2 = (ray**2).sum(1, keepdims=True)
            ray = seen / np.maximum(1.0 + r2 * (self.k1 + self.k2 * r2), 0.2)
        return ray

    def project(self, camera: Floats) -> Floats:
        """Pixels [N, 2] of camera-space points [N, 3]."""
        xy = camera[:, :2] / camera[:, 2:]
        r2 = (xy**2).sum(1, keepdims=True)
        scale = np.array([self.focal, self.focal * self.aspect])
        pixels: Floats = xy * (1.0 + r2 * (self.k1 + self.k2 * r2)) * scale + np.array([self.cx, self.cy])
        return pixels


@dataclass(frozen=True)
class Scene:
    """rotation [F, 3, 3] and translation [F, 3]: camera_from_world of every frame; posed [F]: which of them
    are known. points [T, 3] by track number; known [T]: which of them are."""

    lens: Lens
    rotation: Floats
    translation: Floats
    posed: Flags
    points: Floats
    known: Flags

    @property
    def centres(self) -> Floats:
        """Camera centres [F, 3] in the world."""
        centres: Floats = -np.einsum("fji,fj->fi", self.rotation, self.translation)
        return centres

    def camera_points(self, track: Indices, frame: Indices) -> Floats:
        """Points `track` [M] in the axes of the cameras `frame` [M]: [M, 3]."""
        turned: Floats = np.einsum("mij,mj->mi", self.rotation[frame], self.points[track])
        return turned + self.translation[frame]

    def with_pose(self, frame: int, rotation: Floats, translation: Floats) -> Scene:
        turns, moves, posed = self.rotation.copy(), self.translation.copy(), self.posed.copy()
        turns[frame], moves[frame], posed[frame] = rotation, translation, True
        return replace(self, rotation=turns, translation=moves, posed=posed)


def empty_scene(lens: Lens, frames: int, tracks: int) -> Scene:
    """Nothing known."""
    return Scene(
        lens,
        np.broadcast_to(np.eye(3), (frames, 3, 3)).copy(),
        np.zeros((frames, 3)),
        np.zeros(frames, bool),
        np.zeros((tracks, 3)),
        np.zeros(tracks, bool),
    )
