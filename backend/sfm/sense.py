"""What a solve must have to be one, and what the user should know about one that lacks something."""

from __future__ import annotations

import numpy as np

from backend.frame_ranges import frame_ranges
from shared.errors import ClipTooShort, SolveDiverged

from .frames import Flags, FrameSource
from .refine import Refined
from .result import CameraSolve
from .track_motion import AGREES, whole_track_residual
from .tracks import Tracks

_LEAST_FRAMES = 3
_LEAST_SOLVED_SHARE = 0.5
_LEAST_POINTS = 12
_NEARLY = 4.0
_LEAST_AGREEING, _LEAST_NEAR = 0.5, 0.6
"""Expected noises within which a track may agree still, in a plate that is noisier than most; and the shares of
agreeing ones and of those that make a camera believable."""

_RIM, _LEAST_RIM = 0.1, 0.6
"""Width, over the picture's, of its rim, and the share of the tracks there that the set has."""


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


def require_agreement(frames: FrameSource, refined: Refined, noise_px: float) -> tuple[str, ...]:
    """A camera that most of the picture disagrees with may be that of what moves. Notices of what is doubtful.

    noise_px: expected of a track, plate px. Raises `SolveDiverged` when the tracks disagree by far, unless those that
    agree reach round the picture, as a set does behind a crowd, the artist holds some of them, or the camera stands
    (which nothing is fitted to).
    """
    scene, everything = refined.scene, refined.everything
    rms, judged = whole_track_residual(scene, everything)
    if not judged.any():
        return ()
    agree = float((rms[judged] < AGREES * noise_px).mean())
    if agree >= _LEAST_AGREEING:
        return ()
    near: Flags = rms < _NEARLY * noise_px
    sure = everything.held().any() or (scene.spans is not None and set(scene.spans.kinds) == {"locked"})
    if near[judged].mean() >= _LEAST_NEAR or sure or _round_the_picture(frames, everything, near, judged):
        return (
            f"Only {agree:.0%} of the tracks agree with this camera: look at the overlay. If people fill the picture, "
            "mask them (roto) and solve again.",
        )
    raise SolveDiverged(
        f"The camera found for frames {frames.numbers[0]}-{frames.numbers[-1]} suits only {agree:.0%} of the tracks: "
        "so much moves in the picture that it may belong to what moves and not to the set.",
        "Mask what moves (roto) and solve again; the focal length, if it is known, helps too.",
    )


def _round_the_picture(frames: FrameSource, tracks: Tracks, agrees: Flags, judged: Flags) -> bool:
    """Whether most of what is seen near the picture's borders agrees."""
    size = np.array([frames.width, frames.height])
    rim = (np.minimum(tracks.xy, size - tracks.xy) / size).min(1) < _RIM
    rim &= judged[tracks.track]
    return bool(rim.any() and agrees[tracks.track[rim]].mean() > _LEAST_RIM)
