"""The passes of the stage over a clip. Each handles a frame or a window at a time, keeps what is done on disk, and
goes on from there when it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.depth_learned.confirm import lifted, settled
from backend.media.png import is_whole_png
from shared.artifacts import frame_name
from shared.shot import SourceFacts

from .engines import EngineRun
from .frame import MEASURED, FrameDepth
from .job import DepthJob
from .normals import normals_of
from .outputs import (
    DepthRange,
    confidence_levels,
    preview_levels,
    read_depth,
    read_grey,
    write_depth,
    write_grey,
    write_normals,
)
from .store import DepthStore
from .video import write_video

Step = Callable[[int], None]
"""Called with the plate number of each frame that is done; raises `JobCancelled`."""

Final = Callable[[int], FrameDepth]
"""From a plate number to its finished map, in working pixels."""

OUTERMOST = 0.005
"""Share of the known pixels that may lie before `near`, and behind `far`."""

_EVERY = 3
"""Pixels between those whose depths are counted, along both axes."""


@dataclass(frozen=True)
class ClipRange:
    """near, far: world units. known, measured: shares 0..1 of all pixels."""

    near: float
    far: float
    known: float
    measured: float


def without_map(job: DepthJob, store: DepthStore) -> list[int]:
    """Indices of the job's frames that are not in the store."""
    return [index for index in job.wanted if job.pictures.numbers[index] not in store]


def raw_pass(run: EngineRun, job: DepthJob, store: DepthStore, step: Step) -> None:
    """The engine's maps into the store. Frames that it has no depth for stay missing."""
    for number in job.numbers:
        if number in store:
            step(number)
    for found in run.frames:
        store.write(found)
        step(found.number)


def consistent_pass(job: DepthJob, raw: DepthStore, store: DepthStore, step: Step, *, estimated: bool = False) -> None:
    """The raw maps, brought into agreement with their neighbours, into another store, in order of the frames.
    estimated: they are a network's, and it is the neighbours who confirm them."""
    from .consistency.settings import ConsistencySettings
    from .consistency.stream import consistent
    from .views import view_of

    numbers = job.pictures.numbers
    there = [index for index in job.wanted if numbers[index] in raw]
    left = [index for index in there if numbers[index] not in store]
    for index in there[: len(there) - len(left)]:
        step(numbers[index])
    if not left:
        return
    known = set(there)
    settings = ConsistencySettings(
        iterations=job.params.iterations, half_resolution=job.params.consistency_resolution == "half"
    )
    found = consistent(
        [pose if index in known else None for index, pose in enumerate(job.poses)],
        lambda index: lifted(raw.read(numbers[index])) if estimated else raw.read(numbers[index]),
        lambda index: view_of(job, index),
        job.pictures.moving,
        settings,
        job.checkpoint,
        first=left[0],
    )
    for frame in found:
        store.write(settled(frame, raw.read(frame.number)) if estimated else frame)
        step(frame.number)


@dataclass(frozen=True)
class FrameFiles:
    """Where the files of a frame are made, under `folder`, which becomes the shot's `depth/`."""

    folder: Path

    def depth(self, number: int) -> Path:
        return self.folder / frame_name(number, "exr")

    def confidence(self, number: int) -> Path:
        return self.folder / "confidence" / frame_name(number)

    def normals(self, number: int) -> Path:
        return self.folder / "normals" / frame_name(number, "exr")

    def preview(self, number: int) -> Path:
        return self.folder / "preview" / frame_name(number)

    @property
    def video(self) -> Path:
        return self.folder / "depth.mp4"


def plate_pass(job: DepthJob, numbers: list[int], final: Final, files: FrameFiles, step: Step) -> None:
    """The frames' files in the plate's pixels. A frame whose depth is there is done: it is written last."""
    indices = {number: index for index, number in enumerate(job.pictures.numbers)}
    aspect = job.camera.intrinsics.pixel_aspect
    for number in numbers:
        if not files.depth(number).is_file():
            lens = job.pictures.lens(indices[number])
            found = job.pictures.working.to_plate(final(number), lens)
            if job.params.holes == "keep":
                found = _measured_only(found)
            if job.params.normals:
                write_normals(files.normals(number), normals_of(found, job.pictures.working.rays(lens)), aspect)
            write_grey(files.confidence(number), confidence_levels(found))
            write_depth(files.depth(number), found.depth, aspect)
        step(number)


def _measured_only(found: FrameDepth) -> FrameDepth:
    sure = found.confidence >= MEASURED
    depth, confidence = (np.where(sure, plane, 0.0).astype(np.float32) for plane in (found.depth, found.confidence))
    return FrameDepth(found.number, depth, confidence, found.sources)


def clip_range(numbers: list[int], files: FrameFiles, checkpoint: Callable[[], None]) -> ClipRange:
    """The range of the whole clip, from its written frames."""
    lengths, measured, pixels = DepthRange(), 0, 0
    for number in numbers:
        checkpoint()
        depth, sure = read_depth(files.depth(number)), read_grey(files.confidence(number))
        lengths.add(depth[::_EVERY, ::_EVERY])
        measured, pixels = measured + int((sure >= 128).sum()), pixels + sure.size
    near, far = lengths.between(OUTERMOST, 1.0 - OUTERMOST)
    return ClipRange(near, far, lengths.known, measured / max(pixels, 1))


def preview_pass(
    numbers: list[int], span: tuple[int, int], found: ClipRange, files: FrameFiles, facts: SourceFacts, step: Step
) -> None:
    """Previews of all frames, and the video from the first to the last number of `span`: black where there is no
    map."""

    def pictures() -> Iterator[NDArray[np.uint8]]:
        there = set(numbers)
        for number in range(span[0], span[1] + 1):
            if number not in there:
                yield np.zeros((facts.height, facts.width), np.uint8)
                continue
            levels = preview_levels(read_depth(files.depth(number)), found.near, found.far)
            if not is_whole_png(files.preview(number)):
                write_grey(files.preview(number), levels)
            step(number)
            yield levels

    aspect = Fraction(facts.pixel_aspect).limit_denominator(1000)
    write_video(files.video, pictures(), (facts.height, facts.width), facts.rate, aspect)
