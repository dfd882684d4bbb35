"""What the stage works on: the solved cameras, the points and the frame range of a shot, as one job."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backend.frame_ranges import frame_runs
from backend.pipeline.context import StageContext
from shared.camera_files import SolvedCamera
from shared.depth_meta import MissingDepth
from shared.depth_params import DepthParams
from shared.errors import ArtifactMissing, FootageEmpty, ShotCorrupt
from shared.shot import ShotFolder

from .job import DepthJob
from .pictures import ShotPictures
from .poses import Floats, poses_of

_NO_POSE = "the solve has no camera pose there"


def make_job(params: DepthParams, context: StageContext, camera: SolvedCamera, pictures: ShotPictures) -> DepthJob:
    """Raises `FootageEmpty` for a range without frames, `ArtifactMissing` when none of its frames has a pose,
    `ShotCorrupt`."""
    numbers = pictures.numbers
    poses = poses_of(camera, numbers, pictures.working)
    chosen = frames_in_range(params, numbers)
    wanted = tuple(index for index in chosen if poses[index] is not None)
    if not wanted:
        raise ArtifactMissing(
            f"No frame from {numbers[chosen[0]]} to {numbers[chosen[-1]]} has a camera pose.", "Run Solve Camera again."
        )
    return DepthJob(
        params=params,
        camera=camera,
        poses=tuple(poses),
        points=read_points(context.shot),
        pictures=pictures,
        wanted=wanted,
        device=context.device,
        shot=context.shot,
        scratch=context.checkpoint_dir,
        checkpoint=context.check_cancelled,
        notice=context.notice,
    )


def frames_in_range(params: DepthParams, numbers: Sequence[int]) -> list[int]:
    """Indices into the plate. Raises `FootageEmpty`."""
    first = numbers[0] if params.frame_start is None else params.frame_start
    last = numbers[-1] if params.frame_end is None else params.frame_end
    found = [index for index, number in enumerate(numbers) if first <= number <= last]
    if not found:
        raise FootageEmpty(
            f"The plate has no frames from {first} to {last}.", f"Choose frames from {numbers[0]} to {numbers[-1]}."
        )
    return found


def without_pose(job: DepthJob) -> list[MissingDepth]:
    """Frames of the range that the solve could not place."""
    numbers = job.pictures.numbers
    failed = [numbers[index] for index in frames_in_range(job.params, numbers) if job.poses[index] is None]
    return [MissingDepth(first, last, _NO_POSE) for first, last in frame_runs(failed)]


def read_points(shot: ShotFolder) -> Floats:
    """float64 [N, 3]: the solve's points that have a depth; none for a camera that came without. Raises
    `ShotCorrupt`."""
    if not shot.cloud.is_file():
        return np.zeros((0, 3))
    try:
        with np.load(shot.cloud, allow_pickle=False) as stored:
            xyz = np.asarray(stored["xyz"], np.float64)
            far = np.asarray(stored["at_infinity"], bool) if "at_infinity" in stored else np.zeros(len(xyz), bool)
    except (OSError, ValueError, EOFError, KeyError) as bad:
        raise ShotCorrupt(f"{shot.cloud} cannot be read: {bad}.", "Run Solve Camera again.") from bad
    return np.asarray(xyz[~far])
