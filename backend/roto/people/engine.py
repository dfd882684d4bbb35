"""Engine `person`: every person of a clip, named by first appearance."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from backend.roto import flow
from backend.roto.corrections import with_found
from backend.roto.cut import Hints
from backend.roto.engines import PEOPLE_WORDS
from backend.roto.job import RotoJob
from backend.roto.propagation import FrameMasks
from shared.errors import InvalidRequest

from .anchors import hints_of
from .process import PeopleWorker
from .sampling import Looked, look_through

_APART_S = 1.0 / 3.0
"""Around what the artist says of a person no mask of the network's counts."""


def names_people(text: str) -> bool:
    """Whether a text asks for people and nothing else."""
    words = text.replace(",", " ").split()
    return bool(words) and all(word.casefold() in PEOPLE_WORDS for word in words)


def roto_frames(job: RotoJob) -> Iterator[FrameMasks]:
    """People for the job's texts, and the objects of its hints, followed together so that they compete. Raises
    `InvalidRequest` for a text that does not mean people and when the clip has none, `EngineUnavailable`,
    `WorkerCrashed`, `JobCancelled`."""
    label = _label(job)
    if label is None:
        yield from flow.roto_frames(job)
        return
    fps = float(job.shot.read().facts.rate)
    looking = _Looking(job)
    with PeopleWorker(looking.again) as worker:
        looked = look_through(job.numbers, job.picture, fps, worker, looking.step)
    if not looked.tracks and not job.hints:
        raise InvalidRequest(
            f"No person was found in frames {job.numbers[0]} to {job.numbers[-1]} of the clip.",
            "Click on the people or box them (engine flow), or choose a frame range in which a whole person is seen.",
        )
    yield from flow.roto_frames(dataclasses.replace(job, hints=with_people(job, label, looked, fps)))


class _Looking:
    """Says how far the search is, also while a single picture takes its time: a cancel is heard then."""

    def __init__(self, job: RotoJob) -> None:
        self._job, self._last = job, ("Looking for people", 0, len(job.numbers))

    def step(self, what: str, done: int, total: int) -> None:
        self._last = (what, done, total)
        self.again()

    def again(self) -> None:
        self._job.checkpoint(*self._last)


def with_people(job: RotoJob, label: str, looked: Looked, fps: float) -> dict[str, Mapping[int, Hints]]:
    """The job's hints and those of the people found."""
    found = [(label, hints_of(label, track, looked, job.numbers, fps, job.picture)) for track in looked.tracks]
    return with_found(job.hints, job.texts, found, near=round(_APART_S * fps))


def _label(job: RotoJob) -> str | None:
    """The label that people go under: the first text's. Raises `InvalidRequest` for a text of something else."""
    for label, text in job.texts.items():
        if not names_people(text):
            raise InvalidRequest(
                f"Engine person finds people only, and {label!r} is said to be {text!r}.",
                "Write person, hint the object on a frame, or choose an engine that finds by text (groundingdino).",
            )
    return next(iter(job.texts), None)
