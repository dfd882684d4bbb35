"""Whether a solved clip shows depth at all, before time is spent on matching it.

A match is good to a fraction of a pixel; depth is good to that fraction of the parallax. Less parallax than a few times
the matching noise is not depth but noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shared.errors import ArtifactMissing, NoParallax

from .job import DepthJob
from .poses import Floats, Pose

_NOISE_PX = 0.2
"""Of a match; 1 px of parallax therefore gives depth to 20 %."""

_LEAST_PX = 10.0 * _NOISE_PX
_GOOD_PX = 50.0 * _NOISE_PX
_MOST_POINTS = 2000

REMEDY = (
    "Use a network (--depth-engine depth-learned), or, if the floor is all that is needed, its plane "
    "(--depth-engine ground-plane)."
)


def parallax_px(poses: Sequence[Pose | None], points: Floats, reach: int) -> float:
    """Median px by which the points [N, 3] (world) move against a distant backdrop between a frame and the one of its
    neighbours, at most `reach` away, from which they are seen under the widest angle; the best of the frames."""
    points = points[:: max(1, len(points) // _MOST_POINTS)]
    best = 0.0
    for index in range(0, len(poses), max(1, reach // 4)):
        pose = poses[index]
        if pose is None:
            continue
        for other in (one for one in poses[index + 1 : index + reach + 1 : max(1, reach // 12)] if one is not None):
            best = max(best, _between(pose, other, points))
    return best


def _between(pose: Pose, other: Pose, points: Floats) -> float:
    a, b = points - pose.centre, points - other.centre
    ahead = (a @ pose.world_from_camera[:3, 2] > 1e-9) & (b @ other.world_from_camera[:3, 2] > 1e-9)
    if not ahead.any():
        return 0.0
    a, b = a[ahead], b[ahead]
    angle = np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), (a * b).sum(1))
    return float(np.median(angle) * pose.K[0, 0])


def check_parallax(motions: Sequence[str], parallax: float) -> str:
    """A word of warning for little parallax, "" for enough. motions: "full", "nodal" or "locked" of the solved frames.
    parallax: px. Raises `NoParallax`."""
    if motions and not any(motion == "full" for motion in motions):
        held = "never moves" if all(motion == "locked" for motion in motions) else "only turns on the spot"
        raise NoParallax(f"The camera {held}: its pictures show no parallax, so depth cannot be measured.", REMEDY)
    if parallax < _LEAST_PX:
        raise NoParallax(
            f"The camera hardly travels: points move by {parallax:.2g} px between the most distant frames that can be "
            "compared, which is too little to measure depth.",
            REMEDY,
        )
    if parallax < _GOOD_PX:
        return (
            f"The camera travels little: with {parallax:.2g} px of parallax, depth is good to about "
            f"{100.0 * _NOISE_PX / parallax:.0f} %."
        )
    return ""


def require_parallax(job: DepthJob, reach: int) -> None:
    """Notices when there is little. reach: frames that are compared. Raises `NoParallax`, and `ArtifactMissing` for a
    camera that came without points: which frames see the same is then not known."""
    motions = [pose.motion for pose in job.camera.extrinsics.frames if pose.world_from_camera is not None]
    travels = any(motion == "full" for motion in motions)
    if travels and not len(job.points):
        raise ArtifactMissing(
            f"The shot's camera came without points ({job.shot.cloud}), by which frames are chosen to be matched.",
            "Solve the camera here, or import it together with its points (a COLMAP model).",
        )
    warning = check_parallax(motions, parallax_px(job.poses, job.points, reach))
    if warning:
        job.notice(warning)
