"""Cuts: frames that begin another take.

Between two frames of one take most pixels are found again by optical flow. Few are across a cut, but also while the
camera whips around; a cut is a gap between two frames that each go on.
"""

from __future__ import annotations

from backend.depth_learned.links import Small, share_found, small_picture

from .job import PoseJob

_LOST, _GOES_ON = 0.25, 0.5
"""Shares of the pixels that are found again. Pictures that have nothing to do with each other match in up to a fifth;
within a take nine tenths are usual."""

STEP = "Looking for cuts"


def cuts_of(job: PoseJob) -> tuple[int, ...]:
    """Plate numbers that begin another take: those that the job names, else those that are found. Frames beside a
    missing number do not count."""
    if job.cuts:
        return tuple(job.cuts)
    shares: list[float] = []
    before: Small | None = None
    for index, number in enumerate(job.numbers):
        job.checkpoint(STEP, index, len(job.numbers))
        now = small_picture(job.picture(number))
        if before is not None:
            shares.append(share_found(before, now))
        before = now
    return tuple(job.numbers[index] for index in gaps(shares))


def gaps(shares: list[float]) -> list[int]:
    """Indices of frames that begin another take; shares[i]: of the pixels of frame i + 1 that frame i has too."""
    return [
        i + 1
        for i, share in enumerate(shares)
        if share < _LOST and all(shares[j] >= _GOES_ON for j in (i - 1, i + 1) if 0 <= j < len(shares))
    ]
