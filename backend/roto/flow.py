"""Engine `flow`: hints become masks, and optical flow carries them through the clip. No model weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .job import RotoJob
from .people.boxes import begun_by_people
from .propagation import FrameMasks, PropagationSettings, clip_masks
from .timing import PEOPLE

NAME = "flow"
_SHARES = (0.45, 0.45, 0.1)
"""Of the time: following forwards, following backwards, finishing. What is not needed takes no time."""

_UNITS = 10_000


def roto_frames(job: RotoJob) -> Iterator[FrameMasks]:
    """Every number of the job once, ascending. Raises `InvalidRequest` for hints that lead nowhere."""
    if job.engine == NAME:  # the other engines that carry their finds by flow say themselves where objects are
        with job.measure(PEOPLE):
            job = begun_by_people(job)
    checkpoint = in_passes(job.checkpoint)
    settings = PropagationSettings()
    yield from clip_masks(job.picture, job.numbers, job.hints, job.store, settings, checkpoint, job.measure)


def in_passes(checkpoint: Callable[[str, int, int], None]) -> Callable[[str, int, int], None]:
    """For what counts its frames anew in each of its passes: `checkpoint` hears how far all of them are together."""
    passes: list[str] = []

    def step(what: str, done: int, total: int) -> None:
        if what not in passes:
            passes.append(what)
        index = min(passes.index(what), len(_SHARES) - 1)
        share = sum(_SHARES[:index]) + _SHARES[index] * done / max(total, 1)
        checkpoint(what[:1].upper() + what[1:], round(share * _UNITS), _UNITS)

    return step
