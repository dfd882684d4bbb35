"""Keypoints of the plate as evidence for the body solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from backend.mocap.evidence import Evidence, nothing_seen
from backend.mocap.skeleton import Floats, Skeleton, human
from backend.pose import Keypoints, PersonTrack

from .cameras import ShotCameras


@dataclass(frozen=True)
class TrackEvidence:
    """What was seen of one person in the cameras' frames, in undistorted px, read as it is asked for. Joints that the
    skeleton does not have are left out; so are frames without a camera, and points beyond what the lens model says."""

    track: PersonTrack
    cameras: ShotCameras

    def __len__(self) -> int:
        return len(self.cameras)

    def part(self, start: int, stop: int) -> Evidence:
        """Of frames start..stop - 1. Raises `ShotCorrupt`."""
        skeleton, cameras = human(), self.cameras
        evidence = nothing_seen(stop - start, skeleton)
        for index in range(start, stop):
            seen = self.track.by_frame.get(cameras.numbers[index]) if cameras.posed[index] else None
            if seen is not None:
                _fill(evidence, index - start, seen, partial(cameras.undistorted, index), skeleton)
        return evidence


def _fill(
    evidence: Evidence, index: int, seen: Keypoints, undistorted: Callable[[Floats], Floats], skeleton: Skeleton
) -> None:
    """Writes one frame."""
    known = [(i, skeleton.index(name)) for i, name in enumerate(seen.names) if name in skeleton.names]
    theirs, ours = np.array([i for i, _ in known], np.int64), np.array([j for _, j in known], np.int64)
    straight = undistorted(seen.xy[theirs].astype(np.float64))
    good = np.isfinite(straight).all(1) & np.isfinite(seen.sd_px[theirs])
    evidence.xy[index, ours] = np.where(good[:, None], straight, 0.0)
    evidence.sd_px[index, ours] = np.where(good, seen.sd_px[theirs], np.inf)
    if seen.relative is not None and seen.sd_m is not None:
        told = np.isfinite(seen.sd_m[theirs])
        evidence.relative[index, ours] = np.where(told[:, None], seen.relative[theirs], 0.0)
        evidence.sd_m[index, ours] = np.where(told, seen.sd_m[theirs], np.inf)
