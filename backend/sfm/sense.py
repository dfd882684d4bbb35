"""What a solve must have to be one, and what the user should know about one that lacks something."""

from __future__ import annotations

import numpy as np

from backend.frame_ranges import frame_ranges
from shared.errors import ClipTooShort, SolveDiverged

from .frames import FrameSource
from .refine import Refined
from .result import CameraSolve
from .track_motion import whole_track_residual

_LEAST_FRAMES = 3
_LEAST_SOLVED_SHARE = 0.5
_LEAST_POINTS = 12
_AGREES, _LEAST_AGREEING = 2.0, 0.45
"""Expected noises within which a track agrees, and the share of them that makes a camera believable."""


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


def doubt_notices(refined: Refined, noise_px: float) -> tuple[str, ...]:
    """What to say of a camera that most of the picture disagrees with: when more than half of it moves, the camera may
    be that of what moves. noise_px: expected of a track, plate px."""
    rms, judged = whole_track_residual(refined.scene, refined.everything)
    if not judged.any():
        return ()
    agree = float((rms[judged] < _AGREES * noise_px).mean())
    if agree >= _LEAST_AGREEING:
        return ()
    return (
        f"Only {agree:.0%} of the tracks agree with this camera: look at the overlay. If people fill the picture, mask "
        "them (roto) and solve again.",
    )
