"""Keypoints of the plate as evidence for the body solver."""

from __future__ import annotations

import numpy as np

from backend.mocap.evidence import Evidence, nothing_seen
from backend.mocap.skeleton import Skeleton, human
from backend.pose import Keypoints, PersonTrack

from .cameras import ShotCameras


def evidence_of(track: PersonTrack, cameras: ShotCameras) -> Evidence:
    """What was seen of one person in the cameras' frames, in undistorted px. Joints that the skeleton does not have are
    left out; so are frames without a camera, and points beyond what the lens model says."""
    skeleton = human()
    evidence = nothing_seen(len(cameras), skeleton)
    for index, number in enumerate(cameras.numbers):
        seen = track.by_frame.get(number)
        if seen is not None and cameras.posed[index]:
            _fill(evidence, index, seen, cameras, skeleton)
    return evidence


def _fill(evidence: Evidence, index: int, seen: Keypoints, cameras: ShotCameras, skeleton: Skeleton) -> None:
    """Writes one frame."""
    known = [(i, skeleton.index(name)) for i, name in enumerate(seen.names) if name in skeleton.names]
    theirs, ours = np.array([i for i, _ in known], np.int64), np.array([j for _, j in known], np.int64)
    straight = cameras.undistorted(index, seen.xy[theirs].astype(np.float64))
    good = np.isfinite(straight).all(1) & np.isfinite(seen.sd_px[theirs])
    evidence.xy[index, ours] = np.where(good[:, None], straight, 0.0)
    evidence.sd_px[index, ours] = np.where(good, seen.sd_px[theirs], np.inf)
    if seen.relative is not None and seen.sd_m is not None:
        told = np.isfinite(seen.sd_m[theirs])
        evidence.relative[index, ours] = np.where(told[:, None], seen.relative[theirs], 0.0)
        evidence.sd_m[index, ours] = np.where(told, seen.sd_m[theirs], np.inf)
