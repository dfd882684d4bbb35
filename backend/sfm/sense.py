"""What a solve must have to be one, and what the user should know about one that lacks something."""

from __future__ import annotations

import numpy as np

from backend.frame_ranges import frame_ranges
from shared.errors import ClipTooShort, SolveDiverged

from .frames import FrameSource
from .refine import Refined
from .result import CameraSolve

_LEAST_FRAMES = 3
_LEAST_SOLVED_SHARE = 0.5
_LEAST_POINTS = 12


def require_length(frames: FrameSource) -> None:
    """Raises `ClipTooShort`."""
    count = len(frames.numbers)
    if count < _LEAST_FRAMES:
        plural = "" if count == 1 else "s"
        raise ClipTooShort(f"The clip has {count} frame{plural}; a solve needs at least {_LEAST_FRAMES}.")


def require_sense(frames: FrameSource, refined: Refined) -> None:
    """A solve that explains little is no solve. Raises `SolveDiverged`."""
    scene, tracks, numbers = refined.scene, refined.tracks, frames.numbers
    placed = int(scene.posed.sum())
    if placed < max(_LEAST_FRAMES, _LEAST_SOLVED_SHARE * len(scene.posed)):
        first_lost = numbers[int(np.argmin(scene.posed))]
        raise SolveDiverged(
            f"Only {placed} of {len(scene.posed)} frames agree on a camera; the others start at frame {first_lost}."
        )
    used = scene.known[tracks.track] & scene.posed[tracks.frame]
    if used.sum() < _LEAST_POINTS * placed:
        raise SolveDiverged(f"Only {int(used.sum() / placed)} points a frame agree on a camera.")


def lost_notices(result: CameraSolve) -> tuple[str, ...]:
    """Which frames have no camera."""
    lost = [frame.number for frame in result.frames if frame.world_from_camera is None]
    if not lost:
        return ()
    return (
        f"{len(lost)} of {len(result.frames)} frames could not be placed and have no camera: {frame_ranges(lost)}.",
    )
