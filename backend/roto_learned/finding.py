"""Objects that words name: boxes on key frames, joined over time, then followed from those boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from backend.inference.device import torch_device
from backend.roto import flow
from backend.roto.corrections import with_found
from backend.roto.cut import Hints
from backend.roto.job import RotoJob
from backend.roto.propagation import FrameMasks
from shared.errors import EngineUnavailable, InvalidRequest

from .boxes import BoxFinder, load_finder
from .choice import choose
from .following import sam2_frames, with_less
from .linking import BoxLinker, BoxTrack, hints_of_tracks, in_order
from .sam2 import Picture

SHORT_SIDES = (800, 640, 480)
"""px of the shorter side that Grounding DINO sees: the published one, then what fits into less memory."""

_LOOKS_PER_S = 2.0
_SHORTEST = 2


@dataclass(frozen=True)
class Found:
    """tracks: of all labels. looked: frames that were looked at."""

    tracks: tuple[BoxTrack, ...]
    looked: int


def found_frames(job: RotoJob) -> Iterator[FrameMasks]:
    """The objects that the job's texts name, and those of its hints. Raises `InvalidRequest` when none is found."""
    fps = float(job.shot.read().facts.rate)
    found = _look(job, fps)
    hints = named_hints(job, real_tracks(found), fps)
    if not hints:
        raise nothing_found(job)
    try:
        sam2 = choose("sam2", replace(job.params, model="auto"))
    except EngineUnavailable as lacking:
        job.notice(f"The boxes of {job.engine} are followed by optical flow: {lacking.message}")
        yield from flow.roto_frames(replace(job, hints=hints))
        return
    yield from sam2_frames(job, hints, sam2)


def real_tracks(found: Found) -> list[BoxTrack]:
    """What was seen more than once, if more than one frame was looked at: a single box is chance too often."""
    return in_order([track for track in found.tracks if len(track.seen) >= min(_SHORTEST, found.looked)])


def named_hints(job: RotoJob, tracks: Sequence[BoxTrack], fps: float) -> dict[str, Mapping[int, Hints]]:
    """The job's hints and those of what was found."""
    found = hints_of_tracks(tracks, job.numbers, fps)
    say_what_is_missing(job, {label for label, _ in found})
    return with_found(job.hints, job.texts, found)


def say_what_is_missing(job: RotoJob, found: Set[str]) -> None:
    """A notice for every text that nothing answers to, unless nothing answers to any: that is an error."""
    for label in sorted({*job.texts} - found):
        if found:
            job.notice(f"Nothing in the clip answers to {job.texts[label]!r}: {label!r} gets no mask.")


def nothing_found(job: RotoJob) -> InvalidRequest:
    words = ", ".join(repr(words) for words in job.texts.values())
    return InvalidRequest(
        f"{job.engine} found nothing in frames {job.numbers[0]} to {job.numbers[-1]} that answers to {words}.",
        "Use other words, lower --roto-threshold, or click on the object or box it.",
    )


def _look(job: RotoJob, fps: float) -> Found:
    chosen = choose(job.engine, job.params)

    def run(short_side: int) -> Found:
        finder = load_finder(job.engine, chosen.folder, torch_device(job.device), job.texts, short_side)
        return look_through(finder, job.numbers, job.picture, fps, job.params.threshold, job.checkpoint)

    sizes = SHORT_SIDES if job.engine == "groundingdino" else SHORT_SIDES[:1]
    return with_less(sizes, chosen.model.title, run, job.notice)


def look_through(
    finder: BoxFinder,
    numbers: Sequence[int],
    picture: Callable[[int], Picture],
    fps: float,
    threshold: float,
    checkpoint: Callable[[str, int, int], None],
) -> Found:
    """Looks at two frames a second, the first and the last among them."""
    stride = max(1, round(fps / _LOOKS_PER_S))
    indices = sorted({*range(0, len(numbers), stride), len(numbers) - 1})
    linker = BoxLinker(fps)
    for index in indices:
        checkpoint("Looking for objects", index, len(numbers))
        shown = picture(numbers[index])
        linker.add(index, finder.find(shown, threshold), shown)
    return Found(tuple(linker.tracks), len(indices))
