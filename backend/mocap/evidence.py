"""What a detector says of one person in a clip, and the cameras it was seen by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .skeleton import Floats, Skeleton

Flags = NDArray[np.bool_]

LEAST_JOINTS = 4
"""Joints that must be seen for a body to be placed."""


class TooLittleSeen(ValueError):
    """Of a person, to be placed in any frame."""


@dataclass(frozen=True)
class Cameras:
    """matrix [T,3,3]: of undistorted plate px, edges at integers. rotation [T,3,3], translation [T,3]:
    camera-from-world, OpenCV axes."""

    matrix: Floats
    rotation: Floats
    translation: Floats

    def seen(self, points: Floats) -> Floats:
        """World [T,J,3] -> camera [T,J,3]."""
        camera: Floats = np.einsum("tij,tkj->tki", self.rotation, points) + self.translation[:, None]
        return camera

    def project(self, camera: Floats) -> Floats:
        """Camera [T,J,3] -> px [T,J,2]. Behind the camera: as at 1 cm before it."""
        depth = np.maximum(camera[..., 2:], 1e-2)
        xy: Floats = camera[..., :2] / depth * self._focal + self.matrix[:, None, :2, 2]
        return xy

    def project_slope(self, camera: Floats) -> Floats:
        """[T,J,2,3]: of `project`, by camera coordinates."""
        depth = np.maximum(camera[..., 2], 1e-2)
        slope = np.zeros((*camera.shape[:2], 2, 3))
        for axis in (0, 1):
            focal = self._focal[:, :, axis]
            slope[..., axis, axis] = focal / depth
            slope[..., axis, 2] = -focal * camera[..., axis] / depth**2
        return slope

    def part(self, start: int, stop: int) -> Cameras:
        """Frames start..stop - 1."""
        cut = slice(start, stop)
        return Cameras(self.matrix[cut], self.rotation[cut], self.translation[cut])

    @property
    def _focal(self) -> Floats:
        return np.stack([self.matrix[:, 0, 0], self.matrix[:, 1, 1]], 1)[:, None]


@dataclass(frozen=True)
class Evidence:
    """Over T consecutive frames, for the J joints of a skeleton.

    xy [T,J,2]: undistorted plate px, edges at integers. sd_px [T,J]: how well they are known, inf where not seen.
    relative [T,J,3]: joints from the middle of the hips as the detector guesses them, camera axes, its metres; sd_m
    [T,J], inf where it says nothing.
    """

    xy: Floats
    sd_px: Floats
    relative: Floats
    sd_m: Floats

    def __len__(self) -> int:
        return len(self.xy)

    def part(self, start: int, stop: int) -> Evidence:
        """Frames start..stop - 1."""
        cut = slice(start, stop)
        return Evidence(self.xy[cut], self.sd_px[cut], self.relative[cut], self.sd_m[cut])

    @property
    def seen(self) -> Flags:
        """[T,J]"""
        return np.isfinite(self.sd_px)

    @property
    def enough(self) -> Flags:
        """[T]: frames that say where the body is."""
        found: Flags = self.seen.sum(1) >= LEAST_JOINTS
        return found

    @property
    def shaped(self) -> Flags:
        """[T]: frames of which the detector guesses the shape, too."""
        found: Flags = (self.seen & np.isfinite(self.sd_m)).sum(1) >= LEAST_JOINTS
        return found


@dataclass(frozen=True)
class View:
    """One camera's frames, and what was seen in them."""

    cameras: Cameras
    evidence: Evidence

    def part(self, start: int, stop: int) -> View:
        """Frames start..stop - 1."""
        return View(self.cameras.part(start, stop), self.evidence.part(start, stop))


def nothing_seen(frames: int, skeleton: Skeleton) -> Evidence:
    """To be filled in."""
    joints = len(skeleton)
    unknown = np.full((frames, joints), np.inf)
    return Evidence(np.zeros((frames, joints, 2)), unknown, np.zeros((frames, joints, 3)), unknown.copy())
