"""Straight edges of a few plate frames as planes through the camera, in the world.

A line segment and the camera's centre span a plane; its normal m is square to the direction d of the edge in
space: d . m = 0 (Barnard, "Interpreting perspective images", 1983). With known camera rotations the segments of
all frames vote for directions together.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.export.lens_distortion import lens_of
from backend.media.plate import PlateReader
from shared.camera_files import FrameIntrinsics, SolvedCamera
from shared.shot import ShotFolder

from .constraints import Floats

_FRAMES = 5
_LONGEST_SIDE = 960
_LEAST_LENGTH = 0.035
"""Of the picture's diagonal."""
_MOST_A_FRAME = 200


@dataclass(frozen=True)
class Segments:
    """normal [S, 3]: of the plane of segment and camera centre; ray [S, 3]: through its middle; both unit, in the
    world. weight [S]: length over the diagonal. frame [S]: which of the frames that were looked at."""

    normal: Floats
    ray: Floats
    weight: Floats
    frame: NDArray[np.int64]

    def misfit(self, directions: Floats) -> Floats:
        """Angles [D, S] in radians, in the picture at the segment's middle, between each segment and the line from
        there to the vanishing point of a direction [D, 3]."""
        towards = np.cross(self.ray[None], directions[:, None])
        size = np.linalg.norm(towards, axis=2)
        cosine = np.abs(np.einsum("dsk,sk->ds", towards, self.normal)) / np.maximum(size, 1e-9)
        angle = np.arccos(np.clip(cosine, 0.0, 1.0))
        return np.asarray(np.where(size > 0.03, angle, np.pi / 2))  # it looks along the direction: no angle to see


NO_SEGMENTS = Segments(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros(0, np.int64))


def find_segments(shot: ShotFolder, camera: SolvedCamera) -> Segments:
    """From frames spread over the solved ones, without what masks call moving. Raises `ArtifactMissing`,
    `ShotCorrupt` when the plate cannot be read."""
    found = []
    with PlateReader(shot, ahead=0) as plate:
        for order, index in enumerate(_frames(camera, plate)):
            number = plate.numbers[index]
            inner = next(frame for frame in camera.intrinsics.frames if frame.frame == number)
            outer = next(frame for frame in camera.extrinsics.frames if frame.frame == number)
            ends = _long_segments(plate.gray(index), plate.usable(index))
            turn = np.array(outer.world_from_camera)[:3, :3]
            found.append(_in_world(ends, camera, inner, turn, order))
    return joined(found)


def joined(parts: list[Segments]) -> Segments:
    if not parts:
        return NO_SEGMENTS
    return Segments(
        np.concatenate([part.normal for part in parts]),
        np.concatenate([part.ray for part in parts]),
        np.concatenate([part.weight for part in parts]),
        np.concatenate([part.frame for part in parts]),
    )


def _frames(camera: SolvedCamera, plate: PlateReader) -> list[int]:
    posed = {pose.frame for pose in camera.extrinsics.frames if pose.world_from_camera is not None}
    able = [index for index, number in enumerate(plate.numbers) if number in posed]
    if not able:
        return []
    return [able[i] for i in np.unique(np.linspace(0, len(able) - 1, min(_FRAMES, len(able))).astype(int))]


def _long_segments(gray: NDArray[np.uint8], usable: NDArray[np.bool_] | None) -> Floats:
    """Ends [S, 2, 2] in px of the plate, edges at integers, of the longest segments. Detector: LSD (Grompone von
    Gioi et al., "LSD: a fast line segment detector with a false detection control", PAMI 2010)."""
    height, width = gray.shape
    shrink = min(1.0, _LONGEST_SIDE / max(height, width))
    small = cv2.resize(gray, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1.0 else gray
    lines = cv2.createLineSegmentDetector().detect(small)[0]
    if lines is None:
        return np.zeros((0, 2, 2))
    ends = (lines.reshape(-1, 2, 2).astype(np.float64) + 0.5) * (width / small.shape[1], height / small.shape[0])
    length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    keep = length > _LEAST_LENGTH * np.hypot(width, height)
    if usable is not None:
        x, y = np.clip(ends.mean(1), 0, (width - 1, height - 1)).astype(int).T
        keep &= usable[y, x]
    ends, length = ends[keep], length[keep]
    return np.asarray(ends[np.argsort(-length)[:_MOST_A_FRAME]])


def _in_world(ends: Floats, camera: SolvedCamera, inner: FrameIntrinsics, turn: Floats, order: int) -> Segments:
    diagonal = float(np.hypot(camera.intrinsics.width, camera.intrinsics.height))
    flat = lens_of(camera.intrinsics).undistort((ends - (inner.cx, inner.cy)) / (inner.fx, inner.fy))
    good = np.isfinite(flat).all(axis=(1, 2))
    rays = np.concatenate([flat[good], np.ones((int(good.sum()), 2, 1))], axis=2) @ turn.T
    weight = np.linalg.norm(ends[good, 1] - ends[good, 0], axis=1) / diagonal
    normal = np.cross(rays[:, 0], rays[:, 1])
    return Segments(_unit(normal), _unit(rays.mean(1)), weight, np.full(len(rays), order))


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
