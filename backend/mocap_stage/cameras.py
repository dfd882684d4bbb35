"""A shot's solved cameras as the body solver wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.export.lens_distortion import Lens, lens_of
from backend.mocap.evidence import Cameras, Flags
from backend.mocap.footage import CHUNK, Seen
from backend.mocap.skeleton import Floats
from shared.camera_files import SolvedCamera
from shared.errors import ArtifactMissing

_REMEDY = "Solve the camera of these frames first, or choose others (--mocap-start, --mocap-end)."


@dataclass(frozen=True)
class ShotCameras:
    """numbers [T]: plate numbers. cameras: in the shot's world and units; NaN where a frame has no pose. posed [T]:
    whether it has. lens: of the plate. travels: whether the solve saw the camera change its place: else the solve's
    size says nothing at all."""

    numbers: tuple[int, ...]
    cameras: Cameras
    posed: Flags
    lens: Lens
    travels: bool

    def __len__(self) -> int:
        return len(self.numbers)

    def undistorted(self, index: int, xy: Floats) -> Floats:
        """Plate px [N,2] -> px of the pinhole camera, both with edges at integers; NaN where the lens model ends."""
        matrix = self.cameras.matrix[index]
        middle, focal = matrix[:2, 2], matrix[[0, 1], [0, 1]]
        straight: Floats = self.lens.undistort((np.asarray(xy, np.float64) - middle) / focal) * focal + middle
        return straight

    @property
    def centres(self) -> Floats:
        """[T,3] world"""
        found: Floats = -np.einsum("tji,tj->ti", self.cameras.rotation, self.cameras.translation)
        return found


def cameras_of(camera: SolvedCamera, numbers: Sequence[int]) -> ShotCameras:
    """The cameras of these frames. Raises `ArtifactMissing` when none of them has a pose."""
    inner = {frame.frame: frame for frame in camera.intrinsics.frames}
    outer = {frame.frame: frame for frame in camera.extrinsics.frames}
    matrix, pose = np.full((len(numbers), 3, 3), np.nan), np.full((len(numbers), 4, 4), np.nan)
    travels = False
    for index, number in enumerate(numbers):
        if number in inner and (solved := outer.get(number)) is not None and solved.world_from_camera is not None:
            lens = inner[number]
            matrix[index] = [[lens.fx, 0.0, lens.cx], [0.0, lens.fy, lens.cy], [0.0, 0.0, 1.0]]
            pose[index] = solved.world_from_camera
            travels |= solved.motion == "full"
    posed = np.isfinite(pose[:, 0, 0])
    if not posed.any():
        raise ArtifactMissing(f"No frame from {numbers[0]} to {numbers[-1]} has a solved camera.", _REMEDY)
    turn = pose[:, :3, :3].transpose(0, 2, 1)
    cameras = Cameras(matrix, turn, -np.einsum("tij,tj->ti", turn, pose[:, :3, 3]))
    return ShotCameras(tuple(numbers), cameras, posed, lens_of(camera.intrinsics), travels)


def reprojection_px(joints: Floats, evidence: Seen, cameras: ShotCameras) -> float:
    """Median distance in undistorted px of world joints [T,J,3] from where they were seen."""
    every = [np.zeros(0, np.float32)]
    for start in range(0, len(joints), CHUNK):
        stop = min(start + CHUNK, len(joints))
        here, there, part = joints[start:stop], cameras.cameras.part(start, stop), evidence.part(start, stop)
        seen = part.seen & np.isfinite(here[..., 0]) & cameras.posed[start:stop, None]
        off = there.project(there.seen(here)) - part.xy
        every.append(np.linalg.norm(off[seen], axis=-1).astype(np.float32))
    distances = np.concatenate(every)
    return float(np.median(distances)) if len(distances) else float("nan")
