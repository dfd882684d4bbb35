"""A pass that does not fit the device's memory goes on where there is more of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backend.inference.memory import is_out_of_memory, release
from shared.errors import OutOfMemory

from .job import DepthJob

_REMEDY = "Use --depth-resolution half, or close other programs, then run the job again: it continues where it stopped."


def on_device(job: DepthJob, work: Callable[[DepthJob], None]) -> None:
    """Runs a pass that keeps every finished frame on disk; on the processor from where it was when the device ran out
    of memory. Raises `OutOfMemory` when the processor's is not enough either."""
    if _fits(job, work):
        return
    if job.device != "cpu":
        release()
        job.notice(f"The device {job.device} has too little memory for this plate: the processor goes on, slower.")
        if _fits(replace(job, device="cpu"), work):
            return
    raise OutOfMemory("There is too little memory to find depth at this resolution.", _REMEDY)


def _fits(job: DepthJob, work: Callable[[DepthJob], None]) -> bool:
    """The error, whose traceback holds the tensors, is gone when this returns."""
    try:
        work(job)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True
