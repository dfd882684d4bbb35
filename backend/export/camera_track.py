"""The camera that is exported: every frame's pose and lens, in one world, for one picture.

Poses stay in Backlot's axes (world z up, OpenCV camera); a format turns them into its own with
`shared.axes` when it writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from shared import axes
from shared.camera_files import FrameIntrinsics, FramePose, Matrix4, SolvedCamera

from .undistorted_picture import UndistortedPicture


@dataclass(frozen=True)
class CameraSample:
    """One frame. frame: with the export's offset. pose: world_from_camera, None when the frame was not
    solved. focal_mm: for the track's film back. fx..cy: px of the exported picture."""

    frame: int
    pose: Matrix4 | None
    state: str
    motion: str
    focal_mm: float
    fx: float
    fy: float
    cx: float
    cy: float
    reprojection_error_px: float | None
    points: int


@dataclass(frozen=True)
class CameraTrack:
    """width, height: px of the exported picture. pixel_aspect: width of a pixel over its height.
    film_width_mm: of the whole picture, overscan included. plate_frames: numbers without the offset."""

    name: str
    samples: tuple[CameraSample, ...]
    plate_frames: tuple[int, ...]
    width: int
    height: int
    pixel_aspect: float
    fps: Fraction
    film_width_mm: float

    def film_height_mm(self, sample: CameraSample) -> float:
        """Of a frame, so that fx and fy are both kept: film height / focal = height / fy."""
        return sample.focal_mm * self.height / sample.fy

    def film_offset(self, sample: CameraSample) -> tuple[float, float]:
        """How far the picture's centre lies from the principal point, right and up, as fractions of the
        picture's width and height."""
        return 0.5 - sample.cx / self.width, sample.cy / self.height - 0.5

    @property
    def solved(self) -> tuple[CameraSample, ...]:
        return tuple(sample for sample in self.samples if sample.pose is not None)

    @property
    def failed(self) -> tuple[int, ...]:
        """Frames without a pose, with the export's offset."""
        return tuple(sample.frame for sample in self.samples if sample.pose is None)

    @property
    def gaps(self) -> tuple[int, ...]:
        """Every number from the first to the last without a pose: failed frames, and numbers that the plate
        itself lacks."""
        posed = {sample.frame for sample in self.solved}
        return tuple(number for number in range(self.first, self.last + 1) if number not in posed)

    @property
    def first(self) -> int:
        return self.samples[0].frame

    @property
    def last(self) -> int:
        return self.samples[-1].frame

    @property
    def is_zoom(self) -> bool:
        return len({sample.focal_mm for sample in self.samples}) > 1


@dataclass(frozen=True)
class PointCloud:
    """xyz: float64 [N,3], world, z up. rgb: uint8 [N,3] sRGB. track_length: int32 [N] frames."""

    xyz: NDArray[np.float64]
    rgb: NDArray[np.uint8]
    track_length: NDArray[np.int32]

    def best(self, count: int) -> PointCloud:
        """At most `count` points, those that were seen in most frames, in their order."""
        if len(self.xyz) <= count:
            return self
        keep = np.sort(np.argsort(-self.track_length, kind="stable")[:count])
        return PointCloud(self.xyz[keep], self.rgb[keep], self.track_length[keep])

    def turned(self, convention: axes.Convention) -> NDArray[np.float64]:
        """xyz in another program's world."""
        turned: NDArray[np.float64] = self.xyz @ np.array(convention.world).T
        return turned


def make_track(
    camera: SolvedCamera,
    picture: UndistortedPicture,
    *,
    name: str,
    fps: Fraction,
    film_back_mm: float,
    frame_offset: int = 0,
    scale: float = 1.0,
) -> CameraTrack:
    """The camera of `picture`. film_back_mm: width of the plate's film back; overscan makes it wider, so that
    the focal length in mm is the same with and without it."""
    intrinsics = camera.intrinsics
    film_width = film_back_mm * picture.width / intrinsics.width
    samples = tuple(
        _sample(picture.camera(inner), outer, film_width / picture.width, frame_offset, scale)
        for inner, outer in zip(intrinsics.frames, camera.extrinsics.frames, strict=True)
    )
    return CameraTrack(
        name=name,
        samples=samples,
        plate_frames=tuple(frame.frame for frame in intrinsics.frames),
        width=picture.width,
        height=picture.height,
        pixel_aspect=intrinsics.pixel_aspect,
        fps=fps,
        film_width_mm=film_width,
    )


def _sample(inner: FrameIntrinsics, outer: FramePose, mm_per_px: float, offset: int, scale: float) -> CameraSample:
    pose = outer.world_from_camera
    return CameraSample(
        frame=outer.frame + offset,
        pose=None if pose is None else _scaled(pose, scale),
        state=outer.state,
        motion=outer.motion,
        focal_mm=inner.fx * mm_per_px,
        fx=inner.fx,
        fy=inner.fy,
        cx=inner.cx,
        cy=inner.cy,
        reprojection_error_px=outer.reprojection_error_px,
        points=outer.points,
    )


def _scaled(pose: Matrix4, scale: float) -> Matrix4:
    x, y, z = axes.position_of(pose)
    return axes.make_pose(axes.rotation_of(pose), (x * scale, y * scale, z * scale))


def scaled_cloud(cloud: PointCloud, scale: float) -> PointCloud:
    return replace(cloud, xyz=cloud.xyz * scale)
