"""Which frames a frame is matched with: by parallax and overlap, on both sides in time.

COLMAP's criteria (Schoenberger et al., ECCV 2016, section 4.1): enough angle at the scene's points to be precise,
little enough to look alike, and most of the points in both pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backend.depth.poses import Pose

from .settings import MvsSettings
from .views import Floats

_LEAST_OVERLAP = 0.4
"""Of the frame's points that a source must have in its picture."""


def choose_sources(pose: Pose, others: Sequence[Pose], points: Floats, settings: MvsSettings) -> list[Pose]:
    """At most `settings.sources` of the others, in time order. points [N, 3] world, those that the frame sees; their
    median angle decides. Empty when none has an overlap and parallax."""
    near = [other for other in others if other.number != pose.number]
    facts = [(other, *_angle_and_overlap(pose, other, points)) for other in near]
    overlapping = [(other, angle) for other, angle, overlap in facts if overlap >= _LEAST_OVERLAP and angle > 0.0]
    widest = max((angle for _, angle in overlapping), default=0.0)
    least = min(0.5 * settings.parallax_deg[0], 0.5 * widest)
    usable = [one for one in overlapping if one[1] >= least]
    before = [one for one in usable if one[0].number < pose.number]
    after = [one for one in usable if one[0].number > pose.number]
    each = settings.sources // 2
    counts = (each, each)
    if len(before) < each:
        counts = (len(before), settings.sources - len(before))
    elif len(after) < each:
        counts = (settings.sources - len(after), len(after))
    picked = _nearest_to(before, settings.parallax_deg, counts[0]) + _nearest_to(
        after, settings.parallax_deg, counts[1]
    )
    return sorted(picked, key=lambda one: one.number)


def choose_confirmers(pose: Pose, others: Sequence[Pose], points: Floats, settings: MvsSettings) -> list[Pose]:
    """The frames whose maps a frame is checked against, in time order: on either side one for each of
    `settings.confirm_deg`, more of one side where the clip ends. Of no more frames away than `settings.confirm_reach`,
    so that few maps need be kept."""
    facts = [(other, *_angle_and_overlap(pose, other, points)) for other in others if other.number != pose.number]
    usable = [(other, angle) for other, angle, overlap in facts if overlap >= _LEAST_OVERLAP and angle > 0.0]
    sides = [[one for one in usable if (one[0].number < pose.number) == before] for before in (True, False)]
    each = len(settings.confirm_deg)
    counts = [min(len(sides[k]), max(each, 2 * each - len(sides[1 - k]))) for k in (0, 1)]
    picked = [
        one for side, count in zip(sides, counts, strict=True) for one in _nearest_to(side, settings.confirm_deg, count)
    ]
    return sorted(picked, key=lambda one: one.number)


def _nearest_to(those: list[tuple[Pose, float]], wanted: Sequence[float], count: int) -> list[Pose]:
    """`count` of those (pose, angle in degrees), one for every wanted angle spread over their range."""
    left = list(those)
    picked: list[Pose] = []
    angles = np.exp(np.interp(np.linspace(0, len(wanted) - 1, max(count, 1)), np.arange(len(wanted)), np.log(wanted)))
    for angle in angles[:count]:
        if not left:
            break
        best = min(left, key=lambda one: abs(float(np.log(one[1] / angle))))
        left.remove(best)
        picked.append(best[0])
    return picked


def _angle_and_overlap(pose: Pose, other: Pose, points: Floats) -> tuple[float, float]:
    """Median angle (degrees) between the rays to the points, and the share of them in the other's picture."""
    inside = in_picture(other, points)
    if not inside.any():
        return 0.0, 0.0
    a = points[inside] - pose.world_from_camera[:3, 3]
    b = points[inside] - other.world_from_camera[:3, 3]
    across = np.linalg.norm(np.cross(a, b), axis=1)
    return float(np.degrees(np.median(np.arctan2(across, (a * b).sum(1))))), float(inside.mean())


def camera_points(pose: Pose, points: Floats) -> Floats:
    """Points [N, 3] in the camera's axes."""
    turned: Floats = (points - pose.world_from_camera[:3, 3]) @ pose.world_from_camera[:3, :3]
    return turned


def in_picture(pose: Pose, points: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """bool [N]: which world points lie in front of the camera and in its picture."""
    camera = camera_points(pose, points)
    ahead = camera[:, 2] > 1e-9
    pixel = camera @ pose.K.T
    xy = pixel[:, :2] / np.where(ahead, camera[:, 2], 1.0)[:, None]
    height, width = pose.size
    return np.asarray(ahead & (xy >= 0).all(1) & (xy < [width, height]).all(1))
