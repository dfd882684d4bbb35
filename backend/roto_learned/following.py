"""Hinted objects followed by SAM 2."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from backend.inference.device import torch_device
from backend.inference.memory import is_out_of_memory, release
from backend.pipeline.fingerprint import of_files
from backend.roto.cut import Hints
from backend.roto.job import RotoJob
from backend.roto.propagation import FrameMasks
from shared.errors import OutOfMemory

from .choice import Chosen
from .clip import Clip, FollowedObject, follow, frames
from .keep import ObjectFolder, key_of
from .sam2 import SAM2_FAMILY, SAM3_SIZES, SIZES, Family, load_sam2

Result = TypeVar("Result")


def sam2_frames(
    job: RotoJob, hints: Mapping[str, Mapping[int, Hints]], chosen: Chosen, family: Family = SAM2_FAMILY
) -> Iterator[FrameMasks]:
    """Hinted objects followed by SAM 2 (or the tracker in SAM 3), with a picture as large as the device's memory
    allows."""
    files = of_files([chosen.folder / name for name in chosen.model.files], chosen.folder)
    sizes = SIZES if family == SAM2_FAMILY else SAM3_SIZES

    def run(side: int) -> tuple[Clip, list[FollowedObject]]:
        smaller = None if side == sizes[0] else side
        network = load_sam2(chosen.folder, torch_device(job.device), job.notice, smaller, family)
        clip = clip_of(job)
        more = (files, side, clip.reprompt_every, clip.size, tuple(clip.numbers))
        objects = [
            FollowedObject(label, said, ObjectFolder(job.scratch / f"{chosen.model.engine}-{key_of(said, *more)}"))
            for label, said in hints.items()
        ]
        follow(network, clip, objects)
        return clip, objects

    clip, objects = with_less(sizes, family.title, run, job.notice)
    yield from frames(clip, objects)


def clip_of(job: RotoJob) -> Clip:
    size = (job.height, job.width)
    return Clip(job.numbers, job.picture, size, job.params.reprompt_every, job.checkpoint)


def with_less(sizes: Sequence[int], name: str, run: Callable[[int], Result], notice: Callable[[str], None]) -> Result:
    """Runs with the first of the sizes (px of the picture's side) that fits into the device's memory, and says so when
    it is not the first. Raises `OutOfMemory`."""
    for place, size in enumerate(sizes):
        found = _attempt(run, size)
        if found is not None:
            return found
        release()
        if place + 1 < len(sizes):
            notice(
                f"The device has too little memory for {name} at {size} px: it sees {sizes[place + 1]} px from now on."
            )
    raise OutOfMemory(f"The device has too little memory for {name}, even at {sizes[-1]} px.")


def _attempt(run: Callable[[int], Result], size: int) -> Result | None:
    """None when it did not fit. The error, whose traceback holds the tensors, is gone by then."""
    try:
        return run(size)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return None
