"""2D evidence: where people's joints are in the plate, frame by frame, by one of several engines.

job.py says what is asked, keypoints.py what comes of it. docs/pose.md.
"""

from __future__ import annotations

from .job import MODES, PoseJob, PoseParams
from .keypoints import Keypoints, PersonTrack, PoseResult

__all__ = ["MODES", "Keypoints", "PersonTrack", "PoseJob", "PoseParams", "PoseResult", "pose_tracks"]


def pose_tracks(job: PoseJob) -> PoseResult:
    """The people of a clip, over its frames. A clip without people gives no tracks.

    Raises `EngineUnavailable` with its remedy, `InvalidRequest`, `WorkerCrashed`, `JobCancelled`, `DiskFull`,
    `ShotReadOnly`.
    """
    from .clip import pose_tracks as run

    return run(job)
