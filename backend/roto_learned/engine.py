"""The learned engines of the roto stage."""

from __future__ import annotations

from collections.abc import Iterator

from backend.roto.job import RotoJob
from backend.roto.propagation import FrameMasks
from shared.errors import InternalError, InvalidRequest

from .choice import choose
from .finding import found_frames
from .following import sam2_frames
from .sam3 import sam3_frames


def roto_frames(job: RotoJob) -> Iterator[FrameMasks]:
    """The masks of every frame, ascending. Raises `EngineUnavailable`, `InvalidRequest`, `OutOfMemory`,
    `JobCancelled`."""
    if job.engine == "sam2":
        return _sam2(job)
    if job.engine in ("groundingdino", "owlv2"):
        return found_frames(job)
    if job.engine == "sam3":
        return sam3_frames(job)
    raise InternalError(f"The roto engine {job.engine!r} is not a learned one.")


def _sam2(job: RotoJob) -> Iterator[FrameMasks]:
    if job.texts:
        raise InvalidRequest(
            f"Engine sam2 cannot find {next(iter(job.texts))!r} by words.",
            "Hint it on a frame, or choose sam3, groundingdino or owlv2.",
        )
    yield from sam2_frames(job, job.hints, choose("sam2", job.params))
